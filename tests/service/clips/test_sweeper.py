"""Tests that a sweep deletes what nobody can need any more, and nothing that a row refers to or that may still get a row."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from events.ids import ClipId
from service.clips.cleaner import Cleaner
from service.clips.object_keys import FileObject, PieceObject, read_key
from service.clips.objects import FolderObjects
from service.clips.second_films import SecondFilms
from service.clips.stored_files import file_key
from service.clips.sweeper import CLIPS_A_PAGE, UPLOADS_AT_ONCE
from service.clips.uploads import PIECE_BYTES, Digest, Uploader, piece_key
from service.http.problems import NotFound
from tests.families import Family, drafted, note, outcomes, push, saw
from tests.polling import until
from tests.service.clips.family_clips import FamilyClips
from tests.service.clips.media import film, picture

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUICK = {"preset": "ultrafast", "x265-params": "log-level=none"}


def test_a_key_is_read_as_what_it_was_made_of() -> None:
    family, clip = Family().family, ClipId(uuid4())
    assert read_key(piece_key(family, clip, 2**29, 17)) == PieceObject(family, clip, 2**29, 17)
    assert read_key(file_key(family, bytes(range(32)))) == FileObject(family, bytes(range(32)))
    assert read_key(f"{family}/notes.txt") is None


async def test_an_upload_ends_seven_days_after_its_last_byte_with_its_pieces(clips: FamilyClips) -> None:
    old = [await clips.upload(b"x" * 10, length=100) for _ in range(3)]
    await clips.sweep(after=7 * DAY - HOUR)
    assert (await clips.uploads.find(clips.ada, old[0])).received == 10
    await clips.sweep(after=7 * DAY + HOUR)
    for clip in old:
        with pytest.raises(NotFound):
            await clips.uploads.find(clips.ada, clip)
    assert clips.keys() == []


async def test_more_uploads_than_a_portion_end_in_one_sweep(clips: FamilyClips) -> None:
    ben = Uploader(clips.family.family, clips.family.ben, clips.ada.device)
    for by in (clips.ada, ben):
        for _ in range(UPLOADS_AT_ONCE - 2):
            await clips.uploads.create(by, filetype="image/png", length=1, now=clips.log.now())
    await clips.sweep(after=8 * DAY)
    assert await clips.pool.fetchval("SELECT count(*) FROM clip_upload") == 0


async def test_the_member_can_read_for_a_day_why_a_file_was_refused(clips: FamilyClips) -> None:
    """The day begins with the refusal: the cleaner may have been late."""
    clip = await clips.upload(b"no picture")
    await clips.pool.execute("UPDATE clip_upload SET byte_at = byte_at - interval '3 days'")
    await clips.clean()
    await clips.sweep(after=DAY - HOUR)
    assert (await clips.uploads.find(clips.ada, clip)).refused_as == "clip.unknown_type"
    await clips.sweep(after=DAY + HOUR)
    with pytest.raises(NotFound):
        await clips.uploads.find(clips.ada, clip)


async def test_a_clip_that_nobody_attaches_ends_after_seven_days_and_an_attached_one_stays(clips: FamilyClips) -> None:
    attached, left = await clips.clip(width=64), await clips.clip(width=65)
    await clips.attach(attached, await clips.push(clips.family.ada, note(clips.family)))
    await clips.sweep(after=7 * DAY - HOUR)
    assert await clips.pool.fetchval("SELECT count(*) FROM clip") == 2
    await clips.sweep(after=70 * DAY)
    assert [row[0] for row in await clips.pool.fetch("SELECT clip_id FROM clip")] == [attached]
    assert await clips.is_served(attached)
    assert await clips.missing() == []
    assert len(clips.keys()) == await clips.pool.fetchval("SELECT count(DISTINCT sha256) FROM clip_file")
    late = drafted("ClipAttached", target=await clips.push(clips.family.ada, note(clips.family)), clip=left)
    assert outcomes(await push(clips.log, clips.family, clips.family.ada, late)) == ["event.unknown_clip"]


async def test_a_withdrawn_attachment_is_served_to_nobody_at_once_and_loses_its_files(clips: FamilyClips) -> None:
    clip = await clips.clip()
    attached = await clips.attach(clip, await clips.push(clips.family.ada, note(clips.family)))
    assert await clips.is_served(clip)
    await clips.withdraw(attached)
    assert not await clips.is_served(clip)
    assert not await clips.is_served(clip, to=clips.family.ada)
    assert clips.keys() != []
    await clips.sweep(after=timedelta())
    assert clips.keys() == []


async def test_a_clip_with_one_attachment_left_is_served_and_stays(clips: FamilyClips) -> None:
    clip = await clips.clip()
    first = await clips.attach(clip, await clips.push(clips.family.ada, note(clips.family)))
    second = await clips.attach(clip, await clips.push(clips.family.ada, saw(clips.family, child=clips.family.sibling)))
    await clips.withdraw(first)
    await clips.sweep(after=70 * DAY)
    assert await clips.is_served(clip)
    await clips.withdraw(second)
    await clips.sweep(after=timedelta())
    assert clips.keys() == []


async def test_the_author_of_both_takes_a_clip_back_with_what_it_is_attached_to(clips: FamilyClips) -> None:
    clip, target = await clips.clip(), await clips.push(clips.family.ada, note(clips.family))
    await clips.attach(clip, target)
    await clips.withdraw(target)
    assert not await clips.is_served(clip)
    await clips.sweep(after=timedelta())
    assert clips.keys() == []


async def test_a_member_who_withdraws_their_own_words_takes_nobody_elses_clip_away(clips: FamilyClips) -> None:
    """Law 20: Ben withdraws his note, and Ada's picture in its thread stays as any answer does."""
    clip, target = await clips.clip(), await clips.push(clips.family.ben, note(clips.family))
    await clips.attach(clip, target)
    await clips.withdraw(target, by=clips.family.ben)
    await clips.sweep(after=70 * DAY)
    assert await clips.is_served(clip)
    assert await clips.missing() == []


async def test_a_file_that_another_clip_shares_stays(clips: FamilyClips) -> None:
    """A family stores the same bytes once: Ben's clip has the same bytes as Ada's."""
    ben = Uploader(clips.family.family, clips.family.ben, clips.ada.device)
    one, other = await clips.clip(), await clips.clip(by=ben)
    attached = await clips.attach(one, await clips.push(clips.family.ada, note(clips.family)))
    await clips.attach(other, await clips.push(clips.family.ben, note(clips.family)), by=clips.family.ben)
    before = clips.keys()
    await clips.withdraw(attached)
    await clips.sweep(after=70 * DAY)
    assert clips.keys() == before
    assert await clips.is_served(other, to=clips.family.ada)


async def test_objects_without_a_row_are_deleted_after_a_day_and_foreign_files_never(clips: FamilyClips) -> None:
    family = clips.family.family
    clip, used = await clips.upload(b"x" * 10, length=100), clips.keys()
    orphans = [
        file_key(family, bytes(32)), piece_key(family, clip, 10, 0), piece_key(family, ClipId(uuid4()), 0, 1),
        file_key(Family().family, bytes(32)),
    ]  # fmt: skip
    for key in (*orphans, "somebody/elses.txt"):
        await clips.objects.put(key, b"orphan")
    unfinished = clips.folder / "objects" / ".new" / "unfinished"
    unfinished.write_bytes(b"half")
    await clips.sweep(after=DAY - HOUR)
    assert len(clips.keys()) == len(used) + 6
    await clips.sweep(after=DAY + HOUR)
    assert clips.keys() == [*used, "somebody/elses.txt"]
    assert await clips.objects.size_of(used[0]) == 10


async def test_a_piece_that_a_slow_request_may_still_record_stays_however_old_it_is(clips: FamilyClips) -> None:
    """A request with a checksum records its pieces at its end."""
    content, may_end = b"x" * PIECE_BYTES + b"rest", asyncio.Event()
    clip = await clips.uploads.create(clips.ada, filetype="image/jpeg", length=len(content), now=clips.log.now())

    digest = Digest("sha256", hashlib.sha256(content).digest())

    async def slow() -> AsyncIterator[bytes]:
        yield content[:PIECE_BYTES]
        await may_end.wait()
        yield content[PIECE_BYTES:]

    sending = asyncio.create_task(
        clips.uploads.append(clips.ada, clip, slow(), at=0, digest=digest, now=clips.log.now())
    )
    await until(lambda: any(map(read_key, clips.keys())))  # whole, and no longer a file that is being written
    await clips.sweep(after=2 * DAY)
    may_end.set()
    assert await sending == len(content)
    assert await clips.missing() == []


async def test_a_file_that_a_cleaner_has_just_put_is_put_again_if_a_sweep_deleted_it(clips: FamilyClips) -> None:
    """The same bytes were an orphan for long, so the sweep may delete the object at the very moment when it gets a row."""
    clip = await clips.upload(picture("JPEG", size=(64, 48)))
    cleaner = Cleaner(pool=clips.pool, objects=SweptOnce(clips), work=clips.folder / "work", now=clips.log.now)
    assert await cleaner.clean_next()
    assert (await clips.uploads.find(clips.ada, clip)).state == "cleaned"
    assert await clips.missing() == []


async def test_a_second_film_is_put_again_too(clips: FamilyClips, tmp_path: Path) -> None:
    """The same for a second film, whose object may be an orphan that a killed maker left."""
    source = film(tmp_path / "film.mp4", "libx265", seconds=1, options=QUICK)
    clip = await clips.upload(source.read_bytes(), filetype="video/mp4")
    work, now = clips.folder / "work", clips.log.now
    films = SecondFilms(pool=clips.pool, objects=SweptOnce(clips), work=work, now=now)
    assert await Cleaner(pool=clips.pool, objects=clips.objects, work=work, now=now, second_films=films).clean_next()
    assert await films.make_next()
    found = await clips.pool.fetch("SELECT rendition FROM clip_file WHERE clip_id = $1", clip)
    assert "h264" in [row["rendition"] for row in found]
    assert await clips.missing() == []


async def test_sweeps_in_two_processes_and_attaching_at_the_same_time_leave_no_event_without_its_file(clips: FamilyClips) -> None:
    """Either the clip is attached and stays, or it has ended and the draft is refused."""
    notes = [await clips.push(clips.family.ada, note(clips.family)) for _ in range(6)]
    uploads = [await clips.clip(width=100 + one) for one in range(6)]
    drafts = [drafted("ClipAttached", target=one, clip=clip) for one, clip in zip(notes, uploads, strict=True)]
    sweeps = [asyncio.create_task(clips.sweep(after=8 * DAY)) for _ in range(2)]
    pushed = await asyncio.gather(*(push(clips.log, clips.family, clips.family.ada, one) for one in drafts))
    await asyncio.gather(*sweeps)
    for clip, receipts in zip(uploads, pushed, strict=True):
        assert outcomes(receipts) in (["recorded"], ["event.unknown_clip"])
        assert await clips.is_served(clip) == (outcomes(receipts) == ["recorded"])
    assert await clips.missing() == []


async def test_more_clips_than_a_page_are_looked_at(clips: FamilyClips) -> None:
    await clips.pool.execute(
        "INSERT INTO clip (family_id, clip_id, member_id, cleaned_at)"
        " SELECT $1, gen_random_uuid(), $2, now() FROM generate_series(1, $3)",
        clips.family.family, clips.family.ada, CLIPS_A_PAGE * 2,
    )  # fmt: skip
    await clips.sweep(after=8 * DAY)
    assert await clips.pool.fetchval("SELECT count(*) FROM clip") == 0


class SweptOnce(FolderObjects):
    """A store in which a sweep comes right after the first file."""

    def __init__(self, clips: FamilyClips) -> None:
        super().__init__(clips.folder / "objects")
        self._clips = clips
        self._is_swept = False

    async def put(self, key: str, content: bytes | Path) -> None:
        """Puts a file. The first one is made old, and a sweep deletes it."""
        await super().put(key, content)
        if not self._is_swept:
            self._is_swept = True
            age(self._clips.folder / "objects" / key, days=2)
            await self._clips.sweep(after=timedelta())
            assert await self.size_of(key) is None


def age(path: Path, *, days: int) -> None:
    """Makes a file older."""
    old = datetime.now().astimezone() - timedelta(days=days)
    os.utime(path, (old.timestamp(), old.timestamp()))
