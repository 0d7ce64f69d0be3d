"""Founds the families of the timing test. For a father, the families differ only in the number of events held from him.

In each family, the father has seen some milestones himself (`MET`), and has kept surprises since then. Every father receives the
same number of everyday notes by the sitter, in as many pushes. Between these pushes the mother writes the events that are held
from the father: firsts that he has not seen, and notes about these firsts. Ids, names and texts have the same length in all
families. The last of the held events attaches a clip. Owns the texts, and the proof that the families are alike; measures
nothing.
"""

from collections.abc import Sequence

import asyncpg
import msgspec
import uuid_utils

from benchmarks.clips import upload_picture
from benchmarks.connection import Address, Connection, WrongAnswer, ask_json, request
from benchmarks.crew import Family, found
from benchmarks.mix import WORDS, draft_of, push_body
from events.catalogue import CATALOGUE, Domain

READER, HELD_AUTHOR, VISIBLE_AUTHOR = "father", "mother", "sitter"
NOTES = 520
"""The number of the sitter's notes: more than a page, so that a push during the measurement does not change the first page."""
NOTES_A_PUSH = 10
TEXT_BYTES = 160
MET = tuple(key for key, one in CATALOGUE.by_key.items() if one.domain is Domain.HANDS and not one.safety)[:40]
KEPT = tuple(
    key for key, one in CATALOGUE.by_key.items()
    if one.domain in (Domain.TALKING, Domain.THINKING, Domain.FEELINGS) and not one.safety
)  # fmt: skip
NOTES_OF_HELD = 4
"""One in this many held events is a note. The note is about the held observation that was written right before."""


class NotAlike(RuntimeError):
    """The families differ by more than the number of held events, so their response times cannot be compared."""


class TimedFamily(msgspec.Struct, kw_only=True):
    """A family whose father keeps surprises, with the data for the requests of the father's device."""

    family: Family
    held: int
    """The number of events that are held from the father."""
    met: bytes
    """A draft of the father that is recorded already."""
    of_held: str
    """The id of an event that is held from the father. If no event is held, an id that no event has."""
    own: str
    """The id of an event of the father's own."""
    clip: str
    """The id of a clip that a held event attaches. If one event is held, nobody attached it; if none is, no clip has it."""
    place: int = 0
    """The last place of the father's feed."""

    @property
    def path(self) -> str:
        return f"/v1/families/{self.family.family}"

    @property
    def token(self) -> str:
        return self.family.token_by_member[READER]


async def found_timed(address: Address, *, held: int) -> TimedFamily:
    """Founds a family and writes its history."""
    family = await found(address, seeds=0)
    connection = await Connection.open(address)
    met = [draft_of({"type": "MilestoneObserved", "child": family.child, "milestone": key, "note": text(7)}) for key in MET]
    await push(connection, family, READER, met)
    await push(connection, family, READER, [draft_of({"type": "SurpriseChosen", "scope": "all", "mode": "keep"})])
    # The mother keeps surprises as well, so that the father's hand-over card is not empty.
    movement = draft_of({"type": "SurpriseChosen", "scope": "domain:movement", "mode": "keep"})
    await push(connection, family, HELD_AUTHOR, [movement])
    kept, clip = _kept(family.child, count=held), str(uuid_utils.uuid4())
    if held:
        clip = await upload_picture(address, family.family, token=family.token_by_member[HELD_AUTHOR])
    if held > 1:
        kept[-1] = draft_of({"type": "ClipAttached", "target": _id_of(kept[0]), "clip": clip})
    for first in range(0, NOTES, NOTES_A_PUSH):
        notes = [note(family.child, number) for number in range(first, first + NOTES_A_PUSH)]
        await push(connection, family, VISIBLE_AUTHOR, notes)
        between = kept[held * first // NOTES : held * (first + NOTES_A_PUSH) // NOTES]
        if between:
            await push(connection, family, HELD_AUTHOR, between)
    connection.close()
    of_held = _id_of(kept[0] if kept else note(family.child, 0))
    return TimedFamily(family=family, held=held, met=met[-1], of_held=of_held, own=_id_of(met[-1]), clip=clip)


def note(child: str, number: int, **more: str) -> bytes:
    """Returns the draft of a note. The draft has the same number of bytes for every `number`."""
    return draft_of({"type": "NoteWritten", "child": child, "text": text(number), **more})


def text(number: int) -> str:
    """Returns an everyday text. The text has the same length for every `number`."""
    start = number % len(WORDS)
    return " ".join(WORDS[start:] + WORDS[:start])[: TEXT_BYTES - 1] + "."


def _kept(child: str, *, count: int) -> list[bytes]:
    """Returns drafts that are held from a father who keeps everything, and has seen only the milestones in `MET`."""
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


async def push(connection: Connection, family: Family, member: str, drafts: Sequence[bytes]) -> None:
    """Pushes drafts that are all new.

    Raises:
        WrongAnswer: not all drafts were recorded.
    """
    push = request("POST", family.events_path, token=family.token_by_member[member], body=push_body(drafts))
    answer = await connection.ask(push)
    if answer.status != 200 or answer.body.count(b'"recorded"') != len(drafts):
        raise WrongAnswer(answer)


async def prove_alike(families: Sequence[TimedFamily], *, address: Address, database_url: str) -> None:
    """Checks that the fathers' feeds end at the same place, and that the planned number of events is held from each father.

    Also vacuums and analyzes the tables: before this, Postgres may read new rows in another way than old rows.

    Raises:
        NotAlike: the feeds end at different places, or another number of events is held.
    """
    await find_ends(families, address=address)
    connection = await asyncpg.connect(database_url)
    try:
        for one in families:
            held = await connection.fetchval("SELECT count(*) FROM held WHERE family_id = $1", one.family.family)
            if held != one.held:
                raise NotAlike(f"{held} events are held where {one.held} should be")
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def find_ends(families: Sequence[TimedFamily], *, address: Address) -> None:
    """Reads the last place of each father's feed.

    Raises:
        NotAlike: two feeds end at different places.
    """
    connection = await Connection.open(address)
    for one in families:
        more: object = True
        while more:
            page = await ask_json(connection, "GET", f"{one.path}/feed?after={one.place}&limit=2000", token=one.token)
            one.place, more = int(str(page["place"])), page["more"]
    connection.close()
    if len({one.place for one in families}) != 1:
        raise NotAlike(f"the feeds end at {[one.place for one in families]}")
