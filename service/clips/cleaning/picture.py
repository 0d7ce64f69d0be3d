"""Cleans a picture: its first image is turned upright, converted to sRGB, and written afresh from its pixels alone."""

from io import BytesIO
from pathlib import Path
from typing import IO, Final

import msgspec
import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from service.clips.cleaning.captured import Captured, captured_of_picture
from service.clips.cleaning.refusals import CannotClean

FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
PIXELS_MAX: Final = 64_000_000
SIDE_MAX: Final = 16_384
JPEG_QUALITY: Final = 90
EXIF_IFD: Final = 0x8769
DATE_TIME_ORIGINAL: Final = 0x9003
OFFSET_TIME_ORIGINAL: Final = 0x9011

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


class CleanPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A cleaned picture, as it was written."""

    media_type: str
    width: int
    height: int
    captured: Captured | None


def clean_picture(source: IO[bytes], target: Path) -> tuple[CleanPicture, Image.Image]:
    """Writes the cleaned picture to a new file. Returns its measures, and its pixels for the posters.

    Raises:
        CannotClean: the file is no picture, is broken, or is larger than a clip may be.
    """
    try:
        with Image.open(source, formats=FORMATS) as read:
            _require_size(*read.size)
            captured = _captured(read)
            pixels = _pixels(read)
            is_png = read.format == "PNG" or pixels.mode == "RGBA"
    except UnidentifiedImageError as error:
        raise CannotClean("clip.unknown_type") from error
    except Image.DecompressionBombError as error:
        raise CannotClean("clip.too_large") from error
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as error:
        raise CannotClean("clip.broken") from error
    if is_png:
        pixels.save(target, "PNG")
    else:
        pixels.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    media_type = "image/png" if is_png else "image/jpeg"
    return CleanPicture(media_type=media_type, width=pixels.width, height=pixels.height, captured=captured), pixels


def _require_size(width: int, height: int) -> None:
    if width * height > PIXELS_MAX or max(width, height) > SIDE_MAX:
        raise CannotClean("clip.too_large")
    if width * height == 0:
        raise CannotClean("clip.broken")


def _captured(read: Image.Image) -> Captured | None:
    fields = read.getexif().get_ifd(EXIF_IFD)
    return captured_of_picture(fields.get(DATE_TIME_ORIGINAL), fields.get(OFFSET_TIME_ORIGINAL))


def _pixels(read: Image.Image) -> Image.Image:
    """Returns a new image that has the pixels of the first frame, upright and in sRGB, and nothing else."""
    read.load()
    profile = read.info.get("icc_profile")
    upright = ImageOps.exif_transpose(read) or read
    has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    colours = _to_srgb(upright, profile) if profile and upright.mode in ("RGB", "RGBA", "L", "CMYK") else upright
    if colours.mode.startswith("I;16") or colours.mode == "I":
        colours = colours.point(lambda level: level / 256).convert("L")
    mode = "RGBA" if has_alpha else "RGB"
    colours = colours if colours.mode == mode else colours.convert(mode)
    fresh = Image.new(mode, colours.size)
    fresh.paste(colours)
    return fresh


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Returns the image in sRGB; unchanged where its profile cannot be read, as a browser would show it."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image
