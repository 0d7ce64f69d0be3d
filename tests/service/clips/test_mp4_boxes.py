"""Tests that a box which is not listed becomes free space, wherever it is."""

from pathlib import Path

import pytest

from service.clips.cleaning.mp4_boxes import empty_unlisted
from tests.service.clips.films import decoded
from tests.service.clips.media import PLANTED, film
from tests.service.clips.planting import added, box

ENTRY = "moov/trak/mdia/minf/stbl/stsd"
PLACES = ["", "moov", "moov/trak", "moov/trak:1/mdia", "moov/trak/mdia/minf", "moov/trak/mdia/minf/stbl", f"{ENTRY}/avc1"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["udta", "meta", "uuid", "dvvC", "sv3d", "\xa9xyz", "junk"])
def test_an_unlisted_box_becomes_free_space_of_its_size(tmp_path: Path, place: str, name: str) -> None:
    path = film(tmp_path / "film.mp4", seconds=1, size=(64, 48), metadata={})
    before = decoded(path, "video")
    planted = added(path.read_bytes().replace(PLANTED, b"handler"), place, box(name, b"PLANTED words"))
    path.write_bytes(planted)
    empty_unlisted(path)
    assert PLANTED not in path.read_bytes()
    assert len(path.read_bytes()) == len(planted)
    assert decoded(path, "video") == before


def test_a_colour_profile_goes_and_numbers_of_colours_stay(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", seconds=1, size=(64, 48), metadata={})
    numbers = box("colr", b"nclx\0\1\0\1\0\1\0")
    path.write_bytes(added(path.read_bytes(), f"{ENTRY}/avc1", box("colr", b"prof", b"PLANTED profile"), numbers))
    empty_unlisted(path)
    assert b"PLANTED profile" not in path.read_bytes()
    assert numbers in path.read_bytes()
