"""Makes the stills of a clip: JPEG at two sizes, of the picture itself, or of the first frame of a film that is not black."""

from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageStat

from service.clips.cleaning.colours import is_hdr, ordinary_still
from service.clips.cleaning.film import size_of
from service.clips.cleaning.film_files import Turn, matrix_of, reading_file, turn_of
from service.clips.cleaning.refusals import CannotClean

SIDES: Final = (320, 1_280)
"""In pixels, of the longer side. A smaller clip has smaller stills."""
DARK_MAX: Final = 24
"""Mean brightness of 255 up to which a frame counts as black. Black is 16 in films."""
LOOK_AT_FRAMES: Final = 250
QUALITY: Final = 82
TRANSPOSE_BY_TURN: Final[dict[Turn, Image.Transpose | None]] = {
    "none": None,
    "half": Image.Transpose.ROTATE_180,
    "mirror": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip": Image.Transpose.FLIP_TOP_BOTTOM,
    "clock": Image.Transpose.ROTATE_270,
    "counterclock": Image.Transpose.ROTATE_90,
    "transpose": Image.Transpose.TRANSPOSE,
    "transverse": Image.Transpose.TRANSVERSE,
}


def write_posters(image: Image.Image, folder: Path) -> dict[int, Path]:
    """Writes the stills of an image, and returns them by size."""
    paths = {}
    for side in SIDES:
        scale = min(1.0, side / max(image.size))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        still = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        if still.mode == "RGBA":
            white = Image.new("RGB", size, "white")
            white.paste(still, mask=still.getchannel("A"))
            still = white
        paths[side] = folder / f"poster-{side}.jpg"
        still.save(paths[side], "JPEG", quality=QUALITY, optimize=True)
    return paths


def still_of_film(path: Path) -> Image.Image:
    """Returns the first frame of a cleaned film that is not black, as a person sees it; the first one where all are black."""
    first: Any | None = None
    with reading_file(path) as read:
        pixel_aspect = read.streams.video[0].sample_aspect_ratio
        for nth, frame in enumerate(read.decode(video=0)):
            if ImageStat.Stat(_image(frame, "gray")).mean[0] > DARK_MAX:
                return _as_seen(frame, pixel_aspect)
            first = first or frame
            if nth == LOOK_AT_FRAMES:
                break
    if first is None:
        raise CannotClean("clip.broken")
    return _as_seen(first, pixel_aspect)


def _image(frame: Any, form: str) -> Image.Image:
    image: Image.Image = frame.reformat(format=form, threads=1).to_image(threads=1)
    return image


def _as_seen(frame: Any, pixel_aspect: Any) -> Image.Image:
    """Returns a frame turned by its display matrix, with square pixels."""
    image = _image(frame, "rgb24")
    image = ordinary_still(image, frame.color_trc) if is_hdr(frame) else image
    turn = TRANSPOSE_BY_TURN[turn_of(matrix_of(frame))]
    turned = image if turn is None else image.transpose(turn)
    size = size_of(frame, pixel_aspect)
    return turned if turned.size == size else turned.resize(size, Image.Resampling.LANCZOS)
