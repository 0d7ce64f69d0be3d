"""Writes the corrections of the invented year: amended times, withdrawn sightings, rows that the daycare edited.

Owns all corrections. The log keeps the first version of a corrected event, and the correction after it.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Final

from demo import activities
from demo.cast import PARENTS, Twin, Who
from demo.growth import Growth
from demo.scribe import Scribe
from demo.written import Written
from events.amend import Amended, Changes, Withdrawn
from events.event import Precision
from events.observations import MilestoneObserved, NoteWritten, ParentFirstSaw

TOO_EARLY: Final = (
    ("talking.first-word", Who.BEN, "BALL. I am sure of it."),
    ("movement.first-steps", Who.SITTER, "Two steps, I think?"),
)
"""Milestone, author and note of each sighting that is withdrawn."""


def withdraw(firsts: Iterable[Growth], scribe: Scribe) -> None:
    """Writes mistaken sightings, dated before the real first. The author of each withdraws it a day later."""
    for key, who, note in TOO_EARLY:
        for twin in Twin:
            at = next((first.at for first in firsts if (first.twin, first.milestone) == (twin, key)), scribe.year.until)
            seen_at = (at - timedelta(days=scribe.rng.randint(8, 15))).replace(hour=14)
            if who is not Who.SITTER and scribe.year.in_mountains(seen_at):
                continue
            seen = MilestoneObserved(child=scribe.child_by_twin[twin], milestone=key, note=note)
            early = scribe.record(who, seen, occurred_at=seen_at)
            withdrawn_at = seen_at + timedelta(days=1, hours=scribe.rng.randint(1, 5))
            scribe.record(who, Withdrawn(target=early.draft.id), occurred_at=withdrawn_at)


def amend(scribe: Scribe) -> None:
    """Writes amendments by the authors: some firsts get another time, some notes another sentence."""
    for index, line in enumerate(islice(_parents_sights(scribe), 4, 40, 7)):
        shift = timedelta(days=-1) if index % 2 == 0 else timedelta(hours=3)
        at = line.written_at + timedelta(hours=scribe.rng.randint(20, 50))
        moved = Changes(occurred_at=line.draft.occurred_at + shift, precision=Precision.DAY)
        if at < scribe.year.until and line.draft.occurred_at + shift < at:
            scribe.record(line.who, Amended(target=line.draft.id, changes=moved), occurred_at=at)
    notes = [(line, line.draft.event) for line in scribe.lines if isinstance(line.draft.event, NoteWritten)]
    for line, note in [pair for pair in notes if pair[0].who is Who.SITTER][3:30:9]:
        added = Changes(text=f"{note.text} Forgot to say: the blue bottle is still at mine.")
        scribe.record(line.who, Amended(target=line.draft.id, changes=added), occurred_at=line.written_at + timedelta(hours=2))


def _parents_sights(scribe: Scribe) -> Iterator[Written]:
    for line in tuple(scribe.lines):
        if line.who in PARENTS and isinstance(line.draft.event, ParentFirstSaw):
            yield line


def edit_rows(rows: list[activities.Record], scribe: Scribe) -> list[activities.Record]:
    """Returns edited versions of some rows, with another time or another note. The staff edit a row about 16 hours later."""
    notes = [row for row in rows if row["note"] and not row["staff_only"]]
    edits: list[activities.Record] = []
    for index, row in enumerate(notes[2 : len(notes) - 2 : 9]):
        typed_at = activities.time_of(row["created_at"])
        at = typed_at + timedelta(hours=16, minutes=scribe.rng.randrange(60))
        happened = activities.time_of(row["event_date"]) - timedelta(minutes=45)
        changes = {"event_date": activities.stamp(happened)} if index % 2 == 0 else {"note": f"{row['note']} (edited)"}
        if at < scribe.year.until:
            edits.append(activities.edited(row, at=at, changes=changes))
    return edits
