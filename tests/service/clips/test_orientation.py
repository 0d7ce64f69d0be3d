"""Tests that turned and mirrored films, and films whose pixels are not square, are seen as their camera meant them."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import pytest
from PIL import Image

from service.clips.cleaning.film_files import matrix_of
from service.clips.cleaning.poster import still_of_film
from service.clips.cleaning.rendition import make_rendition
from tests.service.clips.films import cleaned, cleaned_bytes
from tests.service.clips.media import RATE, frame_of, pixel
from tests.service.clips.planting import turned

SIZE = (160, 96)
QUARTERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
# The stored picture is red and green above blue and white. Display matrix -> the quarters as a person sees them, row by row.
SEEN = {
    (1, 0, 0, 1): ("red", "green", "blue", "white"),
    (0, 1, -1, 0): ("blue", "red", "white", "green"),
    (-1, 0, 0, -1): ("white", "blue", "green", "red"),
    (0, -1, 1, 0): ("green", "white", "red", "blue"),
    (-1, 0, 0, 1): ("green", "red", "white", "blue"),
    (1, 0, 0, -1): ("blue", "white", "red", "green"),
    (0, 1, 1, 0): ("red", "blue", "green", "white"),
    (0, -1, -1, 0): ("white", "green", "blue", "red"),
}


def _quartered(path: Path, *, pixel_aspect: Fraction | None = None) -> Path:
    with av.open(str(path), "w") as written:
        track = written.add_stream("libx264", rate=RATE, width=SIZE[0], height=SIZE[1])
        track.pix_fmt = "yuv420p"
        if pixel_aspect is not None:
            track.codec_context.sample_aspect_ratio = pixel_aspect
        image = Image.new("RGB", SIZE)
        for nth, colour in enumerate(QUARTERS.values()):
            left, top = nth % 2 * SIZE[0] // 2, nth // 2 * SIZE[1] // 2
            image.paste(colour, (left, top, left + SIZE[0] // 2, top + SIZE[1] // 2))
        for nth in range(5):
            written.mux(track.encode(frame_of(image, nth)))
        written.mux(track.encode(None))
    return path


@cache
def _plain() -> bytes:
    with TemporaryDirectory() as folder:
        return _quartered(Path(folder) / "film.mp4").read_bytes()


def _quarters_of(image: Image.Image) -> tuple[str, ...]:
    """Returns the colour of each quarter of an image, row by row."""
    found = []
    for x, y in ((1, 1), (3, 1), (1, 3), (3, 3)):
        seen = pixel(image, image.width * x // 4, image.height * y // 4)
        found.append(min(QUARTERS, key=lambda name: sum(abs(a - b) for a, b in zip(QUARTERS[name], seen, strict=True))))
    return tuple(found)


@pytest.mark.parametrize("matrix", SEEN)
def test_a_turned_film_keeps_its_matrix_and_its_still_is_upright(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    measured, _ = cleaned_bytes(turned(_plain(), matrix), tmp_path)
    target = tmp_path / "planted.clean"
    with av.open(str(target)) as read:
        numbers = matrix_of(next(read.decode(video=0)))
    assert (numbers[0], numbers[1], numbers[3], numbers[4]) == tuple(one * 65_536 for one in matrix)
    size = SIZE if matrix[0] else SIZE[::-1]
    still = still_of_film(target)
    assert (measured.width, measured.height) == still.size == size
    assert _quarters_of(still) == SEEN[matrix]


@pytest.mark.parametrize("matrix", SEEN)
def test_the_second_film_of_a_turned_one_is_upright(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    cleaned_bytes(turned(_plain(), matrix), tmp_path)
    with (tmp_path / "planted.clean").open("rb") as source:
        rendition = make_rendition(source, tmp_path / "rendition")
    assert (rendition.width, rendition.height) == (SIZE if matrix[0] else SIZE[::-1])
    with av.open(str(tmp_path / "rendition")) as read:
        frame: Any = next(read.decode(video=0))
    assert frame.rotation == 0
    assert _quarters_of(frame.to_image()) == SEEN[matrix]


@pytest.mark.parametrize(("name", "aspect", "size"), [("a.mp4", Fraction(2), (320, 96)), ("a.mkv", Fraction(1, 2), (160, 192))])
def test_pixels_that_are_not_square_stay_so_and_are_measured_as_they_are_seen(
    tmp_path: Path, name: str, aspect: Fraction, size: tuple[int, int]
) -> None:
    measured, target = cleaned(_quartered(tmp_path / name, pixel_aspect=aspect))
    with av.open(str(target)) as read:
        assert read.streams.video[0].sample_aspect_ratio == aspect
        assert (read.streams.video[0].width, read.streams.video[0].height) == SIZE
    assert (measured.width, measured.height) == size
    assert still_of_film(target).size == size
    with target.open("rb") as source:
        assert make_rendition(source, tmp_path / "rendition").width == size[0]
