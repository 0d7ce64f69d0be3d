"""Measures the workload `idle streams`: many devices, five of each family, have one open live stream each. Nothing is sent.

The cost of a stream is the growth of the worker's resident memory divided by the number of streams. The memory is first measured
after some streams were opened and closed, so that code which is loaded on first use is not counted. The figures are compared with
a limit: streams of the bare app on the same uvicorn.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence

from benchmarks.connection import ConnectionCut
from benchmarks.crew import MEMBERS, Family, found_many
from benchmarks.figures import Figure, at_most, fact
from benchmarks.listen import Listener
from benchmarks.processes import Served, bare_app, stillnew
from benchmarks.size import Size

NAME = "idle streams"
OPENED_AT_ONCE = 50
STREAMS_BEFORE = 100
"""The number of streams that are opened and closed before the memory is first measured."""
SETTLE_S = 2.0
KIB = 1_024
AIM_KIB = 30.0

StreamAddress = tuple[str, str | None]
"""The path of a stream, and the token for the request, or None."""


async def measure(size: Size) -> list[Figure]:
    """Measures the memory per stream in KiB, and the CPU use while nothing is sent, for each number of streams."""
    figures: list[Figure] = []
    async with stillnew() as service:
        families = await found_many(service.address, count=max(size.idle_streams) // len(MEMBERS), seeds=1)
        of_service = await _hold(service, list(_stream_addresses(families)), size=size)
    async with bare_app() as bare:
        of_bare = await _hold(bare, [("/live", None)] * max(size.idle_streams), size=size)
    for streams in size.idle_streams:
        kib, cpu = of_service[streams]
        bare_kib, bare_cpu = of_bare[streams]
        figures += [
            at_most(
                workload=NAME, what=f"{streams:,} held: memory a stream", unit="KiB", runs=[kib], aimed=AIM_KIB,
                limit_name="bare litestar streams", limit=bare_kib, detail="resident memory of the one worker",
            ),
            fact(workload=NAME, what=f"{streams:,} held: CPU", unit="%", runs=[cpu],
                 detail=f"of one core, over {size.idle_watch_s:g} s, with heartbeats; bare streams have none: {bare_cpu:.2g} %"),
        ]
    return figures


def _stream_addresses(families: Sequence[Family]) -> "itertools.chain[StreamAddress]":
    return itertools.chain.from_iterable(
        [(f"/v1/families/{family.family}/live?after=0", token) for token in family.token_by_member.values()]
        for family in families
    )


async def _hold(server: Served, places: Sequence[StreamAddress], *, size: Size) -> dict[int, tuple[float, float]]:
    """Returns the KiB per stream and the percent of a core, by the number of open streams, from the smallest number on."""
    for listener in await _open(server, places[:STREAMS_BEFORE]):
        listener.close()
    await asyncio.sleep(min(SETTLE_S, size.idle_watch_s))
    base = server.rss_bytes
    held: list[Listener] = []
    found: dict[int, tuple[float, float]] = {}
    for streams in size.idle_streams:
        held += await _open(server, places[len(held) : streams])
        await asyncio.sleep(min(SETTLE_S, size.idle_watch_s))
        cpu_before, started = server.cpu_s, time.perf_counter()
        await asyncio.sleep(size.idle_watch_s)
        cpu = (server.cpu_s - cpu_before) / (time.perf_counter() - started) * 100
        if any(listener.is_cut for listener in held):
            raise ConnectionCut("a stream was cut while nothing happened")
        found[streams] = ((server.rss_bytes - base) / streams / KIB, cpu)
    for listener in held:
        listener.close()
    return found


async def _open(server: Served, places: Sequence[StreamAddress]) -> list[Listener]:
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one(place: StreamAddress) -> Listener:
        path, token = place
        async with gate:
            return await Listener.open(server.address, path, token=token)

    return list(await asyncio.gather(*(one(place) for place in places)))
