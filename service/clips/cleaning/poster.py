"""Makes the stills of a clip: JPEG, at most 320 and 1,280 pixels a side. A film's still is its first frame that is not black."""

from pathlib import Path
from typing import Any, Final

import av
from PIL import Image, ImageStat

from service.clips.cleaning.refusals import CannotClean

SIDES: Final = (320, 1_280)
"""In pixels, of the longer side. A smaller clip has smaller stills."""
DARK_MAX: Final = 24
"""Mean brightness of 255 up to which a frame counts as black. Black is 16 in films."""
LOOK_AT_FRAMES: Final = 250
QUALITY: Final = 82


def write_posters(image: Image.Image, folder: Path) -> dict[int, Path]:
    """Writes the stills of an image, and returns them by size."""
    flat = image
    if image.mode == "RGBA":
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
    paths = {}
    for side in SIDES:
        still = flat.copy()
        still.thumbnail((side, side), Image.Resampling.LANCZOS)
        paths[side] = folder / f"poster-{side}.jpg"
        still.save(paths[side], "JPEG", quality=QUALITY, optimize=True)
    return paths


def still_of_film(path: Path) -> Image.Image:
    """Returns the first frame of a cleaned film that is not black, upright; the first one where all are black."""
    first: Image.Image | None = None
    with av.open(str(path)) as read:
        read.streams.video[0].thread_count = 1
        for nth, frame in enumerate(read.decode(video=0)):
            image = _upright(frame)
            if ImageStat.Stat(image.convert("L")).mean[0] > DARK_MAX:
                return image
            first = first or image
            if nth == LOOK_AT_FRAMES:
                break
    if first is None:
        raise CannotClean("clip.broken")
    return first


def _upright(frame: Any) -> Image.Image:
    image: Image.Image = frame.to_image()
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
