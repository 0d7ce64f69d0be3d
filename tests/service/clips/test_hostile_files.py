"""Tests that files made to harm are refused by a code, harm nothing, and do not stop the next file."""

import asyncio
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from service.clips.cleaning.child import Cleaned, NotCleaned
from service.clips.cleaning.child_process import run_child
from service.clips.cleaning.sandbox import Limits
from tests.service.clips.hostile import (
    HTML,
    PDF,
    SVG,
    ZIP,
    chunk,
    heic_of_items,
    jpeg_with_looping_exif,
    listening,
    lists,
    png,
    tracks,
)
from tests.service.clips.media import film, picture, pixel
from tests.service.clips.planting import box

MIB = 1024 * 1024


async def cleaned(content: bytes, filetype: str, folder: Path, **limits: int) -> Cleaned | NotCleaned:
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    target.mkdir(exist_ok=True)
    return await run_child(source, filetype, target, limits=Limits(**limits), within_s=60)


NOTHING = {
    "empty": (b"", "video/mp4", "clip.unknown_type"),
    "one byte": (b"x", "image/png", "clip.unknown_type"),
    "zip": (ZIP, "image/jpeg", "clip.unknown_type"),
    "HTML": (HTML, "video/webm", "clip.unknown_type"),
    "PDF": (PDF, "image/jpeg", "clip.unknown_type"),
    "MP4 of a head alone": (box("ftyp", b"isom\0\0\2\0isom"), "video/mp4", "clip.broken"),
    "MP4 of a million tracks": (tracks(1_000_000), "video/mp4", "clip.broken"),
    "Matroska of zeros": (b"\x1a\x45\xdf\xa3" + bytes(200), "video/webm", "clip.broken"),
    "PNG of 65,535 a side": (png(65_535, 65_535), "image/png", "clip.too_large"),
    "PNG of rows without end": (png(16_000, 16_000, zlib.compress(bytes(1_000_000))), "image/png", "clip.too_large"),
    "JPEG of a head alone": (b"\xff\xd8\xff\xe0", "image/jpeg", "clip.broken"),
    "HEIC of zeros": (box("ftyp", b"heic\0\0\0\0mif1heic") + bytes(64), "image/heic", "clip.broken"),
    "HEIC of 60,000 items": (heic_of_items(60_000), "image/heic", "clip.broken"),
}


@pytest.mark.parametrize("kind", NOTHING)
async def test_a_hostile_file_is_refused_by_a_code_and_the_next_one_is_cleaned(tmp_path: Path, kind: str) -> None:
    content, filetype, code = NOTHING[kind]
    assert await cleaned(content, filetype, tmp_path) == NotCleaned(code)
    assert list((tmp_path / "target").iterdir()) == []
    assert isinstance(await cleaned(picture("JPEG"), "image/jpeg", tmp_path), Cleaned)


@pytest.mark.parametrize("kind", lists(0))
async def test_a_list_of_other_files_is_refused_and_nothing_is_opened(tmp_path: Path, kind: str) -> None:
    with listening() as listener:
        for filetype in ("video/mp4", "image/png"):
            assert await cleaned(lists(listener.port)[kind], filetype, tmp_path) == NotCleaned("clip.unknown_type")
        assert listener.heard() == []


async def test_the_stated_kind_must_be_that_of_the_bytes(tmp_path: Path) -> None:
    assert await cleaned(picture("JPEG"), "video/mp4", tmp_path) == NotCleaned("clip.wrong_type")
    assert isinstance(await cleaned(picture("JPEG"), "image/png", tmp_path), Cleaned)


async def test_a_bomb_of_a_picture_is_cleaned_within_its_memory(tmp_path: Path) -> None:
    """64 megapixels of one colour are 62 kB, and the largest picture that there may be."""
    rows = zlib.compress(bytes((1 + 3 * 8_000) * 8_000), 9)
    outcome = await cleaned(png(8_000, 8_000, rows, colour=2), "image/png", tmp_path)
    assert isinstance(outcome, Cleaned), outcome
    assert (outcome.width, outcome.height) == (8_000, 8_000)


async def test_a_bomb_of_a_text_in_a_picture_is_refused(tmp_path: Path) -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200 * MIB), 9))
    assert await cleaned(png(8, 8, zlib.compress(bytes(72)), more=text), "image/png", tmp_path) == NotCleaned("clip.broken")


async def test_directories_of_exif_that_refer_to_themselves_are_read_once(tmp_path: Path) -> None:
    assert isinstance(await cleaned(jpeg_with_looping_exif(), "image/jpeg", tmp_path), Cleaned)


@pytest.mark.parametrize("form", ["AVIF", "WEBP", "PNG"])
async def test_of_a_moving_picture_the_first_frame_is_kept(tmp_path: Path, form: str) -> None:
    moving, frames = BytesIO(), [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(moving, form, save_all=True, append_images=frames[1:], duration=100)
    outcome = await cleaned(moving.getvalue(), f"image/{form.lower()}", tmp_path)
    assert isinstance(outcome, Cleaned), outcome
    with Image.open(tmp_path / "target" / "clip") as read:
        assert getattr(read, "n_frames", 1) == 1
        red, green, _ = pixel(read.convert("RGB"), 32, 32)
        assert (red > 200, green < 60) == (True, True)


async def test_polyglots_lose_what_stands_behind_the_picture(tmp_path: Path) -> None:
    for tail in (ZIP, HTML, PDF, SVG):
        assert isinstance(await cleaned(picture("JPEG") + tail, "image/jpeg", tmp_path), Cleaned)
        assert tail not in (tmp_path / "target" / "clip").read_bytes()


async def test_a_file_that_breaks_its_limits_is_refused(tmp_path: Path) -> None:
    content = film(tmp_path / "film.mp4", size=(1_280, 720), seconds=1).read_bytes()
    assert await cleaned(content, "video/mp4", tmp_path, memory_bytes=100 * MIB) == NotCleaned("clip.not_cleaned")
    assert await cleaned(content, "video/mp4", tmp_path, file_bytes=4_096) == NotCleaned("clip.broken")
    assert await cleaned(content, "video/mp4", tmp_path, open_files=3) in (
        NotCleaned("clip.broken"), NotCleaned("clip.not_cleaned"),
    )  # fmt: skip
    assert isinstance(await cleaned(content, "video/mp4", tmp_path), Cleaned)


async def test_a_file_that_takes_too_much_of_the_processor_is_refused(tmp_path: Path) -> None:
    rows = zlib.compress(bytes((1 + 3 * 8_000) * 8_000), 9)
    assert await cleaned(png(8_000, 8_000, rows, colour=2), "image/png", tmp_path, cpu_s=1) == NotCleaned("clip.not_cleaned")
    assert list((tmp_path / "target").iterdir()) == []


async def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    source, target = tmp_path / "film.mp4", tmp_path / "target"
    film(source, seconds=1)
    target.mkdir()
    started = asyncio.get_running_loop().time()
    assert await run_child(source, "video/mp4", target, within_s=0.05) == NotCleaned("clip.not_cleaned")
    assert asyncio.get_running_loop().time() - started < 5
