"""Measures the workload `strangers`: unknown senders send calls of 2 MiB at once, each without its last byte, and wait.

The figure is the largest growth of the worker's resident memory while the calls are open. The figure is compared with a limit:
the bare app on the same uvicorn, which reads every body to its end, like most services. The service refuses calls without a
signature by their headers. Calls with a well-formed signature, each from another address, share the budget for strangers' bodies.
"""

import asyncio
import time
from collections.abc import Mapping
from uuid import uuid4

from benchmarks.connection import head
from benchmarks.figures import Figure, at_most
from benchmarks.processes import Served, bare_app, stillnew
from benchmarks.size import Size

NAME = "strangers"
MIB = 1_048_576
CALL_BYTES = 2 * MIB
PIECE = b" " * 65_536
WATCH_S = 3.0
LOOK_EVERY_S = 0.02
AIM_UNSIGNED_MIB = 16.0
AIM_SIGNED_MIB = 64.0
"""The aim for signed calls, in MiB: four times the budget for strangers' bodies, because copies and buffers need memory, too."""


async def measure(size: Size) -> list[Figure]:
    """Measures the growth of the worker's memory, in MiB, while the calls are open."""
    calls = f"/v1/daycare/events?key={uuid4()}"
    good = {"webhook-id": "call", "webhook-timestamp": str(int(time.time())), "webhook-signature": f"v1,{'A' * 43}="}
    async with bare_app() as bare:
        limit = await _growth_mib(bare, "/events", {}, count=size.strangers)
    async with stillnew() as service:
        unsigned = await _growth_mib(service, calls, {}, count=size.strangers)
    async with stillnew() as service:
        signed = await _growth_mib(service, calls, good, count=size.strangers)
    return [
        at_most(
            workload=NAME, what=f"{size.strangers} calls of 2 MiB {how}: memory", unit="MiB", runs=[found], aimed=aimed,
            limit_name="bare litestar", limit=limit, detail="the most that the one worker grows",
        )
        for how, found, aimed in (
            ("without a signature", unsigned, AIM_UNSIGNED_MIB),
            ("that nobody signed, in good form", signed, AIM_SIGNED_MIB),
        )
    ]  # fmt: skip


async def _growth_mib(server: Served, path: str, headers: Mapping[str, str], *, count: int) -> float:
    base = server.rss_bytes
    calling = [asyncio.create_task(_call(server, path, headers, number=number)) for number in range(count)]
    most, ends_s = base, time.perf_counter() + WATCH_S
    while time.perf_counter() < ends_s:
        await asyncio.sleep(LOOK_EVERY_S)
        most = max(most, server.rss_bytes)
    for call in calling:
        call.cancel()
    await asyncio.gather(*calling, return_exceptions=True)
    return (most - base) / MIB


async def _call(server: Served, path: str, headers: Mapping[str, str], *, number: int) -> None:
    """Sends a call without its last byte, and waits for a response."""
    reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
    try:
        more = {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250}", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        writer.write(head("POST", path, token=None, length=CALL_BYTES, more=lines))
        for _ in range(CALL_BYTES // len(PIECE) - 1):
            writer.write(PIECE)
            await writer.drain()
        writer.write(PIECE[:-1])
        await reader.read()
    finally:
        writer.transport.abort()
