"""Cleans a picture: its first image is turned upright, converted to sRGB, and written afresh from its pixels alone."""

import struct
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Literal

import msgspec
import pillow_heif
from PIL import Image, ImageCms

from service.clips.cleaning.captured import Captured, captured_of_picture
from service.clips.cleaning.refusals import CannotClean

FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
PIXELS_MAX: Final = 64_000_000
SIDE_MAX: Final = 16_384
JPEG_QUALITY: Final = 90
EXIF_IFD: Final = 0x8769
DATE_TIME_ORIGINAL: Final = 0x9003
OFFSET_TIME_ORIGINAL: Final = 0x9011
ORIENTATION: Final = 0x0112
TURN_BY_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF's orientation (CIPA DC-008, 4.6.5)."""

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


class CleanPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A cleaned picture, as it was written."""

    media_type: Literal["image/jpeg", "image/png"]
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
    except Image.DecompressionBombError as error:
        raise CannotClean("clip.too_large") from error
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as error:
        raise CannotClean("clip.broken") from error
    if is_png:
        pixels.save(target, "PNG")
    else:
        pixels.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    measured = CleanPicture(
        media_type="image/png" if is_png else "image/jpeg", width=pixels.width, height=pixels.height, captured=captured
    )
    return measured, pixels


def _require_size(width: int, height: int) -> None:
    if width * height > PIXELS_MAX or max(width, height) > SIDE_MAX:
        raise CannotClean("clip.too_large")
    if width * height == 0:
        raise CannotClean("clip.broken")


def _captured(read: Image.Image) -> Captured | None:
    """Returns when a picture was made; None where its fields cannot be read: they are not kept in any case."""
    try:
        fields = read.getexif().get_ifd(EXIF_IFD)
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError, TypeError, KeyError, struct.error):
        return None
    return captured_of_picture(fields.get(DATE_TIME_ORIGINAL), fields.get(OFFSET_TIME_ORIGINAL))


def _pixels(read: Image.Image) -> Image.Image:
    """Returns a new image that has the pixels of the first frame, upright and in sRGB, and nothing else.

    Holds at most two copies of the pixels at a time: 64 megapixels are 256 MB.
    """
    read.load()
    profile, orientation = read.info.get("icc_profile"), _orientation(read)
    has_alpha = read.mode in ("RGBA", "LA", "PA") or "transparency" in read.info
    mode = "RGBA" if has_alpha else "RGB"
    pixels = Image.new(mode, read.size)
    pixels.paste(_in_srgb(read, profile, mode))
    read.close()
    turn = TURN_BY_ORIENTATION.get(orientation)
    return pixels if turn is None else pixels.transpose(turn)


def _orientation(read: Image.Image) -> int:
    """Returns how the picture is to be turned, by its EXIF; 1, upright, where that cannot be read."""
    try:
        found = read.getexif().get(ORIENTATION)
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError, TypeError, KeyError, struct.error):
        return 1
    return found if isinstance(found, int) else 1


def _in_srgb(read: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    """Returns the image in sRGB and in a mode."""
    colours = _to_srgb(read, profile) if profile and read.mode in ("RGB", "RGBA", "L", "CMYK") else read
    if colours.mode.startswith("I;16") or colours.mode == "I":
        colours = colours.point(lambda level: level / 256).convert("L")
    return colours if colours.mode == mode else colours.convert(mode)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Returns the image in sRGB; unchanged where its profile cannot be read, as a browser would show it."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        if image.mode in ("RGB", "RGBA"):
            ImageCms.profileToProfile(image, source, srgb, inPlace=True)
            return image
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image
