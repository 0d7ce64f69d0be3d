"""Measures the workload `waiting`: `append single` and `flush` with and without parents who keep surprises.

Two crews use one service and one Postgres. In the families of one crew the father keeps everything as a surprise; in the families
of the other crew no member has made a choice. In each round both crews push, one after the other. Their order changes with every
round, so that a drift of the machine affects both crews.

The drafts are those of the other workloads, except that a father observes only one half of the catalogue. He has observed this
half before his choice, so his drafts release nothing. (A first releases held events only once per milestone. In a closed loop all
milestones would be used up within a second.) Events about the other half are held from him. Owns the choice and the count of
held events.
"""

from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from benchmarks.append_single import push_singly
from benchmarks.closed_loop import Tally
from benchmarks.connection import Address, Connection, WrongAnswer, request
from benchmarks.crew import PUSHERS, ROLE_BY_MEMBER, SEEDS, Device, Family, found_many, seed_notes
from benchmarks.figures import Figure, against_limit, fact, ms, percentile
from benchmarks.flush import push_in_flushes
from benchmarks.mix import Drafts, draft_of, push_body
from benchmarks.processes import Served, stillnew
from benchmarks.size import CREW, Size
from events.catalogue import CATALOGUE

NAME = "waiting"
AIMED_RATIO = 0.9
SEEN_BY_FATHERS = tuple(CATALOGUE.by_key)[::2]

Push = Callable[[Sequence[Device], float], Awaitable[Tally]]


async def measure(size: Size) -> list[Figure]:
    """Measures requests and events per second, of the crew whose fathers keep surprises and of the other crew."""
    async with stillnew() as service:
        plain = await _crew(service.address, count=size.families, waits=False)
        kept = await _crew(service.address, count=size.families, waits=True)

        async def flush(devices: Sequence[Device], seconds: float) -> Tally:
            return await push_in_flushes(devices, count=size.flush_drafts, seconds=seconds)

        return [
            *await _compare(service, plain, kept, _push_singly, what="append single", size=size, drafts=1),
            *await _compare(service, plain, kept, flush, what="flush", size=size, drafts=size.flush_drafts),
        ]


async def _push_singly(devices: Sequence[Device], seconds: float) -> Tally:
    return await push_singly(devices, seconds=seconds)


async def _crew(address: Address, *, count: int, waits: bool) -> list[Device]:
    """Founds families and connects their devices. With `waits`, the fathers keep surprises.

    Half of the events that members can cheer for are recorded before the father's choice.
    """
    devices: list[Device] = []
    for index, family in enumerate(await found_many(address, count=count)):
        connection = await Connection.open(address)
        await _push_as_father(connection, family, [
            {"type": "MilestoneObserved", "child": family.child, "milestone": key} for key in SEEN_BY_FATHERS
        ])  # fmt: skip
        if waits:
            await _push_as_father(connection, family, [{"type": "SurpriseChosen", "scope": "all", "mode": "keep"}])
        later = await seed_notes(
            connection, family=family.family, child=family.child, token=family.token_by_member["sitter"], count=SEEDS
        )
        connection.close()
        for member in PUSHERS[index % len(PUSHERS)]:
            is_father = member == "father"
            devices.append(Device(
                connection=await Connection.open(address), path=family.events_path, token=family.token_by_member[member],
                drafts=Drafts(
                    role=ROLE_BY_MEMBER[member], child=family.child, seed=100 + len(devices),
                    about=family.seeds if is_father else family.seeds + later,
                    milestones=SEEN_BY_FATHERS if is_father else (),
                ),
            ))  # fmt: skip
    return devices


async def _push_as_father(connection: Connection, family: Family, events: Sequence[dict[str, object]]) -> None:
    body = push_body([draft_of(event) for event in events])
    answer = await connection.ask(request("POST", family.events_path, token=family.token_by_member["father"], body=body))
    if answer.status != 200 or answer.body.count(b'"recorded"') != len(events):
        raise WrongAnswer(answer)


async def _compare(
    service: Served, plain: Sequence[Device], kept: Sequence[Device], push: Push, *, what: str, size: Size, drafts: int
) -> list[Figure]:
    of_plain: list[Tally] = []
    of_kept: list[Tally] = []
    for devices in (plain, kept):
        await push(devices, size.warm_up_s)
    before = await _held(service)
    for index in range(size.rounds):
        for devices, tallies in ((plain, of_plain), (kept, of_kept))[:: 1 if index % 2 == 0 else -1]:
            tallies.append(await push(devices, size.round_s))
    held = await _held(service)
    written = sum(len(tally.latencies_s) for tally in of_kept) * drafts
    return [
        against_limit(
            workload=NAME, what=f"{what}, events/s", unit="/s", runs=[tally.per_s * drafts for tally in of_kept],
            limit_name="nobody waits", limit_runs=[tally.per_s * drafts for tally in of_plain], aimed_ratio=AIMED_RATIO,
            detail=f"{CREW}, in each of which one of two parents keeps all; {drafts} a request, closed loop",
        ),
        against_limit(
            workload=NAME, what=f"{what}, request p50", unit="ms",
            runs=[ms(percentile(tally.latencies_s, 0.5)) for tally in of_kept],
            limit_name="nobody waits", limit_runs=[ms(percentile(tally.latencies_s, 0.5)) for tally in of_plain],
        ),
        fact(workload=NAME, what=f"{what}, held of 100 written", unit="", runs=[(held - before) / written * 100],
             detail=f"{held:,} held in the end from {size.families} fathers"),
    ]  # fmt: skip


async def _held(service: Served) -> int:
    """Returns the number of events that are held from any member.

    Raises:
        NothingHeld: no event is held, so the figures would mean nothing.
    """
    conn = await asyncpg.connect(service.database_url)
    try:
        held = int(await conn.fetchval("SELECT count(*) FROM held"))
    finally:
        await conn.close()
    if not held:
        raise NothingHeld("no event is held from anybody")
    return held


class NothingHeld(RuntimeError):
    """Parents keep surprises, but no event is held from them."""
