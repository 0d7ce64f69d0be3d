"""Measures the workload `live`: the sitter pushes, and five devices of the mother, the father and the grandmother have streams.

An open loop: 50 drafts are sent per second, each at its due time, whether or not the service has answered earlier pushes. So if
the service stalls, the latencies of all later drafts grow. A latency is the time from a draft's due time to the last byte of the
entry at a listener. The figures are compared with a limit: the bare app, which relays drafts to five streams and stores nothing.
"""

import asyncio
import gc
import time
from collections.abc import Sequence

import msgspec

from benchmarks.connection import Address, Connection, WrongAnswer, ask_json, head
from benchmarks.crew import Family, found
from benchmarks.figures import Figure, at_most, fact, ms, percentile
from benchmarks.listen import Listener
from benchmarks.mix import Drafts, push_body
from benchmarks.postgres_alone import ONE_ROW, fsynced_insert_ms
from benchmarks.processes import bare_app, stillnew
from benchmarks.size import Size
from events.event import Role

NAME = "live"
LISTENERS = 5
CONNECTIONS = 8
"""The number of the sitter's connections: at 50 drafts per second, one is free as long as a response takes less than 160 ms."""
LATE_S_MAX = 5.0


async def measure(size: Size) -> list[Figure]:
    """Measures the milliseconds from the due time of a draft to its arrival at a listener."""
    async with stillnew() as service, bare_app() as bare:
        family = await found(service.address)
        opened = [await _listen(service.address, family, token) for token in await _listening_tokens(service.address, family)]
        of_bare = [await Listener.open(bare.address, "/live", token=None) for _ in range(LISTENERS)]
        token = family.token_by_member["sitter"]
        runs: list[Sequence[float]] = []
        runs_of_bare: list[Sequence[float]] = []
        await _write(bare.address, "/relay", family, token, of_bare, size=size, seconds=size.warm_up_s)
        await _write(service.address, family.events_path, family, token, opened, size=size, seconds=size.warm_up_s)
        for _ in range(size.rounds):
            runs_of_bare.append(await _write(bare.address, "/relay", family, token, of_bare, size=size, seconds=size.live_s))
            runs.append(await _write(service.address, family.events_path, family, token, opened, size=size, seconds=size.live_s))
        insert_ms = await fsynced_insert_ms(service.database_url, inserts=20 if size.rounds == 1 else 300)
        for listener in (*opened, *of_bare):
            listener.close()
    return [
        *(
            at_most(
                workload=NAME, what=f"send to listener p{share * 100:.0f}", unit="ms", aimed=aimed,
                runs=[ms(percentile(run, share)) for run in runs], limit_name="bare litestar relay",
                limit=percentile([ms(percentile(run, share)) for run in runs_of_bare], 0.5),
                detail=f"{LISTENERS} listeners, {size.live_per_s} drafts/s, open loop",
            )
            for share, aimed in ((0.5, 6.0), (0.99, 25.0))
        ),
        fact(workload=NAME, what="one row inserted and committed", unit="ms", runs=[insert_ms], detail=ONE_ROW),
    ]


async def _listening_tokens(address: Address, family: Family) -> list[str]:
    """Returns the tokens of the five listeners: two devices of each parent, and one of the grandmother."""
    tokens = [family.token_by_member[member] for member in ("mother", "father", "grandmother")]
    connection = await Connection.open(address)
    for first in tokens[:2]:
        code = await ask_json(connection, "POST", "/v1/devices/pair-codes", token=first)
        paired = await ask_json(connection, "POST", "/v1/devices/pair", json={"code": code["code"], "device": {"name": "tablet"}})
        tokens.append(str(paired["token"]))
    connection.close()
    return tokens


async def _listen(address: Address, family: Family, token: str) -> Listener:
    return await Listener.open(address, f"/v1/families/{family.family}/live?after=0", token=token)


async def _write(
    address: Address, path: str, family: Family, token: str, listeners: Sequence[Listener], *, size: Size, seconds: float
) -> list[float]:
    """Pushes each draft at its due time. Returns the seconds to its arrival, for every pair of a draft and a listener."""
    drafts = Drafts(role=Role.CAREGIVER, child=family.child, about=family.seeds, seed=int(time.time()))
    # Drafts for the sitter's household are not visible to the father.
    taken = [drafts.take() for _ in range(int(seconds * size.live_per_s * 1.2) + 20)]
    for_all = [draft for draft in taken if b'"audience"' not in draft]
    connections = [await Connection.open(address) for _ in range(CONNECTIONS)]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    due_at: dict[bytes, float] = {}

    async def push(draft: bytes) -> None:
        connection = await free.get()
        body = push_body([draft])
        answer = await connection.ask(head("POST", path, token=token, length=len(body)) + body)
        if answer.status != 200 or answer.body.count(b'"recorded"') != 1:
            raise WrongAnswer(answer)
        free.put_nowait(connection)

    gc.collect()
    gc.disable()
    try:
        async with asyncio.TaskGroup() as pushes:
            start = time.perf_counter()
            for index, draft in enumerate(for_all[: int(seconds * size.live_per_s)]):
                await asyncio.sleep(max(0.0, start + index / size.live_per_s - time.perf_counter()))
                due_at[msgspec.json.decode(draft)["id"].encode()] = time.perf_counter()
                pushes.create_task(push(draft))
        await asyncio.wait_for(asyncio.gather(*(listener.hears(due_at) for listener in listeners)), LATE_S_MAX)
    finally:
        gc.enable()
        for connection in connections:
            connection.close()
    return [listener.heard_at[draft] - due for draft, due in due_at.items() for listener in listeners]
