"""Tests films made to harm, without the walls around the process: what the reader itself refuses, and what is measured."""

import time
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest

from service.clips.cleaning.film_files import reading
from service.clips.cleaning.refusals import REASONS, CannotClean
from tests.service.clips.crowded import crowded
from tests.service.clips.films import cleaned, cleaned_bytes
from tests.service.clips.hostile import listening, lists, tracks, with_parameter_set_of, with_references, with_stated_size
from tests.service.clips.media import film
from tests.service.clips.planting import changed

SIZE = (160, 120)


def refusal_of(content: bytes, folder: Path) -> str | None:
    """Returns the code with which a film is refused; None if it is cleaned."""
    try:
        cleaned_bytes(content, folder)
    except CannotClean as refused:
        return refused.code
    return None


@pytest.mark.parametrize("kind", lists(0))
def test_a_list_of_other_files_is_no_format_that_is_read(kind: str) -> None:
    """By the list of formats alone: no wall is around this process."""
    with listening() as listener:
        started = time.monotonic()
        with pytest.raises(av.FFmpegError), reading(BytesIO(lists(listener.port)[kind])) as read:
            list(read.demux())
        assert time.monotonic() - started < 5
        assert listener.heard() == []


def test_references_to_other_files_and_addresses_are_not_followed(tmp_path: Path) -> None:
    plain = film(tmp_path / "film.mp4", seconds=1, size=SIZE).read_bytes()
    with listening() as listener:
        for content in with_references(plain, listener.port).values():
            if refusal_of(content, tmp_path) is None:
                assert b"root:" not in (tmp_path / "planted.clean").read_bytes()
        assert listener.heard() == []


def test_a_film_of_65535_pixels_a_side_is_refused(tmp_path: Path) -> None:
    plain = film(tmp_path / "film.mp4", sound=None, seconds=1, size=SIZE).read_bytes()
    assert refusal_of(with_parameter_set_of(plain, 65_536), tmp_path) in ("clip.broken", "clip.too_large", "clip.no_picture")
    assert refusal_of(with_parameter_set_of(plain, 16_384), tmp_path) in ("clip.broken", "clip.too_large")
    assert refusal_of(with_stated_size(plain, 65_535), tmp_path) is None, "the pictures themselves state their size"
    with av.open(str(tmp_path / "planted.clean")) as read:
        assert (read.streams.video[0].width, read.streams.video[0].height) == SIZE
    assert refusal_of(plain, tmp_path) is None


def test_a_million_tracks_are_refused_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    assert refusal_of(tracks(1_000_000), tmp_path) == "clip.broken"
    assert time.monotonic() - started < 5


def _timed(path: Path, times_s: list[Fraction]) -> Path:
    """Writes a film with a picture at each of these times."""
    with av.open(str(path), "w") as written:
        track = written.add_stream("libx264", rate=25, width=SIZE[0], height=SIZE[1], options={"bf": "0"})
        track.codec_context.time_base = Fraction(1, 1_000)
        for at in times_s:
            frame = av.VideoFrame(*SIZE, "yuv420p")
            frame.pts, frame.time_base = round(at * 1_000), Fraction(1, 1_000)
            written.mux(track.encode(frame))
        written.mux(track.encode(None))
    return path


HOURS = Fraction(3_600)


@pytest.mark.parametrize(("length", "code"), [(4 * HOURS + 1, "clip.too_large"), (4 * HOURS - 1, None)])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_film_may_last_four_hours(tmp_path: Path, name: str, length: Fraction, code: str | None) -> None:
    content = _timed(tmp_path / name, [Fraction(0), length]).read_bytes()
    assert refusal_of(content, tmp_path) == code


def test_one_picture_of_five_hours_is_refused(tmp_path: Path) -> None:
    plain = _timed(tmp_path / "film.mp4", [Fraction(0)]).read_bytes()
    with av.open(BytesIO(plain)) as read:
        scale = (read.streams.video[0].time_base or Fraction(1)).denominator
    stts = bytes(4) + b"\0\0\0\1\0\0\0\1" + (5 * 3_600 * scale).to_bytes(4)
    content = changed(plain, "moov/trak/mdia/minf/stbl/stts", lambda _: stts)
    content = changed(content, "moov/trak/edts/elst", lambda edits: edits[:8] + (5 * 3_600_000).to_bytes(4) + edits[12:])
    assert refusal_of(content, tmp_path) == "clip.too_large"


@pytest.mark.parametrize(("rate", "code"), [(240, "clip.too_large"), (120, None)])
def test_a_film_may_have_120_pictures_a_second(tmp_path: Path, rate: int, code: str | None) -> None:
    content = _timed(tmp_path / "film.mkv", [Fraction(nth, rate) for nth in range(2 * rate)]).read_bytes()
    assert refusal_of(content, tmp_path) == code


def test_no_attachment_is_written_to_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    cleaned(crowded(folder / "film.mkv"))
    assert sorted(one.name for one in tmp_path.rglob("*") if one.is_file()) == ["film.mkv", "film.mkv.clean"]


KINDS = {
    "mp4": ("film.mp4", "libx264", "aac"), "quicktime": ("film.mov", "libx265", "pcm_s16le"),
    "matroska": ("film.mkv", "libx264", "libopus"), "webm": ("film.webm", "libvpx-vp9", "libopus"),
    "av1": ("film.mp4", "libsvtav1", "aac"), "index in front": ("front.mp4", "libx264", "aac"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_is_cut_anywhere_is_cleaned_or_refused(tmp_path: Path, kind: str) -> None:
    name, pictures, sound = KINDS[kind]
    source = film(tmp_path / name, pictures, sound, seconds=1, size=SIZE)
    content = (cleaned(source)[1] if kind == "index in front" else source).read_bytes()
    codes = [refusal_of(content[: len(content) * twentieth // 20], tmp_path) for twentieth in range(20)]
    assert {code for code in codes if code is not None} <= REASONS.keys()
    assert codes[0] == "clip.broken"
    assert refusal_of(content, tmp_path) is None


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_film_with_wrong_bytes_anywhere_is_cleaned_or_refused(tmp_path: Path, kind: str) -> None:
    name, pictures, sound = KINDS[kind]
    content = film(tmp_path / name, pictures, sound, seconds=1, size=SIZE).read_bytes()
    for nth in range(40):
        at = len(content) * nth // 40
        wrong = content[:at] + bytes(255 - one for one in content[at : at + 8]) + content[at + 8 :]
        assert refusal_of(wrong, tmp_path) in {*REASONS, None}
