"""Decides what a daycare's record becomes in a family's log. Pure: uses the record and what is recorded of it already.

Owns the comparison of records: the same records in any order, repeated or split, become the same events, except for their order
of arrival. Knows no database and no wire. A record is held or sent as a whole: where a milestone is found in its words, the words
are the note of that sighting or refer to it, so that a parent who waits for one of them is sent none. Milestones that words only
may tell of are named in the note itself, or in the sighting.
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
"""Longer texts are newsletters: their "she" is any child. Reading them would also serve a hostile sender."""
TELLS_OF_MAX: Final = 16
REMEMBERED: Final = 16
"""Number of earlier contents of a record. One that comes again, without a later date, is a repetition and no change back."""

Outcome = Literal["recorded", "already_recorded", "amended", "withdrawn", "outdated"]


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is recorded of a record, for the comparison with its next content. Has salted digests instead of words."""

    child: ChildId
    revised_at: datetime
    generation: int
    """How often it was written anew, because no amendment could state the change."""
    milestones: tuple[str, ...]
    is_found: bool
    occurred_at: datetime
    precision: Precision
    salt: bytes
    text: bytes | None
    whole: bytes
    events: int
    """Number of events that state it."""
    words_at: int | None
    """Index of the event with the words."""
    before: tuple[bytes, ...] = ()
    is_gone: bool = False
    may_tell_of: tuple[str, ...] = ()
    """Milestones that its words may tell of, beside `milestones`."""
    is_keyed: bool = False
    """Whether the ids of its events contain the family's secret. Those from before families had secrets do not."""
    is_dated: bool = False
    """Whether the source itself gave `revised_at`."""
    changed_at: datetime | None = None
    """When the last amendment or withdrawal was recorded, if there was any. The next one gets a later time."""


class Became(msgspec.Struct, frozen=True, kw_only=True):
    """The drafts to write for a record, perhaps none, and its new state."""

    outcome: Outcome
    drafts: tuple[Draft[Any], ...] = ()
    said: Said | None = None
    """None: the recorded state does not change."""


class Prose(msgspec.Struct, frozen=True, array_like=True):
    """Words to read for milestones, and the child's names in full: as the source shows it, and as the family calls it."""

    text: str
    names: tuple[str, ...]


def has_words(said: Said, words: str | None) -> bool:
    """Returns whether a record is written, is not withdrawn, and has exactly these words."""
    return not said.is_gone and said.text == (None if words is None else sha256(said.salt + words.encode()).digest())


def prose_of(record: Record, before: Said | None, *, child: ChildId, called: Sequence[str] = ()) -> Prose | None:
    """Returns the words of a record to read; None if it has none, names its milestone, or repeats what is recorded.

    `called`: the child's names in the family.
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
    """Returns what a record becomes.

    `found`: the findings in its `prose_of`. `salt`: 16 random bytes, used for a new record. `is_shared`: the events that state it
    are another importer's, so that a change is written as new events.
    """
    salt = before.salt if before is not None else salt
    after = _said(record, before, told=told, child=child, salt=salt)
    if before is None:
        return Became(outcome="withdrawn" if after.is_gone else "recorded", drafts=_told(names, record, after), said=after)
    is_later = record.is_dated and after.revised_at > before.revised_at
    if after.whole == before.whole or (_is_repetition(record) and after.whole in before.before and not is_later):
        # A content from between the two dates that comes late is outdated.
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
    """Returns whether another importer's events state exactly the same as the new state of a record."""
    if other.is_gone or other.events == 0 or _whole(record, said.child, other.salt) != other.whole:
        return False
    same = (said.milestones, said.may_tell_of, said.is_found, said.words_at)
    return same == (other.milestones, other.may_tell_of, other.is_found, other.words_at)


def _is_repetition(record: Record) -> bool:
    """Returns whether an earlier content that comes again is a late repetition: only posts are repeated late, imports are new."""
    return record.imported_at is None


def _is_earlier(record: Record, before: Said) -> bool:
    """Returns whether the source stated this content before the recorded one.

    An imported content is never earlier if it or the recorded one has no date of change.
    """
    if record.imported_at is not None and not (record.is_dated and before.is_dated):
        return False
    return record.revised_at < before.revised_at


def _changed_at(record: Record, before: Said) -> datetime:
    """Returns when a change was recorded: later than the change before it, so that readers know which of the two counts."""
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
    """Returns the milestones that words tell of, or may tell of, without the recorded ones and those that these imply."""
    implied = {key for one in milestones for key in (one, *CATALOGUE.implied_by(one))}
    room = TELLS_OF_MAX - max(0, len(milestones) - 1)
    return tuple(key for key in (*told.found, *told.perhaps) if key not in implied)[:room]


def _whole(record: Record, child: ChildId, salt: bytes) -> bytes:
    content = (child, record.milestone, record.text, record.prose, record.occurred_at, record.precision, record.is_gone)
    return sha256(salt + msgspec.json.encode(content)).digest()


def _is_alike(before: Said, after: Said) -> bool:
    """Returns whether an amendment can state the change. Words with findings cannot be amended: new ones may tell of more."""
    if (before.child, before.milestones, before.may_tell_of, before.events, before.words_at) != (
        after.child, after.milestones, after.may_tell_of, after.events, after.words_at,
    ):  # fmt: skip
        return False
    return before.is_found is after.is_found and (before.text == after.text or not (after.is_found or after.may_tell_of))


def _told(names: EventIds, record: Record, said: Said) -> tuple[Draft[Any], ...]:
    """Returns the events of a record that is new, or that is written anew."""
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
    """Returns one amendment for each event that changes: the time of all, the words of the one that has them."""
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
