"""Tests that files made to harm are refused by a code, harm nothing, and do not stop the next file."""

import asyncio
import struct
import zlib
from pathlib import Path

import pytest

from service.clips.cleaning.child import Cleaned, NotCleaned, Outcome
from service.clips.cleaning.child_process import run_child
from service.clips.cleaning.sandbox import Limits
from tests.service.clips.media import film, picture

SDP = (
    b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=video 45678 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd" width="9" height="9"/></svg>'
HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://169.254.169.254/latest/meta-data\n#EXTINF:10,\nfile:///etc/passwd\n"
CONCAT = b"ffconcat version 1.0\nfile 'file:///etc/passwd'\nfile 'http://169.254.169.254/'\n"
ZIP = b"PK\x05\x06" + bytes(18)
HTML = b"<!doctype html><script>alert(1)</script>"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


async def cleaned(content: bytes, filetype: str, folder: Path, **limits: int) -> Outcome:
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    target.mkdir(exist_ok=True)
    return await run_child(source, filetype, target, limits=Limits(**limits), within_s=60)


def box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "filetype"),
    [
        (b"", "video/mp4"), (b"x", "image/png"), (SDP, "video/mp4"), (SVG, "image/png"), (HLS, "video/mp4"),
        (CONCAT, "video/mp4"),
        (ZIP, "image/jpeg"), (HTML, "video/webm"), (PDF, "image/jpeg"), (b"image-%03d.png", "image/png"),
        (box(b"ftyp", b"isom\0\0\2\0isom"), "video/mp4"), (b"\x1a\x45\xdf\xa3" + bytes(200), "video/webm"),
        (png(65_535, 65_535), "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (box(b"ftyp", b"heic\0\0\0\0mif1heic") + bytes(64), "image/heic"),
    ],
    ids=lambda one: one[:12].decode("latin-1") if isinstance(one, bytes) else one,
)  # fmt: skip
async def test_a_hostile_file_is_refused_by_a_code_and_the_next_one_is_cleaned(
    tmp_path: Path, content: bytes, filetype: str
) -> None:
    outcome = await cleaned(content, filetype, tmp_path)
    assert isinstance(outcome, NotCleaned)
    assert outcome.code in ("clip.unknown_type", "clip.broken", "clip.wrong_type", "clip.too_large")
    assert list((tmp_path / "target").glob("poster*")) == []
    assert isinstance(await cleaned(picture("JPEG"), "image/jpeg", tmp_path), Cleaned)


async def test_the_stated_kind_must_be_that_of_the_bytes(tmp_path: Path) -> None:
    assert await cleaned(picture("JPEG"), "video/mp4", tmp_path) == NotCleaned("clip.wrong_type")
    assert isinstance(await cleaned(picture("JPEG"), "image/png", tmp_path), Cleaned)


async def test_a_bomb_of_a_picture_is_refused_and_takes_little_memory(tmp_path: Path) -> None:
    """A megabyte of zeros unpacks to 60 million pixels: they fit. A row of too much data for its size is broken."""
    rows = zlib.compress(bytes(1_000_000_000 // 4))
    outcome = await cleaned(png(16_000, 16_000, rows), "image/png", tmp_path)
    assert outcome == NotCleaned("clip.too_large")


async def test_polyglots_lose_what_stands_behind_the_picture(tmp_path: Path) -> None:
    for tail in (ZIP, HTML, PDF, SVG):
        assert isinstance(await cleaned(picture("JPEG") + tail, "image/jpeg", tmp_path), Cleaned)
        assert tail not in (tmp_path / "target" / "clip").read_bytes()


async def test_a_file_that_breaks_its_limits_is_refused(tmp_path: Path) -> None:
    content = film(tmp_path / "film.mp4", size=(1_280, 720), seconds=4).read_bytes()
    assert await cleaned(content, "video/mp4", tmp_path, memory_bytes=100 * 1024 * 1024) == NotCleaned("clip.not_cleaned")
    assert await cleaned(content, "video/mp4", tmp_path, file_bytes=4_096) in (
        NotCleaned("clip.broken"), NotCleaned("clip.not_cleaned"),
    )  # fmt: skip
    assert isinstance(await cleaned(content, "video/mp4", tmp_path), Cleaned)


async def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    source, target = tmp_path / "film.mp4", tmp_path / "target"
    film(source)
    target.mkdir()
    started = asyncio.get_running_loop().time()
    assert await run_child(source, "video/mp4", target, within_s=0.05) == NotCleaned("clip.not_cleaned")
    assert asyncio.get_running_loop().time() - started < 5
