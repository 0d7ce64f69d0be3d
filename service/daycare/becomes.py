"""What a daycare's record becomes in a family's log: pure, of the record and of what stands there already.

Owns how records are read, told apart and named: the same records in any order, however often and however cut, become the same
events up to the order of arrival. Knows no rows and no wire. The whole record is kept together: where a milestone is found in
its words, the words are that sighting's note, or refer to it, so that whoever waits for one of them is kept from all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from events.amend import Amended, Changes, Withdrawn
from events.event import Body, Draft, Precision
from events.ids import ChildId, EventId, MemberId
from events.moments import MilestoneObserved, NoteWritten
from service.daycare.record import Record

NOTE_MAX: Final = 2_000
TEXT_MAX: Final = 10_000
PROSE_MAX: Final = 4_000
"""Longer texts are newsletters: their "she" is any child, and reading them is what a hostile sender would have us do."""
TELLS_OF_MAX: Final = 16
REMEMBERED: Final = 16
"""Earlier contents of a record: what comes again of them, and is not said to be later, is a repetition and no change back."""

Outcome = Literal["recorded", "already_recorded", "amended", "withdrawn", "outdated"]


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a record became, as far as its next form has to be held against it. Of its words there are salted digests only."""

    child: ChildId
    revised_at: datetime
    generation: int
    """How often it was told anew, because it had become something else."""
    milestones: tuple[str, ...]
    is_found: bool
    occurred_at: datetime
    precision: Precision
    salt: bytes
    text: bytes | None
    whole: bytes
    events: int
    """How many events stand for it."""
    words_at: int | None
    """Which of them has the words."""
    before: tuple[bytes, ...] = ()
    is_gone: bool = False


class Became(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written for a record: perhaps nothing."""

    outcome: Outcome
    drafts: tuple[Draft[Any], ...] = ()
    said: Said | None = None
    """None: what stands there stays."""


class Prose(msgspec.Struct, frozen=True, array_like=True):
    """Words to be read for milestones, and the child's names as the source shows them."""

    text: str
    names: tuple[str, ...]


def has_words(said: Said, words: str | None) -> bool:
    """Returns whether a record that was written, and is not withdrawn, has exactly these words."""
    return not said.is_gone and said.text == (None if words is None else sha256(said.salt + words.encode()).digest())


def prose_of(record: Record, before: Said | None, *, child: ChildId) -> Prose | None:
    """What of a record is to be read; None where it says by itself what it tells of, or says again what stands there."""
    prose = record.text if record.prose is None else record.prose
    if record.is_gone or record.milestone is not None or not prose or len(prose) > PROSE_MAX:
        return None
    if before is not None and _whole(record, child, before.salt) == before.whole:
        return None
    return Prose(prose, tuple(record.shown_name.split()) if record.shown_name else ())


def become(
    record: Record, before: Said | None, *, found: Sequence[str], author: MemberId, source: str, child: ChildId, salt: bytes
) -> Became:
    """Say what a record becomes.

    `found` is what its `prose_of` tells of; `salt`, of 16 random bytes, is for the first form of it.
    """
    salt = before.salt if before is not None else salt
    named = Naming(author, source, record.id)
    after = _said(record, before, found=found, child=child, salt=salt)
    if before is None:
        return Became(outcome="withdrawn" if after.is_gone else "recorded", drafts=_told(named, record, after), said=after)
    is_later = record.is_dated and after.revised_at > before.revised_at
    if after.whole == before.whole or (after.whole in before.before and not is_later):
        # What was said between the two dates, and comes late, is outdated.
        since = msgspec.structs.replace(before, revised_at=after.revised_at) if is_later else None
        return Became(outcome="already_recorded", said=since)
    if after.revised_at < before.revised_at:
        return Became(outcome="outdated")
    if after.is_gone or before.is_gone or not _is_alike(before, after):
        gone = () if before.is_gone else _taken_back(named, before, record.revised_at)
        after = msgspec.structs.replace(after, generation=before.generation + 1)
        outcome: Outcome = "withdrawn" if after.is_gone else "recorded" if before.is_gone else "amended"
        return Became(outcome=outcome, drafts=(*gone, *_told(named, record, after)), said=after)
    return Became(outcome="amended", drafts=_amended(named, record, before, after), said=after)


def _said(record: Record, before: Said | None, *, found: Sequence[str], child: ChildId, salt: bytes) -> Said:
    is_found = record.milestone is None and bool(found)
    milestones = tuple(found)[: TELLS_OF_MAX + 1] if record.milestone is None else (record.milestone,)
    milestones = () if record.is_gone else milestones
    past = () if before is None else (*before.before, before.whole)[-REMEMBERED:]
    words_at = None if record.text is None or record.is_gone else len(milestones) if len(record.text) > NOTE_MAX else 0
    has_own_words = words_at is not None and words_at == len(milestones)
    return Said(
        child=child,
        revised_at=record.revised_at,
        generation=0 if before is None else before.generation,
        milestones=milestones,
        is_found=is_found,
        occurred_at=record.occurred_at,
        precision=record.precision,
        salt=salt,
        text=None if record.text is None else sha256(salt + record.text.encode()).digest(),
        whole=_whole(record, child, salt),
        events=len(milestones) + has_own_words,
        words_at=words_at,
        before=past,
        is_gone=record.is_gone,
    )


def _whole(record: Record, child: ChildId, salt: bytes) -> bytes:
    content = (child, record.milestone, record.text, record.prose, record.occurred_at, record.precision, record.is_gone)
    return sha256(salt + msgspec.json.encode(content)).digest()


def _is_alike(before: Said, after: Said) -> bool:
    """Whether an amendment can say what changed. New words about what was found may tell of more: they are told anew."""
    if (before.child, before.milestones, before.events, before.words_at) != (
        after.child, after.milestones, after.events, after.words_at,
    ):  # fmt: skip
        return False
    return before.is_found is after.is_found and (before.text == after.text or not after.is_found)


class Naming:
    """Makes the ids of a record's events: the same ones whenever it is told the same."""

    def __init__(self, author: MemberId, source: str, record: str) -> None:
        self._begun = sha256(b"stillnew daycare record" + author.bytes)
        for part in (source, record):
            self._begun.update(len(part.encode()).to_bytes(4, "big") + part.encode())

    def id(self, *parts: str | int | bytes) -> EventId:
        """A UUID of version 8 (RFC 9562: of our own making)."""
        named = self._begun.copy()
        named.update(repr(parts).encode())
        bits = int.from_bytes(named.digest()[:16], "big")
        return EventId(UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62))


def _told(named: Naming, record: Record, said: Said) -> tuple[Draft[Any], ...]:
    """The events of a record that is told for the first time, or anew."""
    if said.is_gone:
        return ()
    bodies = list(_bodies(named, record, said))
    return tuple(
        Draft(
            id=named.id(said.generation, part),
            occurred_at=record.occurred_at,
            precision=record.precision,
            recorded_at=record.recorded_at,
            event=body,
        )
        for part, body in enumerate(bodies)
    )


def _bodies(named: Naming, record: Record, said: Said) -> Iterable[Body]:
    for part, milestone in enumerate(said.milestones):
        yield MilestoneObserved(
            child=said.child,
            milestone=milestone,
            note=record.text if part == said.words_at else None,
            found_in_prose=said.is_found,
            tells_of=said.milestones[1:] if part == 0 else (),
        )
    if record.text is not None and said.words_at == len(said.milestones):
        about = named.id(said.generation, 0) if said.milestones else None
        yield NoteWritten(child=said.child, text=record.text[:TEXT_MAX], about=about)


def _taken_back(named: Naming, before: Said, at: datetime) -> tuple[Draft[Any], ...]:
    return tuple(
        _second_thought(named.id(before.generation, part, "gone"), at, Withdrawn(target=named.id(before.generation, part)))
        for part in range(before.events)
    )


def _amended(named: Naming, record: Record, before: Said, after: Said) -> tuple[Draft[Any], ...]:
    """What changed, said of each event of the record: the time of all, the words of the one that has them."""
    when: dict[str, Any] = {}
    if before.occurred_at != after.occurred_at or before.precision is not after.precision:
        when = {"occurred_at": record.occurred_at, "precision": record.precision}
    drafts = []
    for part in range(after.events):
        changes = dict(when)
        if before.text != after.text and part == after.words_at:
            changes["note" if part < len(after.milestones) else "text"] = record.text and record.text[:TEXT_MAX]
        if changes:
            amended = Amended(target=named.id(after.generation, part), changes=Changes(**changes))
            name = named.id(after.generation, part, after.whole, record.revised_at.isoformat())
            drafts.append(_second_thought(name, record.revised_at, amended))
    return tuple(drafts)


def _second_thought(name: EventId, at: datetime, body: Body) -> Draft[Any]:
    return Draft(id=name, occurred_at=at, precision=Precision.MINUTE, recorded_at=at, event=body)
