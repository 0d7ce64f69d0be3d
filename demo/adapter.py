"""Translates the daycare's rows to drafts. Pure; never guesses which child a row is about.

Owns the demo's translation. A row is identified by its id: a repeated row gives the same draft, an edited row gives an
amendment. Routine rows and rows for staff alone are skipped, and likes are ignored. A row about a child that no parent linked is
set aside.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from demo.activities import PROSE_TYPES, Record, time_of
from demo.words import AGAIN_PROSE, WORDING
from demo.written import id_at
from events.amend import Amended, Changes
from events.event import Draft, Precision
from events.ids import ChildId, EventId
from events.observations import MilestoneObserved, NoteWritten
from events.wire import DeviceDraft

INCIDENT: Final = "ac_incident"


@dataclass(kw_only=True)
class ProseQueue:
    """The result of reading rows. If a row was read several times, `drafts` contains its draft several times."""

    drafts: list[DeviceDraft] = field(default_factory=list)
    rows_passed_over: int = 0
    set_aside: set[tuple[str, str]] = field(default_factory=set)
    """The ids of (row, student), for each student that no parent linked to a child."""


def read_pages(pages: Iterable[list[Record]], *, child_by_student: Mapping[str, ChildId]) -> ProseQueue:
    """Translates pages of rows, in the order in which the daycare's system served the pages."""
    reading = ProseQueue()
    first_by_row: dict[str, Record] = {}
    for record in (record for page in pages for record in page):
        if record["staff_only"] or record["action_type"] not in (*PROSE_TYPES, INCIDENT) or not record["note"]:
            reading.rows_passed_over += 1
            continue
        students = record["kid_ids"] or [record["target"]["object_id"]]
        linked = [child_by_student[student] for student in students if student in child_by_student]
        reading.set_aside.update((record["object_id"], student) for student in students if student not in child_by_student)
        first = first_by_row.setdefault(record["object_id"], record)
        is_edit = _fingerprint(first) != _fingerprint(record)
        for child in linked:
            reading.drafts.append(_amendment(first, record, child) if is_edit else _draft(record, child))
    return reading


def milestone_in(prose: str) -> str | None:
    """Returns the milestone that a note describes, or None if the note describes no milestone or several."""
    found = [key for key, wording in WORDING.items() if wording.key_phrase in prose.lower()]
    return found[0] if len(found) == 1 else None


def id_of_row(record: Record, child: ChildId) -> EventId:
    """Returns the id of the draft for a row and a child. The id is the same each time that the row is read."""
    return _id(record["created_at"], record["object_id"], str(child))


def _draft(record: Record, child: ChildId) -> DeviceDraft:
    note: str = record["note"]
    is_again = note.startswith(AGAIN_PROSE)
    key = milestone_in(note)
    return Draft(
        id=id_of_row(record, child),
        occurred_at=time_of(record["event_date"]),
        precision=Precision.MINUTE,
        recorded_at=time_of(record["created_at"]),
        event=NoteWritten(child=child, text=note)
        if key is None
        else MilestoneObserved(child=child, milestone=key, note=note, again=is_again),
    )


def _amendment(first: Record, record: Record, child: ChildId) -> DeviceDraft:
    changes = Changes()
    if record["event_date"] != first["event_date"]:
        changes = Changes(occurred_at=time_of(record["event_date"]))
    elif milestone_in(first["note"]) is None:
        changes = Changes(text=record["note"])
    else:
        changes = Changes(note=record["note"])
    return Draft(
        id=_id(record["updated_at"], record["object_id"], str(child), record["updated_at"]),
        occurred_at=time_of(record["updated_at"]),
        precision=Precision.MINUTE,
        recorded_at=time_of(record["updated_at"]),
        event=Amended(target=id_of_row(first, child), changes=changes),
    )


def _fingerprint(record: Record) -> tuple[str, str]:
    """Returns the fields of a row that a correction can change. Likes and read marks are not among them."""
    return record["event_date"], record["note"]


def _id(created_at: str, *parts: str) -> EventId:
    noise = int.from_bytes(sha256("\0".join(parts).encode()).digest()[:10])
    return id_at(time_of(created_at), noise)


def repeated(drafts: Iterable[DeviceDraft]) -> Iterator[tuple[DeviceDraft, int]]:
    """Yields each draft once, in order of first occurrence, with the number of its occurrences."""
    times_by_id: dict[EventId, int] = {}
    first_by_id: dict[EventId, DeviceDraft] = {}
    for draft in drafts:
        times_by_id[draft.id] = times_by_id.get(draft.id, 0) + 1
        first_by_id.setdefault(draft.id, draft)
    for draft_id, draft in first_by_id.items():
        yield draft, times_by_id[draft_id]
