"""Founds the families of the benchmarks over HTTP. Each family has five members, and each member has one device.

    mother (first home)   father (second home)   sitter and grandmother (see all)   daycare (sees its own)

Measures nothing.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from benchmarks.connection import Address, Connection, WrongAnswer, ask_json, head, request
from benchmarks.mix import Drafts, push_body
from events.event import Role

MEMBERS = ("mother", "father", "sitter", "grandmother", "daycare")
ROLE_BY_MEMBER = {
    "mother": Role.PARENT, "father": Role.PARENT,
    "sitter": Role.CAREGIVER, "grandmother": Role.CAREGIVER,
    "daycare": Role.DAYCARE,
}
SEEDS = 20
"""The number of events that the sitter writes before a measurement, so that members have events to cheer for."""

# The members that push in each family of a crew of 16 devices: the daycare in half of the families.
PUSHERS = (
    ("mother", "father", "sitter", "grandmother"),
    ("mother", "father", "sitter", "grandmother"),
    ("mother", "father", "sitter", "daycare"),
    ("mother", "father", "sitter", "daycare"),
)
FOUNDED_AT_ONCE = 8


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A founded family: its ids, and the token of each member's device."""

    family: str
    child: str
    token_by_member: dict[str, str]
    seeds: tuple[str, ...]

    @property
    def events_path(self) -> str:
        return f"/v1/families/{self.family}/events"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device that pushes: its connection and its drafts."""

    connection: Connection
    drafts: Drafts
    path: str
    token: str

    def request(self, *, count: int) -> bytes:
        """Returns the bytes of a request that pushes `count` drafts."""
        body = push_body([self.drafts.take() for _ in range(count)])
        return head("POST", self.path, token=self.token, length=len(body)) + body


async def found(address: Address, *, seeds: int = SEEDS) -> Family:
    """Founds a family and lets the other four members join. The sitter then writes `seeds` events."""
    connection = await Connection.open(address)
    founded = await ask_json(connection, "POST", "/v1/families", json={
        "you": {"name": "Ada"}, "household": {"name": "Hill"}, "child": {"name": "Kim", "born": "2026-01-05"},
        "device": {"name": "phone"},
    })
    family, child, token = str(founded["family"]), str(founded["child"]), str(founded["token"])
    tokens = {"mother": token}
    for member in MEMBERS[1:]:
        wanted: dict[str, object] = {"role": ROLE_BY_MEMBER[member].value, "name": member.title()}
        if member == "father":
            wanted["household"] = {"name": "Lake"}
        if ROLE_BY_MEMBER[member] is Role.CAREGIVER:
            wanted["sees"] = "all"
        invite = await ask_json(connection, "POST", f"/v1/families/{family}/invites", token=token, json=wanted)
        joined = await ask_json(connection, "POST", "/v1/invites/accept", json={
            "code": invite["code"], "name": member.title(), "device": {"name": "phone"},
        })
        tokens[member] = str(joined["token"])
    seeded = await seed_notes(connection, family=family, child=child, token=tokens["sitter"], count=seeds) if seeds else ()
    connection.close()
    return Family(family=family, child=child, token_by_member=tokens, seeds=seeded)


async def seed_notes(connection: Connection, *, family: str, child: str, token: str, count: int) -> tuple[str, ...]:
    """Writes notes and observations of the sitter. Returns the ids of the events that all parents and caregivers may see."""
    drafts = Drafts(role=Role.DAYCARE, child=child, about=(), seed=1)
    body = push_body([drafts.take() for _ in range(count)])
    answer = await connection.ask(request("POST", f"/v1/families/{family}/events", token=token, body=body))
    if answer.status != 200 or answer.body.count(b'"recorded"') != count:
        raise WrongAnswer(answer)
    pushed = msgspec.json.decode(body)["drafts"]
    return tuple(draft["id"] for draft in pushed if draft.get("audience") != "household")


async def found_many(address: Address, *, count: int, seeds: int = SEEDS) -> list[Family]:
    """Founds families, at most `FOUNDED_AT_ONCE` at a time."""
    gate = asyncio.Semaphore(FOUNDED_AT_ONCE)

    async def one() -> Family:
        async with gate:
            return await found(address, seeds=seeds)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def crew(address: Address, *, families: Sequence[Family]) -> list[Device]:
    """Connects four devices of each family. With four families, the 16 devices write drafts in the shares that `mix` lists."""
    devices: list[Device] = []
    for index, family in enumerate(families):
        for member in PUSHERS[index % len(PUSHERS)]:
            role = ROLE_BY_MEMBER[member]
            devices.append(Device(
                connection=await Connection.open(address), path=family.events_path, token=family.token_by_member[member],
                drafts=Drafts(role=role, child=family.child, about=family.seeds, seed=100 + len(devices)),
            ))
    return devices
