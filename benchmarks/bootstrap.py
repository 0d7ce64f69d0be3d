"""Measures the workload `bootstrap`: a new device of the father pulls 2,000 events in one page, gzipped, on a new connection.

The device pulls in a closed loop. The figures are compared with a limit, Postgres and gzip alone: a query reads the same number
of bodies by the primary key of the log's table. The bodies are joined and compressed.
"""

import time
import zlib

import asyncpg

from benchmarks.connection import Address, Connection, WrongAnswer, head, request
from benchmarks.crew import Family, found
from benchmarks.figures import Figure, at_most, fact, ms, percentile
from benchmarks.mix import Drafts, push_body
from benchmarks.processes import stillnew
from benchmarks.size import Size
from events.event import Role

NAME = "bootstrap"
DRAFTS_A_PUSH = 100
GZIP_MAGIC = b"\x1f\x8b"
GZIP_LEVEL = 6


async def measure(size: Size) -> list[Figure]:
    """Measures the milliseconds from the connect to the last byte, and the kilobytes of the compressed response."""
    async with stillnew() as service:
        family = await found(service.address)
        await _write_history(service.address, family, events=size.bootstrap_events)
        path = f"/v1/families/{family.family}/feed?after=0&limit={size.bootstrap_events}"
        pull = request("GET", path, token=family.token_by_member["father"], more="Accept-Encoding: gzip\r\n")
        body = b""
        took_s: list[float] = []
        for _ in range(2 + size.bootstrap_pulls):
            seconds, body = await _pull(service.address, pull, events=size.bootstrap_events)
            took_s.append(seconds)
        floor_s = await _read_and_compress(service.database_url, family, size=size)
    plain = len(zlib.decompress(body, wbits=31))
    return [
        at_most(
            workload=NAME, what="pull p50", unit="ms", runs=[ms(percentile(took_s[2:], 0.5))], aimed=40.0,
            limit_name="read and gzip alone", limit=ms(floor_s),
            detail=f"{size.bootstrap_events} events, {size.bootstrap_pulls} pulls, each on a new connection, closed loop",
        ),
        fact(workload=NAME, what="pull p99", unit="ms", runs=[ms(percentile(took_s[2:], 0.99))]),
        at_most(
            workload=NAME, what="on the wire", unit="kB", runs=[len(body) / 1_000], aimed=150.0,
            detail=f"gzipped; {plain / 1_000:,.0f} kB plain",
        ),
    ]


async def _write_history(address: Address, family: Family, *, events: int) -> None:
    """Writes notes of the sitter and the grandmother, so that the father's feed has at least `events` entries."""
    connection = await Connection.open(address)
    for index, start in enumerate(range(0, events + events // 10, DRAFTS_A_PUSH)):
        drafts = Drafts(role=Role.CAREGIVER, child=family.child, about=family.seeds, seed=start)
        written = [drafts.take() for _ in range(DRAFTS_A_PUSH)]
        token = family.token_by_member["grandmother" if index % 2 else "sitter"]
        body = push_body(written)
        answer = await connection.ask(head("POST", family.events_path, token=token, length=len(body)) + body)
        if answer.status != 200 or answer.body.count(b'"recorded"') != len(written):
            raise WrongAnswer(answer)
    connection.close()


async def _pull(address: Address, pull: bytes, *, events: int) -> tuple[float, bytes]:
    started = time.perf_counter()
    connection = await Connection.open(address)
    answer = await connection.ask(pull)
    seconds = time.perf_counter() - started
    connection.close()
    if answer.status != 200 or not answer.body.startswith(GZIP_MAGIC):
        raise WrongAnswer(answer)
    if zlib.decompress(answer.body, wbits=31).count(b'"told_at"') != events:
        raise WrongAnswer(answer._replace(body=b"a page of another length"))
    return seconds, answer.body


async def _read_and_compress(database_url: str, family: Family, *, size: Size) -> float:
    """Returns the seconds to read and compress the events without the service: the median of one read for each pull."""
    conn = await asyncpg.connect(database_url)
    took_s: list[float] = []
    try:
        statement = await conn.prepare("SELECT body FROM event WHERE family_id = $1 ORDER BY seq LIMIT $2")
        for _ in range(2 + size.bootstrap_pulls):
            started = time.perf_counter()
            rows = await statement.fetch(family.family, size.bootstrap_events)
            compressor = zlib.compressobj(GZIP_LEVEL, wbits=31)
            _ = compressor.compress(b",".join([row[0] for row in rows])) + compressor.flush()
            took_s.append(time.perf_counter() - started)
    finally:
        await conn.close()
    return percentile(took_s[2:], 0.5)
