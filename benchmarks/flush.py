"""Measures the workload `flush`: devices that were offline push their outboxes, 100 drafts per request, in a closed loop.

The figures are compared with a limit, Postgres alone. The rows that these pushes wrote are inserted again by unnest into a plain
table, in transactions of 1,000 rows. The plain table has the same primary key, but no second index and no trigger.
"""

from collections.abc import Callable, Sequence

import asyncpg

from benchmarks.closed_loop import Tally, drive
from benchmarks.connection import Answer
from benchmarks.crew import Device, crew, found_many
from benchmarks.figures import Figure, against_limit, fact, ms, percentile
from benchmarks.postgres_alone import insert_again, read_rows
from benchmarks.processes import stillnew
from benchmarks.size import CREW, Size

NAME = "flush"
READY_PER_S = 1_500
"""The number of drafts that are encoded before a round, per device and second of the round."""


async def measure(size: Size) -> list[Figure]:
    """Measures events per second, the duration of a request, and the bytes per event."""
    async with stillnew() as service:
        families = await found_many(service.address, count=size.families)
        devices = await crew(service.address, families=families)
        await push_in_flushes(devices, count=size.flush_drafts, seconds=size.warm_up_s)
        conn = await asyncpg.connect(service.database_url)
        try:
            of_service: list[Tally] = []
            of_unnest: list[float] = []
            stored: list[float] = []
            logged: list[float] = []
            for _ in range(size.rounds):
                before = await _bytes_of(conn)
                of_service.append(await push_in_flushes(devices, count=size.flush_drafts, seconds=size.round_s))
                after = await _bytes_of(conn)
                events = len(of_service[-1].latencies_s) * size.flush_drafts
                stored.append((after[0] - before[0]) / events)
                logged.append((after[1] - before[1]) / events)
                rows = await read_rows(conn, most=size.unnest_rows)
                of_unnest.append(await insert_again(conn, rows))
        finally:
            await conn.close()
        sent = [len(device.request(count=size.flush_drafts)) / size.flush_drafts for device in devices]
    return [
        against_limit(
            workload=NAME, what="events/s", unit="/s", runs=[tally.per_s * size.flush_drafts for tally in of_service],
            limit_name="unnest of the same rows", limit_runs=of_unnest, aimed_ratio=0.15,
            detail=f"{CREW}, {size.flush_drafts} drafts a request, closed loop",
        ),
        *(
            fact(workload=NAME, what=f"request p{share * 100:.0f}", unit="ms",
                 runs=[ms(percentile(tally.latencies_s, share)) for tally in of_service])
            for share in (0.5, 0.99)
        ),
        fact(workload=NAME, what="bytes an event, sent", unit="B", runs=[sum(sent) / len(sent)]),
        fact(workload=NAME, what="bytes an event, kept", unit="B", runs=stored, detail="tables and indexes"),
        fact(workload=NAME, what="bytes an event, write-ahead log", unit="B", runs=logged, detail="full-page images included"),
    ]


async def push_in_flushes(devices: Sequence[Device], *, count: int, seconds: float) -> Tally:
    """Lets every device push `count` drafts per request, for `seconds` seconds."""
    for device in devices:
        device.drafts.prepare(int(seconds * READY_PER_S))

    def requests_of(device: Device) -> Callable[[], bytes]:
        return lambda: device.request(count=count)

    def is_right(answer: Answer) -> bool:
        return answer.status == 200 and answer.body.count(b'"recorded"') == count

    connections = [device.connection for device in devices]
    return await drive(connections, [requests_of(device) for device in devices], seconds=seconds, is_right=is_right)


async def _bytes_of(conn: "asyncpg.Connection[asyncpg.Record]") -> tuple[int, int]:
    """Returns the size of the service's tables, and the position of the write-ahead log, both in bytes."""
    row = await conn.fetchrow(
        """
        SELECT sum(pg_total_relation_size(oid))::bigint AS held,
               pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS logged
          FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'bench_plain_event'
        """
    )
    assert row is not None
    return int(row["held"]), int(row["logged"])
