"""Tests that a cleaned film has the same pictures and sound, and nothing else of the file."""

from pathlib import Path

import av
import pytest

from service.clips.cleaning.captured import Captured
from service.clips.cleaning.poster import still_of_film, write_posters
from tests.service.clips.boxes import boxes_of
from tests.service.clips.elements import elements_of
from tests.service.clips.films import cleaned, decoded
from tests.service.clips.media import PLANTED, film, pixel

KINDS = {
    "mp4": ("film.mp4", "libx264", "aac", "video/mp4", "h264"),
    "hevc in quicktime": ("film.mov", "libx265", "aac", "video/mp4", "hevc"),
    "h264 in matroska": ("film.mkv", "libx264", "aac", "video/mp4", "h264"),
    "vp9": ("film.webm", "libvpx-vp9", "libopus", "video/webm", "vp9"),
    "vp8": ("film.webm", "libvpx", "libopus", "video/webm", "vp8"),
    "av1": ("film.mp4", "libsvtav1", "aac", "video/mp4", "av1"),
    "without sound": ("film.mp4", "libx264", None, "video/mp4", "h264"),
}
WRITTEN_BY = (b"x264", b"x265", b"Lavc", b"SVT-AV1")
"""Names that encoders write into pictures and sound."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_cleaned_film_has_the_same_pictures_and_sound_and_no_planted_word(tmp_path: Path, kind: str) -> None:
    name, pictures, sound, media_type, codec = KINDS[kind]
    source = film(tmp_path / name, pictures, sound)
    assert PLANTED in source.read_bytes()
    measured, target = cleaned(source)
    assert (measured.media_type, measured.codec, measured.width, measured.height) == (media_type, codec, 320, 240)
    assert abs(measured.length_ms - 2_000) <= 40
    assert decoded(target, "video") == decoded(source, "video")
    assert decoded(target, "audio") == decoded(source, "audio")
    content = target.read_bytes()
    assert [word for word in (PLANTED, *WRITTEN_BY) if word in content] == []


@pytest.mark.parametrize("pictures", ["libx264", "libx265", "libsvtav1"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_messages_between_pictures_and_in_parameter_sets_are_gone(tmp_path: Path, pictures: str, suffix: str) -> None:
    source = film(tmp_path / f"film.{suffix}", pictures, metadata={}, messages=True)
    with av.open(str(source)) as read:
        has_both = b"PLANTED" in bytes(read.streams.video[0].codec_context.extradata or b"")
    assert source.read_bytes().count(b"PLANTED message") > 40
    _, target = cleaned(source)
    assert b"PLANTED" not in target.read_bytes()
    assert decoded(target, "video") == decoded(source, "video")
    assert has_both or pictures != "libx265", "the message is not in the parameter sets"


@pytest.mark.parametrize("pictures", ["libx264", "libx265", "libsvtav1"])
def test_an_mp4_has_no_box_that_is_not_listed_and_its_index_is_in_front(tmp_path: Path, pictures: str) -> None:
    _, target = cleaned(film(tmp_path / "film.mp4", pictures))
    assert [one for one in boxes_of(target.read_bytes()) if "/" not in one] == ["ftyp", "moov", "free", "mdat"]


@pytest.mark.parametrize("pictures", ["libvpx", "libvpx-vp9", "libsvtav1"])
def test_a_webm_has_no_element_that_is_not_listed_and_its_index_is_in_front(tmp_path: Path, pictures: str) -> None:
    _, target = cleaned(film(tmp_path / "film.webm", pictures, "libopus", seconds=1))
    elements = elements_of(target.read_bytes())
    assert elements.index("Segment/Cues") < elements.index("Segment/Cluster")


def test_the_time_of_the_camera_is_a_suggestion_with_its_offset_where_the_camera_stated_one(tmp_path: Path) -> None:
    apple = {"com.apple.quicktime.creationdate": "2026-02-03T05:05:06+0100"}
    measured, _ = cleaned(film(tmp_path / "film.mov", metadata=apple))
    assert measured.captured == Captured("2026-02-03T05:05:06+01:00", True)
    measured, _ = cleaned(film(tmp_path / "other.mp4", metadata={"creation_time": "2026-02-03T04:05:06Z"}))
    assert measured.captured == Captured("2026-02-03T04:05:06", False)


def test_the_still_is_the_first_frame_that_is_not_black(tmp_path: Path) -> None:
    _, target = cleaned(film(tmp_path / "film.mp4", first_black=10, size=(1_920, 1_080)))
    still = still_of_film(target)
    assert max(pixel(still, 960, 800)) > 80
    paths = write_posters(still, tmp_path)
    assert [path.read_bytes()[:2] for path in paths.values()] == [b"\xff\xd8"] * 2


