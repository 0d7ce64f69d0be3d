"""Tests that `doctor` finds each object that is missing or has another size, and counts those without a row."""

import asyncpg

from service.checks.clips import ComparedObjects, compare, judge
from service.clips.stored_files import file_key
from tests.families import Family
from tests.service.clips.family_clips import FamilyClips


async def test_objects_are_compared_with_their_rows(clips: FamilyClips, pool: asyncpg.Pool) -> None:
    for width in (64, 65):
        await clips.clip(width=width)
    await clips.upload(b"x" * 10, length=100)
    whole = ComparedObjects(sound=len(clips.keys()))
    assert await compare(pool, clips.objects) == whole
    assert judge(whole).is_fine
    missing, changed, *_ = clips.keys()
    for family in (clips.family.family, Family().family):
        await clips.objects.put(file_key(family, bytes(32)), b"orphan")
    await clips.objects.delete([missing])
    await clips.objects.put(changed, b"other bytes")
    found = await compare(pool, clips.objects)
    assert found == ComparedObjects(sound=whole.sound - 2, missing=1, wrong_size=1, unused=2)
    assert judge(found).is_fine is False
    assert "2 rows cannot be served" in judge(found).advice
