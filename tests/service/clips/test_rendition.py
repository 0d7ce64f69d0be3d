"""Tests the second film of a clip, for browsers that do not play HEVC."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import ImageStat

from service.clips.cleaning.child import NotCleaned, Rendered
from service.clips.cleaning.child_process import run_rendition
from service.clips.cleaning.poster import still_of_film
from service.clips.cleaning.rendition import make_rendition
from tests.service.clips.boxes import boxes_of
from tests.service.clips.films import cleaned, decoded
from tests.service.clips.media import PLANTED, RATE, film, pixel

BT2020, PQ, HLG = 9, 16, 18


def rendered(clean: Path) -> Path:
    target = clean.with_name("rendition")
    with clean.open("rb") as source:
        make_rendition(source, target)
    return target


@pytest.mark.parametrize(
    ("size", "seen"), [((1_920, 1_080), (1_280, 720)), ((270, 480), (270, 480)), ((1_080, 1_920), (720, 1_280))]
)
def test_a_film_of_hevc_has_a_second_one_of_h264_with_at_most_720_lines(
    tmp_path: Path, size: tuple[int, int], seen: tuple[int, int]
) -> None:
    options = {"preset": "ultrafast", "x265-params": "log-level=none"}
    _, clean = cleaned(film(tmp_path / "film.mov", "libx265", seconds=1, size=size, options=options))
    target = rendered(clean)
    with av.open(str(target)) as read:
        picture = read.streams.video[0]
        assert (picture.codec_context.codec.canonical_name, picture.pix_fmt) == ("h264", "yuv420p")
        assert (picture.width, picture.height, picture.frames) == (*seen, RATE)
        assert read.duration == pytest.approx(1_000_000, abs=30_000)
    assert decoded(target, "audio") == decoded(clean, "audio")
    content = target.read_bytes()
    assert [word for word in (PLANTED, b"x264", b"Lavc", b"Lavf") if word in content] == []
    assert [one for one in boxes_of(content) if "/" not in one] == ["ftyp", "moov", "free", "mdat"]
    here, there = (ImageStat.Stat(still_of_film(path).resize((64, 64))).mean for path in (target, clean))
    assert max(abs(one - other) for one, other in zip(here, there, strict=True)) < 6


def test_of_more_than_60_pictures_a_second_some_are_left_out(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    with av.open(str(source), "w") as written:
        track = written.add_stream("libx264", rate=120, width=160, height=120)
        for nth in range(60):
            frame = av.VideoFrame(160, 120, "yuv420p")
            frame.pts, frame.time_base = nth, Fraction(1, 120)
            written.mux(track.encode(frame))
        written.mux(track.encode(None))
    _, clean = cleaned(source)
    with av.open(str(rendered(clean))) as read:
        assert read.streams.video[0].frames == 30


def hdr_film(path: Path, transfer: int) -> Path:
    """Writes a film of 10 bits: grey as bright as white paper, which PQ and HLG write far below their own white."""
    level = {PQ: 64 + round(876 * 0.58), HLG: 64 + round(876 * 0.75)}[transfer]
    options = {"preset": "ultrafast", "x265-params": "log-level=none"}
    with av.open(str(path), "w") as written:
        track = written.add_stream("libx265", rate=RATE, width=160, height=120, options=options)
        track.pix_fmt = "yuv420p10le"
        context = track.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = BT2020, transfer, BT2020, 1
        for nth in range(3):
            frame = av.VideoFrame(160, 120, "yuv420p10le")
            for plane, value in zip(frame.planes, (level, 512, 512), strict=True):
                plane.update(struct.pack("<H", value) * (plane.buffer_size // 2))
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = BT2020, transfer, BT2020, 1
            frame.pts, frame.time_base = nth, Fraction(1, RATE)
            written.mux(track.encode(frame))
        written.mux(track.encode(None))
    return path


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_becomes_eight_bits_of_ordinary_brightness(tmp_path: Path, transfer: int) -> None:
    _, clean = cleaned(hdr_film(tmp_path / "film.mp4", transfer))
    still = pixel(still_of_film(clean), 80, 60)
    assert min(still) > 130
    assert max(still) - min(still) < 12
    with av.open(str(rendered(clean))) as read:
        frame = next(read.decode(video=0))
    assert (frame.format.name, frame.color_trc, frame.color_primaries, frame.colorspace) == ("yuv420p", 1, 1, 1)
    brightness, *colours = (bytes(plane)[10 * plane.line_size + 20] for plane in frame.planes)
    assert 130 < brightness < 236, "washed out, or dark"
    assert all(120 < one < 136 for one in colours), "grey became a colour"


async def test_the_second_film_is_made_by_a_confined_process(tmp_path: Path) -> None:
    options = {"preset": "ultrafast", "x265-params": "log-level=none"}
    measured, clean = cleaned(film(tmp_path / "film.mov", "libx265", seconds=1, options=options))
    folder = tmp_path / "target"
    folder.mkdir()
    outcome = await run_rendition(clean, folder, length_ms=measured.length_ms)
    assert outcome == Rendered(width=320, height=240, length_ms=outcome.length_ms if isinstance(outcome, Rendered) else 0)
    assert [one.name for one in folder.iterdir()] == ["rendition"]
    broken = tmp_path / "broken"
    broken.write_bytes(clean.read_bytes()[:1_000])
    assert await run_rendition(broken, folder, length_ms=1_000) == NotCleaned("clip.broken")
    assert list(folder.iterdir()) == []
