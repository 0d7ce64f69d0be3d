"""What a daycare's record becomes in a family's log: pure, of the record and of what stands there already.

Owns how records are read and told apart: the same records in any order, however often and however cut, become the same
events up to the order of arrival. Knows no rows and no wire. The whole record is kept together: where a milestone is found in
its words, the words are that sighting's note, or refer to it, so that a parent who waits for one of them is kept from all. What
words only may tell of is named in the note itself, or beside what was found.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec

from events.amend import Amended, Changes, Withdrawn
from events.catalogue import CATALOGUE
from events.event import Body, Draft, Precision
from events.ids import ChildId, EventId
from events.observations import MilestoneObserved, NoteWritten
from service.daycare.event_ids import EventIds
from service.daycare.prose.reader import Findings
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
    may_tell_of: tuple[str, ...] = ()
    """What its words perhaps tell of, beside the milestones."""
    is_keyed: bool = False
    """Whether the family's secret is in the ids of these events. It is in none that were written before families had secrets."""
    is_dated: bool = False
    """Whether `revised_at` is known to be the source's own."""
    changed_at: datetime | None = None
    """When the last amendment or withdrawal was recorded, if there was any: the next one is later."""


class Became(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written for a record: perhaps nothing."""

    outcome: Outcome
    drafts: tuple[Draft[Any], ...] = ()
    said: Said | None = None
    """None: what stands there stays."""


class Prose(msgspec.Struct, frozen=True, array_like=True):
    """Words to be read for milestones, and the child's names, each whole: as the source shows it, and as the family says it."""

    text: str
    names: tuple[str, ...]


def has_words(said: Said, words: str | None) -> bool:
    """Returns whether a record that was written, and is not withdrawn, has exactly these words."""
    return not said.is_gone and said.text == (None if words is None else sha256(said.salt + words.encode()).digest())


def prose_of(record: Record, before: Said | None, *, child: ChildId, called: Sequence[str] = ()) -> Prose | None:
    """What of a record is to be read; None where it names its milestone, or says again what stands there.

    `called` is what the family calls the child.
    """
    prose = record.text if record.prose is None else record.prose
    if record.is_gone or record.milestone is not None or not prose or len(prose) > PROSE_MAX:
        return None
    if before is not None and _whole(record, child, before.salt) == before.whole:
        return None
    return Prose(prose, (*called, record.shown_name) if record.shown_name else tuple(called))


def become(
    record: Record,
    before: Said | None,
    *,
    told: Findings,
    names: EventIds,
    child: ChildId,
    salt: bytes,
    is_shared: bool = False,
) -> Became:
    """Say what a record becomes.

    `told` is what its `prose_of` tells of; `salt`, of 16 random bytes, is for the first form of it. `is_shared`: the events that
    say what it said before are another importer's, so that a change is told by events of its own.
    """
    salt = before.salt if before is not None else salt
    after = _said(record, before, told=told, child=child, salt=salt)
    if before is None:
        return Became(outcome="withdrawn" if after.is_gone else "recorded", drafts=_told(names, record, after), said=after)
    is_later = record.is_dated and after.revised_at > before.revised_at
    if after.whole == before.whole or (_is_repetition(record) and after.whole in before.before and not is_later):
        # What was said between the two dates, and comes late, is outdated.
        since = msgspec.structs.replace(before, revised_at=after.revised_at, is_dated=True) if is_later else None
        return Became(outcome="already_recorded", said=since)
    if _is_earlier(record, before):
        return Became(outcome="outdated")
    at = _changed_at(record, before)
    after = msgspec.structs.replace(after, changed_at=at)
    if after.is_gone or before.is_gone or not _is_alike(before, after):
        gone = () if before.is_gone or is_shared else _taken_back(names, before, at)
        after = msgspec.structs.replace(after, generation=before.generation + 1, is_keyed=True)
        outcome: Outcome = "withdrawn" if after.is_gone else "recorded" if before.is_gone else "amended"
        return Became(outcome=outcome, drafts=(*gone, *_told(names, record, after)), said=after)
    changed = _told(names, record, after) if is_shared else _amended(names, record, before, after, at)
    return Became(outcome="amended", drafts=changed, said=after)


def says_the_same(record: Record, said: Said, other: Said) -> bool:
    """Whether another importer's entry stands for events that say just what a record becomes: `said`."""
    if other.is_gone or other.events == 0 or _whole(record, said.child, other.salt) != other.whole:
        return False
    same = (said.milestones, said.may_tell_of, said.is_found, said.words_at)
    return same == (other.milestones, other.may_tell_of, other.is_found, other.words_at)


def _is_repetition(record: Record) -> bool:
    """Whether an earlier content that comes again is a late repetition: a posted one is, an imported file is a new statement."""
    return record.imported_at is None


def _is_earlier(record: Record, before: Said) -> bool:
    """Whether a record says what was the source's word before what is recorded.

    An imported record without a date of change is as late as its import, and so is what a source without dates said before.
    """
    if record.imported_at is not None and not (record.is_dated and before.is_dated):
        return False
    return record.revised_at < before.revised_at


def _changed_at(record: Record, before: Said) -> datetime:
    """When a change was recorded: later than the change before it, or readers could not tell which of the two counts."""
    at = record.imported_at or record.revised_at
    last = before.changed_at or min(before.revised_at, at)
    return max(at, last + timedelta(milliseconds=1))


def _said(record: Record, before: Said | None, *, told: Findings, child: ChildId, salt: bytes) -> Said:
    is_found = record.milestone is None and bool(told.found)
    milestones = told.found[: TELLS_OF_MAX + 1] if record.milestone is None else (record.milestone,)
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
        may_tell_of=() if record.is_gone else _beside(milestones, told),
        before=past,
        is_gone=record.is_gone,
        is_keyed=before is None or before.is_keyed,
        is_dated=record.is_dated,
        changed_at=None if before is None else before.changed_at,
    )


def _beside(milestones: Sequence[str], told: Findings) -> tuple[str, ...]:
    """What words tell of, or may tell of, beside the milestones that are recorded, and what these do not imply."""
    implied = {key for one in milestones for key in (one, *CATALOGUE.implied_by(one))}
    room = TELLS_OF_MAX - max(0, len(milestones) - 1)
    return tuple(key for key in (*told.found, *told.possible) if key not in implied)[:room]


def _whole(record: Record, child: ChildId, salt: bytes) -> bytes:
    content = (child, record.milestone, record.text, record.prose, record.occurred_at, record.precision, record.is_gone)
    return sha256(salt + msgspec.json.encode(content)).digest()


def _is_alike(before: Said, after: Said) -> bool:
    """Whether an amendment can say what changed. New words about what was found may tell of more: they are told anew."""
    if (before.child, before.milestones, before.may_tell_of, before.events, before.words_at) != (
        after.child, after.milestones, after.may_tell_of, after.events, after.words_at,
    ):  # fmt: skip
        return False
    return before.is_found is after.is_found and (before.text == after.text or not (after.is_found or after.may_tell_of))


def _told(names: EventIds, record: Record, said: Said) -> tuple[Draft[Any], ...]:
    """The events of a record that is told for the first time, or anew."""
    if said.is_gone:
        return ()
    bodies = list(_bodies(names, record, said))
    return tuple(
        Draft(
            id=names.event(said.generation, part, is_keyed=said.is_keyed),
            occurred_at=record.occurred_at,
            precision=record.precision,
            recorded_at=record.recorded_at,
            event=body,
        )
        for part, body in enumerate(bodies)
    )


def _bodies(names: EventIds, record: Record, said: Said) -> Iterable[Body]:
    for part, milestone in enumerate(said.milestones):
        yield MilestoneObserved(
            child=said.child,
            milestone=milestone,
            note=record.text if part == said.words_at else None,
            found_in_prose=said.is_found,
            tells_of=(*said.milestones[1:], *said.may_tell_of) if part == 0 else (),
        )
    if record.text is not None and said.words_at == len(said.milestones):
        about = names.event(said.generation, 0, is_keyed=said.is_keyed) if said.milestones else None
        perhaps = () if said.milestones else said.may_tell_of
        yield NoteWritten(child=said.child, text=record.text[:TEXT_MAX], about=about, may_tell_of=perhaps)


def _taken_back(names: EventIds, before: Said, at: datetime) -> tuple[Draft[Any], ...]:
    return tuple(
        _second_thought(
            names.change(before.generation, part, "gone"),
            at,
            Withdrawn(target=names.event(before.generation, part, is_keyed=before.is_keyed)),
        )
        for part in range(before.events)
    )


def _amended(names: EventIds, record: Record, before: Said, after: Said, at: datetime) -> tuple[Draft[Any], ...]:
    """What changed, said of each event of the record: the time of all, the words of the one that has them."""
    when: dict[str, Any] = {}
    if before.occurred_at.isoformat() != after.occurred_at.isoformat() or before.precision is not after.precision:
        when = {"occurred_at": record.occurred_at, "precision": record.precision}
    drafts = []
    for part in range(after.events):
        changes = dict(when)
        if before.text != after.text and part == after.words_at:
            changes["note" if part < len(after.milestones) else "text"] = record.text and record.text[:TEXT_MAX]
        if changes:
            target = names.event(after.generation, part, is_keyed=after.is_keyed)
            name = names.change(after.generation, part, after.whole, at.isoformat())
            drafts.append(_second_thought(name, at, Amended(target=target, changes=Changes(**changes))))
    return tuple(drafts)


def _second_thought(name: EventId, at: datetime, body: Body) -> Draft[Any]:
    return Draft(id=name, occurred_at=at, precision=Precision.MINUTE, recorded_at=at, event=body)
