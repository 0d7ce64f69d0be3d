"""Kills the service and its Postgres (SIGKILL) at random moments while devices push.

The kills do not show what a power cut does to bytes that were not flushed to the disk, because the page cache outlives a process.
The tests of the embedded server show that fsync is on.
"""

import asyncio
import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.crash.crew import Crew, crew_of, feed_of
from tests.crash.pushers import Push
from tests.crash.serving import Serving, kill_postgres, serving_with_own_postgres
from tests.polling import until

ROOT = Path(__file__).parents[2]
KILLS = 500 if os.environ.get("STILLNEW_NIGHTLY") else 24
SEED = os.environ.get("STILLNEW_SEED") or secrets.token_hex(4)
CURRENT_WITHIN_S = 10.0
"""The seconds after a fault within which each device must have its whole feed again."""
NO_PROGRESS_S_MAX = 30.0
BOTH = 0.3
"""The share of the service's kills in which its Postgres is killed too, like in a power cut."""


@pytest.mark.timeout(120 if KILLS < 100 else 3_600)
async def test_nothing_acknowledged_is_lost_or_doubled_however_often_service_and_postgres_are_killed(
    open_folder: Path, tmp_path: Path
) -> None:
    """Laws 1, 2 and 11: after many kills, each acknowledged event is in its author's feed once, and a replay gives the same rows.

    Of a push that was cut off, either all acceptable drafts are recorded, or none.
    """
    print(f"STILLNEW_SEED={SEED}")
    data = open_folder / f"killed-{SEED}"
    with serving_with_own_postgres(data) as service:
        async with crew_of(service.url, tmp_path, seed=SEED) as crew:
            working = asyncio.create_task(crew.work())
            try:
                last_kill_s = await kill_often(service, data, crew, rng=random.Random(SEED))
                await be_current(service, crew, since_s=last_kill_s)
                assert not working.done(), working
            finally:
                working.cancel()
                await asyncio.wait({working})
            assert crew.broken == []
            resolved, left = crew.cut_off
            assert resolved > 0, "kills that cut no push show nothing"
            print(f"{crew.answers} pushes acknowledged, {resolved} of them after a cut; {left} left unknown")
            await compare_ledgers_with_feeds(crew, service.url)
            assert service.end() == 0
    # An error of the database must not be logged as a crash of the service. The lines are compared, so that a failure shows them.
    assert [line for line in service.log.splitlines() if '"crashed"' in line] == []
    assert "append failed" not in service.log
    assert await replayed(data) == "0 differences"


async def progress_of(crew: Crew) -> None:
    """Waits until one more push was acknowledged."""
    answers = crew.answers
    await until(lambda: crew.answers > answers, within_s=NO_PROGRESS_S_MAX)


async def kill_often(service: Serving, data: Path, crew: Crew, *, rng: random.Random) -> float:
    """Kills the service and Postgres equally often. Most kills wait for an acknowledged push. The others may hit a recovery.

    Returns the time of the last kill.
    """
    killed_s = 0.0
    victims = ["service", "postgres"] * (KILLS // 2)
    rng.shuffle(victims)
    for victim in victims:
        if rng.random() < 0.8:
            await progress_of(crew)
        await asyncio.sleep(rng.random() * 0.25)
        killed_s = time.monotonic()
        if victim == "service":
            await asyncio.to_thread(service.kill)
            if rng.random() < BOTH:
                kill_postgres(data)
            await asyncio.to_thread(service.start)
        else:
            await until(lambda: kill_postgres(data), within_s=NO_PROGRESS_S_MAX)
    return killed_s


async def be_current(service: Serving, crew: Crew, *, since_s: float) -> None:
    """Checks that both devices of Ben have his whole feed within 10 s of the last kill, byte for byte.

    Before that, waits until no draft is left to push.
    """
    crew.ending.set()
    await until(lambda: not crew.waits, within_s=CURRENT_WITHIN_S)
    length = len(await feed_of(crew.people[1], service.url))
    left_s = since_s + CURRENT_WITHIN_S - time.monotonic()
    await until(lambda: all(device.mirror.place == length for device in crew.devices), within_s=left_s)
    one, other = (device.transcript() for device in crew.devices)
    assert one == other


async def compare_ledgers_with_feeds(crew: Crew, url: str) -> None:
    """Checks that each acknowledged draft is in its author's feed once, unchanged, and at the place in its receipt.

    Also checks that all acceptable drafts of each cut push are in the feed, or none.
    """
    for pusher in crew.pushers:
        entries = await feed_of(pusher.someone, url)
        assert [entry["place"] for entry in entries] == list(range(1, len(entries) + 1))
        by_id = {entry["event"]["id"]: entry for entry in entries}
        assert len(by_id) == len(entries)
        for push in pusher.ledger.acknowledged:
            compare_with_feed(push, by_id)
        unknown = list(pusher.ledger.unknown)
        for push in unknown:
            assert len(push.acceptable & by_id.keys()) in (0, len(push.acceptable)), "I-04"
        await pusher.push_unknown_again()
        for push in unknown:
            if push.acceptable & by_id.keys():
                compare_with_feed(push, by_id)
    assert crew.broken == []


def compare_with_feed(push: Push, by_id: Mapping[str, dict[str, Any]]) -> None:
    for draft, receipt in zip(push.drafts, push.receipts or (), strict=True):
        if draft["id"] not in push.acceptable:
            assert draft["id"] not in by_id
            continue
        entry = by_id[draft["id"]]
        assert receipt["place"] == entry["place"]
        assert draft["event"].items() <= entry["event"]["event"].items()


async def replayed(data: Path) -> str:
    """Runs `stillnew replay --check`, and returns the number of differences, as the command states it."""
    command = [sys.executable, "-m", "service.cli", "replay", "--check", "--data", str(data)]
    finished = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout.partition(": ")[2].strip().rstrip(".")
