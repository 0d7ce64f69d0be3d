"""Measures the workload `replay`: the whole log is folded again with every projection, and compared with the live rows.

This is what `stillnew replay --check` does. The log has 200,000 events of 20 families, pushed over HTTP before. The figures are
compared with a limit, a very simple fold of the same log. It reads the rows in pages, decodes them into the same types, and folds
them into one dict per family. Both folds run in this process, one after the other, while the service is idle.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from benchmarks.connection import WrongAnswer
from benchmarks.crew import Device, crew, found_many
from benchmarks.figures import Figure, against_limit, fact
from benchmarks.processes import stillnew
from benchmarks.size import Size
from events.upcast import event_of_bytes
from service.replay import replay

NAME = "replay"
DRAFTS_A_PUSH = 100
PAGE = 2_000
ROUNDS_MAX = 3
"""The bound on the rounds of this workload. A round takes long, and the results of the rounds differ little."""
READ_PAGE = "SELECT seq, kind, version, body FROM event WHERE family_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"


class ReplayDiffers(RuntimeError):
    """The folded rows differ from the live rows, so the measurement is invalid."""


async def measure(size: Size) -> list[Figure]:
    """Measures events per second, of the replay with every projection and of the simple fold."""
    async with stillnew() as service:
        families = await found_many(service.address, count=size.replay_families)
        await _write_history(await crew(service.address, families=families), events=size.replay_events)
        conn = await asyncpg.connect(service.database_url)
        try:
            events = int(await conn.fetchval("SELECT count(*) FROM event"))
            of_fold: list[float] = []
            of_replay: list[float] = []
            of_all_cores: list[float] = []
            for _ in range(min(size.rounds, ROUNDS_MAX)):
                of_fold.append(events / await _paged_fold(conn, [family.family for family in families], events=events))
                of_replay.append(events / await _replay(service.database_url, events=events, processes=1))
                of_all_cores.append(events / await _replay(service.database_url, events=events, processes=None))
        finally:
            await conn.close()
    return [
        against_limit(
            workload=NAME, what="events/s, every projection, checked", unit="/s", runs=of_replay,
            limit_name="paged read, msgspec, dict fold", limit_runs=of_fold, aimed_ratio=0.25,
            detail=f"{events:,} events, {size.replay_families} families; one process, as is the limit",
        ),
        fact(workload=NAME, what="events/s on all cores", unit="/s", runs=of_all_cores, detail="as the command runs it"),
        fact(workload=NAME, what="the whole log on all cores", unit="s", runs=[events / run for run in of_all_cores]),
    ]


async def _write_history(devices: Sequence[Device], *, events: int) -> None:
    """Pushes about `events` events, with all devices at once and 100 drafts per request."""

    async def write(device: Device, pushes: int) -> None:
        for _ in range(pushes):
            answer = await device.connection.ask(device.request(count=DRAFTS_A_PUSH))
            if answer.status != 200 or answer.body.count(b'"recorded"') != DRAFTS_A_PUSH:
                raise WrongAnswer(answer)
        device.connection.close()

    pushes = max(1, round(events / DRAFTS_A_PUSH / len(devices)))
    await asyncio.gather(*(write(device, pushes) for device in devices))


async def _replay(database_url: str, *, events: int, processes: int | None) -> float:
    """Returns the seconds to fold and compare everything. If `processes` is None, there are as many processes as cores."""
    started = time.perf_counter()
    replayed = await replay(database_url, check=True, processes=processes)
    seconds = time.perf_counter() - started
    if replayed.events != events or replayed.differences:
        raise ReplayDiffers(f"{replayed.events} of {events} events folded, with differences: {replayed.differences[:3]}")
    return seconds


async def _paged_fold(conn: "asyncpg.Connection[asyncpg.Record]", families: Sequence[str], *, events: int) -> float:
    """Returns the seconds of the simple fold, which reads every event and keeps the earliest time by author and type."""
    statement = await conn.prepare(READ_PAGE)
    folded = 0
    started = time.perf_counter()
    for family in families:
        earliest: dict[tuple[UUID, str], float] = {}
        after = 0
        while rows := await statement.fetch(family, after, PAGE):
            for seq, kind, version, body in rows:
                event = event_of_bytes(body, kind=kind, version=version)
                key, at = (event.author, kind), event.occurred_at.timestamp()
                if at < earliest.get(key, at + 1):
                    earliest[key] = at
                after = seq
            folded += len(rows)
    seconds = time.perf_counter() - started
    if folded != events:
        raise ReplayDiffers(f"the paged fold met {folded} of {events} events")
    return seconds
