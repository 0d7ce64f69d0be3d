"""Makes the stills of a clip: JPEG at two sizes, of the picture itself, or of the first frame of a film that is not black."""

from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageStat

from service.clips.cleaning.film import size_of
from service.clips.cleaning.film_files import is_on_its_side, matrix_of, reading_file
from service.clips.cleaning.refusals import CannotClean

SIDES: Final = (320, 1_280)
"""In pixels, of the longer side. A smaller clip has smaller stills."""
DARK_MAX: Final = 24
"""Mean brightness of 255 up to which a frame counts as black. Black is 16 in films."""
LOOK_AT_FRAMES: Final = 250
QUALITY: Final = 82


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
    matrix = matrix_of(frame)
    (right, down), (right_of_row, down_of_row) = matrix[0:2], matrix[3:5]
    if is_on_its_side(matrix):
        turn = _TURN_OF_SIDE[down > 0, right_of_row > 0]
    else:
        turn = _TURN_OF_UPRIGHT[right > 0, down_of_row > 0]
    turned = image if turn is None else image.transpose(turn)
    size = size_of(frame, pixel_aspect)
    return turned if turned.size == size else turned.resize(size, Image.Resampling.LANCZOS)


# A picture goes to the right, or not, along its rows; and down, or not, along its columns.
_TURN_OF_UPRIGHT: Final = {
    (True, True): None,
    (False, False): Image.Transpose.ROTATE_180,
    (False, True): Image.Transpose.FLIP_LEFT_RIGHT,
    (True, False): Image.Transpose.FLIP_TOP_BOTTOM,
}
# A picture goes down, or not, along its rows; and to the right, or not, along its columns.
_TURN_OF_SIDE: Final = {
    (True, False): Image.Transpose.ROTATE_270,
    (False, True): Image.Transpose.ROTATE_90,
    (True, True): Image.Transpose.TRANSPOSE,
    (False, False): Image.Transpose.TRANSVERSE,
}
