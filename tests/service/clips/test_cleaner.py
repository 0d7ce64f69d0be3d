"""Tests the cleaner's queue: each whole upload becomes a clip or a refusal, once, whatever stops in between."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from events.ids import ClipId, DeviceId
from service.clips.cleaner import Cleaner
from service.clips.objects import FolderObjects
from service.clips.second_films import SecondFilms
from service.clips.stored_files import file_key
from service.clips.uploads import Uploader, Uploads
from service.clips.work_folder import work_folder
from service.log.log import Log
from tests.families import found
from tests.polling import until
from tests.service.clips.media import PLANTED, film, picture
from tests.service.clips.test_uploads import ADD_PERSON, body


class Clips:
    """Uploads and a cleaner on one folder."""

    def __init__(self, pool: asyncpg.Pool, log: Log, uploader: Uploader, folder: Path) -> None:
        self.pool, self.log, self.uploader, self.folder = pool, log, uploader, folder
        self.objects = FolderObjects(folder / "objects")
        self.uploads = Uploads(pool=pool, objects=self.objects, member_bytes_max=10**9)

    def cleaner(self) -> Cleaner:
        parts: Any = {"pool": self.pool, "objects": self.objects, "work": self.folder / "work", "now": self.log.now}
        return Cleaner(**parts, second_films=SecondFilms(**parts))

    async def make_second_film(self) -> bool:
        return await SecondFilms(
            pool=self.pool, objects=self.objects, work=self.folder / "work", now=self.log.now
        ).make_next()

    async def upload(self, content: bytes, filetype: str) -> ClipId:
        now = self.log.now()
        clip = await self.uploads.create(self.uploader, filetype=filetype, length=len(content), now=now)
        await self.uploads.append(self.uploader, clip, body(content), at=0, digest=None, now=now)
        return clip

    async def files(self, clip: ClipId) -> dict[str, Any]:
        rows = await self.pool.fetch("SELECT * FROM clip_file WHERE clip_id = $1", clip)
        return {row["rendition"]: row for row in rows}

    async def state(self, clip: ClipId) -> tuple[str, str | None]:
        upload = await self.uploads.find(self.uploader, clip)
        return upload.state, upload.refused_as

    def left(self, folder: str) -> list[str]:
        return sorted(one.name for one in (self.folder / folder).rglob("*") if one.is_file())


@pytest.fixture
async def clips(log: Log, pool: asyncpg.Pool, tmp_path: Path) -> Clips:
    family, device = await found(log), DeviceId(uuid4())
    await pool.execute(ADD_PERSON, uuid4(), device, device.bytes * 2)
    return Clips(pool, log, Uploader(family.family, family.ada, device), tmp_path)


async def test_a_whole_upload_becomes_a_clip_with_two_stills_and_leaves_no_piece(clips: Clips, tmp_path: Path) -> None:
    clip = await clips.upload(film(tmp_path / "film.mp4").read_bytes(), "video/mp4")
    assert await clips.cleaner().clean_next()
    assert not await clips.cleaner().clean_next()
    assert await clips.state(clip) == ("cleaned", None)
    files = await clips.files(clip)
    assert sorted(files) == ["clip", "poster-1280", "poster-320"]
    for row in files.values():
        content = (tmp_path / "objects" / file_key(clips.uploader.family, row["sha256"])).read_bytes()
        assert (hashlib.sha256(content).digest(), len(content)) == (row["sha256"], row["length"])
        assert PLANTED not in content
    assert len(clips.left("objects")) == len({row["sha256"] for row in files.values()})
    assert clips.left("work") == []


async def test_a_refused_file_has_a_code_and_leaves_nothing(clips: Clips) -> None:
    clip = await clips.upload(b"no picture at all", "image/png")
    assert await clips.cleaner().clean_next()
    assert await clips.state(clip) == ("refused", "clip.unknown_type")
    assert clips.left("objects") == clips.left("work") == []


async def test_a_cleaner_that_is_stopped_gives_the_upload_back(clips: Clips, tmp_path: Path) -> None:
    clip = await clips.upload(film(tmp_path / "film.mp4", seconds=4).read_bytes(), "video/mp4")
    cleaner = clips.cleaner()
    await cleaner.start()
    await until((tmp_path / "work").is_dir)
    await cleaner.stop()
    assert clips.left("work") == []
    assert await clips.state(clip) == ("whole", None)
    assert await clips.cleaner().clean_next()
    assert await clips.state(clip) == ("cleaned", None)


async def test_two_cleaners_clean_each_upload_once(clips: Clips) -> None:
    uploads = [await clips.upload(picture("JPEG", size=(100 + one, 80)), "image/jpeg") for one in range(4)]
    one, other = clips.cleaner(), clips.cleaner()
    cleaned = await asyncio.gather(*(cleaner.clean_next() for cleaner in (one, other, one, other)))
    assert all(cleaned)
    assert [await clips.state(clip) for clip in uploads] == [("cleaned", None)] * 4
    assert await clips.pool.fetchval("SELECT count(*) FROM clip") == 4


async def test_an_upload_that_its_member_ends_while_it_is_cleaned_becomes_no_clip(clips: Clips, tmp_path: Path) -> None:
    clip = await clips.upload(film(tmp_path / "film.mp4", seconds=4).read_bytes(), "video/mp4")
    cleaning = asyncio.create_task(clips.cleaner().clean_next())
    await until((tmp_path / "work").is_dir)
    await clips.uploads.end(clips.uploader, clip)
    assert await cleaning
    assert await clips.pool.fetchval("SELECT count(*) FROM clip") == 0


async def test_a_film_in_hevc_gets_a_second_film_that_every_browser_plays(clips: Clips, tmp_path: Path) -> None:
    clip = await clips.upload(film(tmp_path / "film.mov", "libx265", size=(1_280, 720)).read_bytes(), "video/quicktime")
    assert await clips.cleaner().clean_next()
    assert not await clips.cleaner().clean_next()
    assert await clips.make_second_film()
    assert not await clips.make_second_film()
    row = (await clips.files(clip))["h264"]
    assert (row["media_type"], row["width"], row["height"]) == ("video/mp4", 1_280, 720)
    content = (tmp_path / "objects" / file_key(clips.uploader.family, row["sha256"])).read_bytes()
    assert hashlib.sha256(content).digest() == row["sha256"]
    assert b"avc1" in content
    assert clips.left("work") == []


async def test_a_film_that_every_browser_plays_gets_no_second_film(clips: Clips, tmp_path: Path) -> None:
    await clips.upload(film(tmp_path / "film.mp4").read_bytes(), "video/mp4")
    assert await clips.cleaner().clean_next()
    assert not await clips.make_second_film()


async def test_a_cleaner_that_starts_removes_abandoned_work_and_not_that_of_another_process(clips: Clips, tmp_path: Path) -> None:
    abandoned = tmp_path / "work" / "abandoned"
    abandoned.mkdir(parents=True)
    (abandoned / "source").write_bytes(b"film")
    async with work_folder(tmp_path / "work") as of_another:
        cleaner = clips.cleaner()
        await cleaner.start()
        await cleaner.stop()
        assert list((tmp_path / "work").iterdir()) == [of_another]
