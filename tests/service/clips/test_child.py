"""Tests the confined process: it cleans every kind of file behind its walls, and is believed nothing that is not allowed."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from service.clips.cleaning import child_process
from service.clips.cleaning.child import Cleaned, NotCleaned
from service.clips.cleaning.child_process import run_child
from tests.service.clips.media import film, picture
from tests.service.clips.test_rendition import HLG, hdr_film


def saved(mode: str, form: str, **options: object) -> Callable[[Path], Path]:
    """Returns a maker of a picture of one colour."""

    def save(path: Path) -> Path:
        profile = Image.open(BytesIO(picture("JPEG"))).info["icc_profile"]
        Image.new(mode, (60, 40)).save(path, form, icc_profile=None if mode == "CMYK" else profile, **options)
        return path

    return save


def filmed(name: str, pictures: str, sound: str, hz: int = 48_000, layout: str = "stereo") -> Callable[[Path], Path]:
    """Returns a maker of a short film."""
    return lambda path: film(path.with_name(name), pictures, sound, seconds=1, size=(160, 120), hz=hz, layout=layout)


KINDS = {
    "film with PCM": (filmed("film.mov", "libx264", "pcm_s16le"), "video/quicktime"),
    "film with AMR": (filmed("film.3gp", "libx264", "libopencore_amrnb", 8_000, "mono"), "video/3gpp"),
    "film with FLAC": (filmed("film.mkv", "libvpx", "flac"), "video/x-matroska"),
    "film with Vorbis": (filmed("film.webm", "libvpx", "vorbis"), "video/webm"),
    "film of VP9": (filmed("film.webm", "libvpx-vp9", "libopus"), "video/webm"),
    "film of AV1": (filmed("film.mp4", "libsvtav1", "aac"), "video/mp4"),
    "film of HEVC and HDR": (lambda path: hdr_film(path.with_name("film.mp4"), HLG), "video/mp4"),
    "JPEG of CMYK": (saved("CMYK", "JPEG"), "image/jpeg"),
    "grey JPEG": (saved("L", "JPEG"), "image/jpeg"),
    "progressive JPEG": (saved("RGB", "JPEG", progressive=True), "image/jpeg"),
    "PNG with a palette": (saved("P", "PNG", transparency=0), "image/png"),
    "PNG of 16 bits": (saved("I;16", "PNG"), "image/png"),
    "PNG of black and white": (saved("1", "PNG"), "image/png"),
    "transparent WebP": (saved("RGBA", "WEBP", lossless=True), "image/webp"),
    "transparent AVIF": (saved("RGBA", "AVIF"), "image/avif"),
    "transparent HEIC": (saved("RGBA", "HEIF"), "image/heic"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_file_is_cleaned_behind_the_walls(tmp_path: Path, kind: str) -> None:
    """No module can be read there any more, and no thread but one can be started."""
    make, filetype = KINDS[kind]
    source, target = make(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    outcome = await run_child(source, filetype, target)
    assert isinstance(outcome, Cleaned), outcome
    assert sorted(one.name for one in target.iterdir()) == ["clip", "poster-1280.jpg", "poster-320.jpg"]
    assert all(one.stat().st_size > 0 for one in target.iterdir())


SAYS = "import sys; sys.stdout.write({!r})"
CLEANED = '{"type":"cleaned","media_type":"image/png","width":1,"height":1}'
LIES = {
    "nothing": SAYS.format(""),
    "half a line": SAYS.format(CLEANED[:20]),
    "a type of a page": SAYS.format(CLEANED.replace("image/png", "text/html")),
    "no width": SAYS.format(CLEANED.replace('"width":1', '"width":0')),
    "a width without end": SAYS.format(CLEANED.replace('"width":1', '"width":1000000')),
    "another kind of outcome": SAYS.format('{"type":"rendered","width":1,"height":1,"length_ms":1}'),
    "a code of its own": SAYS.format('{"type":"refused","code":"<script>"}'),
    "more than a pipe holds": "import sys; sys.stdout.write('[' * 10_000_000)",
    "an outcome, and a failure": f"{SAYS.format(CLEANED)}; sys.exit(1)",
    "an outcome, and no end": f"{SAYS.format(CLEANED)}; sys.stdout.flush(); import time; time.sleep(60)",
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_a_broken_process_writes_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    monkeypatch.setattr(child_process, "PROGRAM", f"open('clip', 'w').write('x'); {LIES[lie]}")
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(picture("JPEG"))
    target.mkdir()
    assert await run_child(source, "image/jpeg", target, within_s=1.5) == NotCleaned("clip.not_cleaned")
    assert list(target.iterdir()) == []
