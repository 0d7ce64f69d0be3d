"""Kills uploading, cleaning and sweeping (SIGKILL) before each of their steps. Another process then goes on.

A kill does not show what a power cut does, because the page cache outlives a process.
"""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from uuid import uuid4

from events.ids import ClipId
from service.clips.cleaner import Cleaner
from service.clips.stored_files import file_key
from service.clips.uploads import PIECE_BYTES, QUERIES, piece_key
from tests.crash.doomed import clean_one, run_doomed, send_part, sweep_once
from tests.families import note
from tests.polling import until
from tests.service.clips.conftest import clips as clips
from tests.service.clips.conftest import log as log
from tests.service.clips.family_clips import FamilyClips
from tests.service.clips.media import picture
from tests.service.clips.test_uploads import body

BYTES = hashlib.shake_256(b"killed").digest(PIECE_BYTES + 1_000)
SENT = PIECE_BYTES + 10
DAY = timedelta(days=1)
FEW = "steps that are not counted show nothing"


def in_20_minutes() -> datetime:
    """Returns a time at which the claim of a killed cleaner has ended."""
    return datetime.now(UTC) + timedelta(minutes=20)


async def is_cleaned_by(cleaner: Cleaner, clips: FamilyClips, clip: ClipId) -> bool:
    await cleaner.clean_next()
    return (await clips.uploads.find(clips.ada, clip)).state == "cleaned"


async def read_upload(clips: FamilyClips, clip: ClipId) -> bytes:
    """Returns the bytes of an upload up to its offset, and checks that its pieces follow one another."""
    found = b""
    for piece in await clips.pool.fetch(QUERIES.pieces, clips.family.family, clip):
        assert piece["first_byte"] == len(found)
        key = piece_key(clips.family.family, clip, piece["first_byte"], piece["lease"])
        found += b"".join([part async for part in clips.objects.read(key, start=0, end=piece["length"])])
    return found


async def used_keys(clips: FamilyClips) -> list[str]:
    """Returns the keys that rows refer to."""
    pieces = await clips.pool.fetch("SELECT family_id, clip_id, first_byte, lease FROM clip_piece")
    files = await clips.pool.fetch("SELECT family_id, sha256 FROM clip_file")
    return sorted({piece_key(*row) for row in pieces} | {file_key(*row) for row in files})


async def test_an_upload_that_is_killed_before_any_step_goes_on_at_its_true_offset(
    clips: FamilyClips, database_url: str
) -> None:
    """Law 1: what the offset states is there, once; the next request goes on behind it."""
    for step in count(1):
        clip = await clips.uploads.create(clips.ada, filetype="image/png", length=len(BYTES), now=clips.log.now())
        is_killed = await run_doomed(send_part, database_url, clips.folder, clips.ada, clip, BYTES[:SENT], before_step=step)
        at = (await clips.uploads.find(clips.ada, clip)).received
        assert at in ((0, PIECE_BYTES, SENT) if is_killed else (SENT,))
        assert await read_upload(clips, clip) == BYTES[:at]
        end = await clips.uploads.append(clips.ada, clip, body(BYTES[at:]), at=at, digest=None, now=clips.log.now())
        assert end == len(BYTES)
        assert await read_upload(clips, clip) == BYTES
        if step % 8 == 0 or not is_killed:
            await clips.sweep(after=2 * DAY)
            assert clips.keys() == await used_keys(clips), "a piece is doubled, or missing"
            await clips.uploads.end(clips.ada, clip)
        if not is_killed:
            assert step > 12, FEW
            return


async def test_a_cleaner_that_is_killed_before_any_step_leaves_the_upload_to_the_next_one(
    clips: FamilyClips, database_url: str
) -> None:
    """Law 1: the clip is attached and served with its bytes; nothing else is left."""
    content = picture("JPEG", size=(64, 48))
    for step in count(1):
        clip = await clips.upload(content)
        is_killed = await run_doomed(clean_one, database_url, clips.folder, before_step=step)
        assert await clips.missing() == []
        later = Cleaner(pool=clips.pool, objects=clips.objects, work=clips.folder / "work", now=in_20_minutes)
        # The transaction of a killed process holds its row until Postgres notices.
        await until(partial(is_cleaned_by, later, clips, clip))
        await clips.attach(clip, await clips.push(clips.family.ada, note(clips.family)))
        assert await clips.is_served(clip)
        assert await clips.missing() == []
        if not is_killed:
            await clips.sweep(after=2 * DAY)
            assert clips.keys() == await used_keys(clips)
            await later.start()
            await later.stop()
            assert list((clips.folder / "work").rglob("*")) == [], "a killed cleaner's folder"
            assert step > 30, FEW
            return


async def test_a_sweep_that_is_killed_before_any_step_leaves_no_row_without_its_object(
    clips: FamilyClips, database_url: str
) -> None:
    for step in count(1):
        await put_what_ends(clips)
        stays = await put_clip(clips, b"stays %d" % step)
        is_killed = await run_doomed(sweep_once, database_url, clips.folder, before_step=step)
        assert await clips.missing() == []
        assert await clips.objects.size_of(stays) is not None
        if step % 8 == 0 or not is_killed:
            await clips.sweep(after=2 * DAY)
            assert clips.keys() == await used_keys(clips)
        if not is_killed:
            assert clips.keys().count(stays) == 1
            assert step > 12, FEW
            return


async def put_clip(clips: FamilyClips, content: bytes) -> str:
    """Writes a clip as the cleaner does, and returns the key of its file."""
    family, clip, sha256 = clips.family.family, uuid4(), hashlib.sha256(content).digest()
    await clips.objects.put(file_key(family, sha256), content)
    await clips.pool.execute(
        "INSERT INTO clip (family_id, clip_id, member_id, cleaned_at) VALUES ($1, $2, $3, now())",
        family, clip, clips.family.ada,
    )  # fmt: skip
    await clips.pool.execute(
        "INSERT INTO clip_file (family_id, clip_id, rendition, sha256, length, media_type, width, height, created_at)"
        " VALUES ($1, $2, 'clip', $3, $4, 'image/png', 1, 1, now())",
        family, clip, sha256, len(content),
    )  # fmt: skip
    return file_key(family, sha256)


async def put_what_ends(clips: FamilyClips) -> None:
    """Makes an upload that has expired, a clip that nobody attached, and an old object without a row."""
    clip = await clips.upload(b"x" * 10, length=100)
    unattached = await put_clip(clips, uuid4().bytes)
    orphan = file_key(clips.family.family, hashlib.sha256(uuid4().bytes).digest())
    await clips.objects.put(orphan, b"orphan")
    for key in (orphan, unattached):
        os.utime(clips.folder / "objects" / key, (0, 0))
    sha256 = bytes.fromhex(unattached.rpartition("/")[2])
    await clips.pool.execute("UPDATE clip_upload SET byte_at = now() - interval '8 days' WHERE clip_id = $1", clip)
    await clips.pool.execute(
        "UPDATE clip SET cleaned_at = now() - interval '8 days' FROM clip_file"
        " WHERE clip_file.clip_id = clip.clip_id AND sha256 = $1",
        sha256,
    )
