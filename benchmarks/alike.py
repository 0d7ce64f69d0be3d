"""Families that are alike for one member, but for how much is held from him: what the test of timing asks about.

In each, the father has seen a few firsts himself, keeps surprises since, and is told the same everyday notes of the sitter, in
the same pushes. Between them the mother writes what is held from him: firsts that he has not seen, and words about them. Ids,
names and texts are equally long everywhere. Owns what is written, and the proof that the families are alike; measures nothing.
"""

from collections.abc import Sequence

import asyncpg
import msgspec

from benchmarks.crew import Family, found
from benchmarks.line import Address, Line, WrongAnswer, ask_json, request
from benchmarks.mix import WORDS, draft_of, push_body
from events.catalogue import CATALOGUE, Domain

WAITS, HOLDS, TELLS = "father", "mother", "sitter"
NOTES = 520
"""More than a page: what is pushed while the clock runs changes nothing on the first."""
NOTES_A_PUSH = 10
TEXT_BYTES = 160
MET = tuple(key for key, one in CATALOGUE.by_key.items() if one.domain is Domain.HANDS and not one.safety)[:40]
KEPT = tuple(
    key for key, one in CATALOGUE.by_key.items()
    if one.domain in (Domain.TALKING, Domain.THINKING, Domain.FEELINGS) and not one.safety
)  # fmt: skip
NOTES_OF_HELD = 4
"""One in so many held events is a note about the first before it."""


class NotAlike(RuntimeError):
    """The families differ by more than what is held: no time can be held against the other."""


class World(msgspec.Struct, kw_only=True):
    """A family, as the one who waits knows it."""

    family: Family
    held: int
    """How many events are held from him."""
    met: bytes
    """A draft of his that was recorded long ago."""
    of_held: str
    """The id of an event that is held from him; where none is, one that nobody has."""
    place: int = 0
    """Where his feed ends."""

    @property
    def path(self) -> str:
        return f"/v1/families/{self.family.family}"

    @property
    def token(self) -> str:
        return self.family.token_by_member[WAITS]


async def world(address: Address, *, held: int) -> World:
    """Found a family and let it live."""
    family = await found(address, seeds=0)
    line = await Line.open(address)
    met = [draft_of({"type": "MilestoneObserved", "child": family.child, "milestone": key, "note": text(7)}) for key in MET]
    await push(line, family, WAITS, met)
    await push(line, family, WAITS, [draft_of({"type": "SurpriseChosen", "scope": "all", "mode": "keep"})])
    # Somebody else waits as well, so that his hand-over card has something to say.
    await push(line, family, HOLDS, [draft_of({"type": "SurpriseChosen", "scope": "domain:movement", "mode": "keep"})])
    kept = _kept(family.child, count=held)
    for first in range(0, NOTES, NOTES_A_PUSH):
        notes = [note(family.child, number) for number in range(first, first + NOTES_A_PUSH)]
        await push(line, family, TELLS, notes)
        between = kept[held * first // NOTES : held * (first + NOTES_A_PUSH) // NOTES]
        if between:
            await push(line, family, HOLDS, between)
    line.close()
    of_held = _id_of(kept[0] if kept else note(family.child, 0))
    return World(family=family, held=held, met=met[-1], of_held=of_held)


def note(child: str, number: int, **more: str) -> bytes:
    """The draft of a note. Of any two, the bytes are as many."""
    return draft_of({"type": "NoteWritten", "child": child, "text": text(number), **more})


def text(number: int) -> str:
    """Everyday words, equally long."""
    turn = number % len(WORDS)
    return " ".join(WORDS[turn:] + WORDS[:turn])[: TEXT_BYTES - 1] + "."


def _kept(child: str, *, count: int) -> list[bytes]:
    """Drafts that a father who keeps all, and has seen only `MET`, is not told of."""
    drafts: list[bytes] = []
    while len(drafts) < count:
        key = KEPT[len(drafts) % len(KEPT)]
        seen = draft_of({"type": "MilestoneObserved", "child": child, "milestone": key, "note": text(len(drafts))})
        drafts.append(seen)
        if len(drafts) % NOTES_OF_HELD == NOTES_OF_HELD - 1 and len(drafts) < count:
            drafts.append(note(child, len(drafts), about=_id_of(seen)))
    return drafts


def _id_of(draft: bytes) -> str:
    return str(msgspec.json.decode(draft)["id"])


async def push(line: Line, family: Family, member: str, drafts: Sequence[bytes]) -> None:
    """Push drafts that are all new.

    Raises:
        WrongAnswer
    """
    question = request("POST", family.events_path, token=family.token_by_member[member], body=push_body(drafts))
    answer = await line.ask(question)
    if answer.status != 200 or answer.body.count(b'"recorded"') != len(drafts):
        raise WrongAnswer(answer)


async def prove_alike(worlds: Sequence[World], *, address: Address, database_url: str) -> None:
    """See that the feeds of those who wait end at one place, and that as much is held from each as was meant to be.

    Vacuums and analyzes as well: tables that are just written are read otherwise than those that have lain a while.

    Raises:
        NotAlike
    """
    await find_ends(worlds, address=address)
    connection = await asyncpg.connect(database_url)
    try:
        for one in worlds:
            held = await connection.fetchval("SELECT count(*) FROM held WHERE family_id = $1", one.family.family)
            if held != one.held:
                raise NotAlike(f"{held} events are held where {one.held} should be")
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def find_ends(worlds: Sequence[World], *, address: Address) -> None:
    """Read where the feeds end.

    Raises:
        NotAlike: not all at the same place.
    """
    line = await Line.open(address)
    for one in worlds:
        more: object = True
        while more:
            page = await ask_json(line, "GET", f"{one.path}/feed?after={one.place}&limit=2000", token=one.token)
            one.place, more = int(str(page["place"])), page["more"]
    line.close()
    if len({one.place for one in worlds}) != 1:
        raise NotAlike(f"the feeds end at {[one.place for one in worlds]}")
