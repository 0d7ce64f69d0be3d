"""Translates a daycare's record into drafts for a family's log. Pure: uses only the record and its recorded state.

Owns the comparison of a record with its recorded state: the same records, repeated or in another order, become the same events.
Knows no database and no wire. A record is held or delivered as a whole. If milestones are found in the words of a record, the
words are the note of the first sighting, or a note that refers to that sighting. So the words are held from a parent who keeps
one of these milestones. Milestones that the words only possibly mention are listed in the note (`may_tell_of`) or in the sighting
(`tells_of`).
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
"""Bound on the characters that are searched for milestones. Longer texts are newsletters, in which "she" may be any child. The
bound also limits the work that a hostile sender can cause."""
TELLS_OF_MAX: Final = 16
REMEMBERED: Final = 16
"""Number of earlier contents of a record whose digests are stored. If such a content is posted again without a later date,
nothing changes."""

Outcome = Literal["recorded", "already_recorded", "amended", "withdrawn", "outdated"]


class RecordState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The recorded state of a record, which is compared with the record's next content. Contains salted digests, no words."""

    child: ChildId
    revised_at: datetime
    generation: int
    """How often the record was written again as new events, because an amendment could not express the change."""
    milestones: tuple[str, ...]
    is_found: bool
    occurred_at: datetime
    precision: Precision
    salt: bytes
    text: bytes | None
    whole: bytes
    events: int
    """Number of events that the record became."""
    words_at: int | None
    """The index of the event that contains the words. None: the record has no words."""
    before: tuple[bytes, ...] = ()
    is_gone: bool = False
    may_tell_of: tuple[str, ...] = ()
    """The milestones in the words that are not in `milestones`. Most of them are only possibly mentioned."""
    is_keyed: bool = False
    """Whether the ids of the events were made with the family's secret. False for events from before families had secrets."""
    is_dated: bool = False
    """Whether the source itself gave `revised_at`."""
    changed_at: datetime | None = None
    """The `recorded_at` of the last amendment or withdrawal. The next change gets a later time. None: there was no change."""


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a record, the record's new state, and the drafts to write. There may be no drafts."""

    outcome: Outcome
    drafts: tuple[Draft[Any], ...] = ()
    state: RecordState | None = None
    """The new state of the record. None: the recorded state does not change."""


class Prose(msgspec.Struct, frozen=True, array_like=True):
    """The words to search for milestones, and the child's names in the family and in the source."""

    text: str
    names: tuple[str, ...]


def has_words(state: RecordState, words: str | None) -> bool:
    """Returns whether a record has exactly these words and is not withdrawn."""
    return not state.is_gone and state.text == (None if words is None else sha256(state.salt + words.encode()).digest())


def prose_of(record: Record, before: RecordState | None, *, child: ChildId, called: Sequence[str] = ()) -> Prose | None:
    """Returns the words of a record to search for milestones. `called` has the child's names in the family.

    Returns None if the record has no words or too many, is withdrawn, names a milestone itself, or equals its recorded state.
    """
    prose = record.text if record.prose is None else record.prose
    if record.is_gone or record.milestone is not None or not prose or len(prose) > PROSE_MAX:
        return None
    if before is not None and _digest(record, child, before.salt) == before.whole:
        return None
    return Prose(prose, (*called, record.shown_name) if record.shown_name else tuple(called))


def translate(
    record: Record,
    before: RecordState | None,
    *,
    findings: Findings,
    event_ids: EventIds,
    child: ChildId,
    salt: bytes,
    is_shared: bool = False,
) -> Translation:
    """Returns the outcome, the drafts and the new state of a record. `before` is the recorded state; None: the record is new.

    `findings` are the milestones in the words that `prose_of` returns. A new record uses `salt`, which has 16 random bytes.
    `is_shared` states whether the record's events are those of another importer. Then a change is written as new events.
    """
    salt = before.salt if before is not None else salt
    after = _state_of(record, before, findings=findings, child=child, salt=salt)
    if before is None:
        drafts = _drafts_of(event_ids, record, after)
        return Translation(outcome="withdrawn" if after.is_gone else "recorded", drafts=drafts, state=after)
    is_later = record.is_dated and after.revised_at > before.revised_at
    if after.whole == before.whole or (_is_repetition(record) and after.whole in before.before and not is_later):
        # The later date is stored: a content with a date between the two is outdated, even if it arrives afterwards.
        newer = msgspec.structs.replace(before, revised_at=after.revised_at, is_dated=True) if is_later else None
        return Translation(outcome="already_recorded", state=newer)
    if _is_earlier(record, before):
        return Translation(outcome="outdated")
    at = _changed_at(record, before)
    after = msgspec.structs.replace(after, changed_at=at)
    if after.is_gone or before.is_gone or not _can_be_amended(before, after):
        withdrawals = () if before.is_gone or is_shared else _withdrawals(event_ids, before, at)
        after = msgspec.structs.replace(after, generation=before.generation + 1, is_keyed=True)
        outcome: Outcome = "withdrawn" if after.is_gone else "recorded" if before.is_gone else "amended"
        return Translation(outcome=outcome, drafts=(*withdrawals, *_drafts_of(event_ids, record, after)), state=after)
    changed = _drafts_of(event_ids, record, after) if is_shared else _amendments(event_ids, record, before, after, at)
    return Translation(outcome="amended", drafts=changed, state=after)


def states_the_same(record: Record, state: RecordState, other: RecordState) -> bool:
    """Returns whether the new state of a record (`state`) states exactly the same as the events of another importer (`other`)."""
    if other.is_gone or other.events == 0 or _digest(record, state.child, other.salt) != other.whole:
        return False
    same = (state.milestones, state.may_tell_of, state.is_found, state.words_at)
    return same == (other.milestones, other.may_tell_of, other.is_found, other.words_at)


def _is_repetition(record: Record) -> bool:
    """Returns whether the arrival of an earlier content is only a repetition: true for posts, false for imports.

    A post may be repeated late. An import is always a new statement of the parent's source.
    """
    return record.imported_at is None


def _is_earlier(record: Record, before: RecordState) -> bool:
    """Returns whether the source stated this content before the recorded content.

    Returns False if the record is imported, and this content or the recorded content has no date of change.
    """
    if record.imported_at is not None and not (record.is_dated and before.is_dated):
        return False
    return record.revised_at < before.revised_at


def _changed_at(record: Record, before: RecordState) -> datetime:
    """Returns the `recorded_at` of a change.

    This time is later than that of the previous change, because the later change counts.
    """
    at = record.imported_at or record.revised_at
    last = before.changed_at or min(before.revised_at, at)
    return max(at, last + timedelta(milliseconds=1))


def _state_of(record: Record, before: RecordState | None, *, findings: Findings, child: ChildId, salt: bytes) -> RecordState:
    is_found = record.milestone is None and bool(findings.found)
    milestones = findings.found[: TELLS_OF_MAX + 1] if record.milestone is None else (record.milestone,)
    milestones = () if record.is_gone else milestones
    earlier = () if before is None else (*before.before, before.whole)[-REMEMBERED:]
    words_at = None if record.text is None or record.is_gone else len(milestones) if len(record.text) > NOTE_MAX else 0
    has_own_words = words_at is not None and words_at == len(milestones)
    return RecordState(
        child=child,
        revised_at=record.revised_at,
        generation=0 if before is None else before.generation,
        milestones=milestones,
        is_found=is_found,
        occurred_at=record.occurred_at,
        precision=record.precision,
        salt=salt,
        text=None if record.text is None else sha256(salt + record.text.encode()).digest(),
        whole=_digest(record, child, salt),
        events=len(milestones) + has_own_words,
        words_at=words_at,
        may_tell_of=() if record.is_gone else _other_milestones(milestones, findings),
        before=earlier,
        is_gone=record.is_gone,
        is_keyed=before is None or before.is_keyed,
        is_dated=record.is_dated,
        changed_at=None if before is None else before.changed_at,
    )


def _other_milestones(milestones: Sequence[str], findings: Findings) -> tuple[str, ...]:
    """Returns the milestones of the findings that are neither in `milestones` nor implied by a milestone in `milestones`."""
    implied = {key for one in milestones for key in (one, *CATALOGUE.implied_by(one))}
    room = TELLS_OF_MAX - max(0, len(milestones) - 1)
    return tuple(key for key in (*findings.found, *findings.possible) if key not in implied)[:room]


def _digest(record: Record, child: ChildId, salt: bytes) -> bytes:
    content = (child, record.milestone, record.text, record.prose, record.occurred_at, record.precision, record.is_gone)
    return sha256(salt + msgspec.json.encode(content)).digest()


def _can_be_amended(before: RecordState, after: RecordState) -> bool:
    """Returns whether an amendment can express the change from `before` to `after`.

    Changed words with findings are not amended, because the new words may state more than the old words.
    """
    if (before.child, before.milestones, before.may_tell_of, before.events, before.words_at) != (
        after.child, after.milestones, after.may_tell_of, after.events, after.words_at,
    ):  # fmt: skip
        return False
    return before.is_found is after.is_found and (before.text == after.text or not (after.is_found or after.may_tell_of))


def _drafts_of(event_ids: EventIds, record: Record, state: RecordState) -> tuple[Draft[Any], ...]:
    """Returns the drafts of a new record, or of a record that is written again as new events."""
    if state.is_gone:
        return ()
    bodies = list(_bodies(event_ids, record, state))
    return tuple(
        Draft(
            id=event_ids.event(state.generation, part, is_keyed=state.is_keyed),
            occurred_at=record.occurred_at,
            precision=record.precision,
            recorded_at=record.recorded_at,
            event=body,
        )
        for part, body in enumerate(bodies)
    )


def _bodies(event_ids: EventIds, record: Record, state: RecordState) -> Iterable[Body]:
    for part, milestone in enumerate(state.milestones):
        yield MilestoneObserved(
            child=state.child,
            milestone=milestone,
            note=record.text if part == state.words_at else None,
            found_in_prose=state.is_found,
            tells_of=(*state.milestones[1:], *state.may_tell_of) if part == 0 else (),
        )
    if record.text is not None and state.words_at == len(state.milestones):
        about = event_ids.event(state.generation, 0, is_keyed=state.is_keyed) if state.milestones else None
        perhaps = () if state.milestones else state.may_tell_of
        yield NoteWritten(child=state.child, text=record.text[:TEXT_MAX], about=about, may_tell_of=perhaps)


def _withdrawals(event_ids: EventIds, before: RecordState, at: datetime) -> tuple[Draft[Any], ...]:
    return tuple(
        _change(
            event_ids.change(before.generation, part, "gone"),
            at,
            Withdrawn(target=event_ids.event(before.generation, part, is_keyed=before.is_keyed)),
        )
        for part in range(before.events)
    )


def _amendments(
    event_ids: EventIds, record: Record, before: RecordState, after: RecordState, at: datetime
) -> tuple[Draft[Any], ...]:
    """Returns an amendment for each event that changes.

    A new time changes all events of the record, new words change one event.
    """
    time_changes: dict[str, Any] = {}
    if before.occurred_at.isoformat() != after.occurred_at.isoformat() or before.precision is not after.precision:
        time_changes = {"occurred_at": record.occurred_at, "precision": record.precision}
    drafts = []
    for part in range(after.events):
        changes = dict(time_changes)
        if before.text != after.text and part == after.words_at:
            changes["note" if part < len(after.milestones) else "text"] = record.text and record.text[:TEXT_MAX]
        if changes:
            target = event_ids.event(after.generation, part, is_keyed=after.is_keyed)
            name = event_ids.change(after.generation, part, after.whole, at.isoformat())
            drafts.append(_change(name, at, Amended(target=target, changes=Changes(**changes))))
    return tuple(drafts)


def _change(name: EventId, at: datetime, body: Body) -> Draft[Any]:
    return Draft(id=name, occurred_at=at, precision=Precision.MINUTE, recorded_at=at, event=body)
