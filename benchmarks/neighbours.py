"""Measures the workload `neighbours`: how much one family slows down the requests of other families.

There are two disturbances. A family's row is locked by hand, while eight devices of this family push and are refused. A parent
who keeps everything joins a family with a long history. The devices of `append single` push in a closed loop, with and without
the disturbance in turn, on one service and one Postgres. Owns the disturbances.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from benchmarks.append_single import push_singly
from benchmarks.closed_loop import Tally
from benchmarks.connection import Address, Connection, WrongAnswer, ask_json, request
from benchmarks.crew import Device, Family, crew, found, found_many
from benchmarks.figures import Figure, against_limit, at_most, fact, ms, percentile
from benchmarks.mix import Drafts, push_body
from benchmarks.processes import Served, stillnew
from benchmarks.size import CREW, Size
from events.event import Role

NAME = "neighbours"
DEVICES_OF_THE_LOCKED = 8
DRAFTS_A_PUSH = 250
WAITS_MORE_MS_MAX = 100.0


async def measure(size: Size) -> list[Figure]:
    """Measures the other families' latencies while a family is locked, and their longest request while a parent joins."""
    async with stillnew() as service:
        devices = await crew(service.address, families=await found_many(service.address, count=size.families))
        await push_singly(devices, seconds=size.warm_up_s)
        locked = await _beside_a_locked_family(service, devices, size=size)
        return [*locked, *await _beside_a_joining(service, devices, size=size)]


async def _beside_a_locked_family(service: Served, devices: Sequence[Device], *, size: Size) -> list[Figure]:
    theirs = await found(service.address)
    alone: list[Tally] = []
    beside: list[Tally] = []
    for _ in range(size.rounds):
        alone.append(await push_singly(devices, seconds=size.round_s))
        async with _locked(service, theirs):
            beside.append(await push_singly(devices, seconds=size.round_s))
    return [
        against_limit(
            workload=NAME, what=f"request {what}, another family locked", unit="ms",
            runs=[ms(percentile(tally.latencies_s, share)) for tally in beside],
            limit_name="nobody locked", limit_runs=[ms(percentile(tally.latencies_s, share)) for tally in alone],
            detail=f"{CREW}, closed loop; {DEVICES_OF_THE_LOCKED} devices of the locked family push, too",
        )
        for what, share in (("p50", 0.5), ("p99", 0.99))
    ]  # fmt: skip


@asynccontextmanager
async def _locked(service: Served, family: Family) -> AsyncIterator[None]:
    """Locks a family's row, like a person who uses psql, while the family's devices push."""
    person = await asyncpg.connect(service.database_url)
    is_over = asyncio.Event()

    async def push(number: int) -> None:
        connection = await Connection.open(service.address)
        drafts = Drafts(role=Role.CAREGIVER, child=family.child, about=family.seeds, seed=10_000 + number)
        while not is_over.is_set():
            body = push_body([drafts.take()])
            answer = await connection.ask(request("POST", family.events_path, token=family.token_by_member["sitter"], body=body))
            if answer.status != 503:
                raise WrongAnswer(answer)
        connection.close()

    async with person.transaction():
        await person.execute("SELECT FROM family WHERE family_id = $1 FOR UPDATE", family.family)
        async with asyncio.TaskGroup() as pushing:
            for number in range(DEVICES_OF_THE_LOCKED):
                pushing.create_task(push(number))
            try:
                yield
            finally:
                is_over.set()
    await person.close()


async def _beside_a_joining(service: Served, devices: Sequence[Device], *, size: Size) -> list[Figure]:
    theirs = await found(service.address)
    await _write_history(service.address, theirs, events=size.neighbour_events)
    more_ms: list[float] = []
    took_s: list[float] = []
    for _ in range(size.rounds):
        alone = await push_singly(devices, seconds=size.round_s)
        joining = asyncio.create_task(_join(service.address, theirs))
        beside = await push_singly(devices, seconds=size.round_s)
        took_s.append(await joining)
        more_ms.append(ms(max(beside.latencies_s) - max(alone.latencies_s)))
    return [
        at_most(
            workload=NAME, what="longest request, somebody joining, beyond nobody joining", unit="ms", runs=more_ms,
            aimed=WAITS_MORE_MS_MAX, detail=f"{size.neighbour_events:,} events in the other family; they keep all; {CREW}",
        ),
        fact(workload=NAME, what="the joining takes", unit="s", runs=took_s),
    ]  # fmt: skip


async def _write_history(address: Address, family: Family, *, events: int) -> None:
    connection = await Connection.open(address)
    drafts = Drafts(role=Role.CAREGIVER, child=family.child, about=family.seeds, seed=77)
    for _ in range(0, events, DRAFTS_A_PUSH):
        body = push_body([drafts.take() for _ in range(min(DRAFTS_A_PUSH, events))])
        answer = await connection.ask(request("POST", family.events_path, token=family.token_by_member["sitter"], body=body))
        if answer.status != 200:
            raise WrongAnswer(answer)
    connection.close()


async def _join(address: Address, family: Family) -> float:
    """Joins a family as a parent who keeps everything. Returns the seconds of the request."""
    connection = await Connection.open(address)
    mother = family.token_by_member["mother"]
    wanted = {"role": "parent", "name": "Eve", "household": {"name": "Hut"}}
    invite = await ask_json(connection, "POST", f"/v1/families/{family.family}/invites", token=mother, json=wanted)
    began_s = asyncio.get_running_loop().time()
    await ask_json(connection, "POST", "/v1/invites/accept", json={
        "code": invite["code"], "name": "Eve", "device": {"name": "phone"}, "surprise": [{"scope": "all", "mode": "keep"}],
    })  # fmt: skip
    connection.close()
    return asyncio.get_running_loop().time() - began_s
