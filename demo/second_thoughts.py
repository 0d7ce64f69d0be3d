"""Changes of mind: times put right, words taken back, rows that the daycare edited.

Owns the corrections of the invented year. The first words stay in the log; these come after them.
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


def take_back(firsts: Iterable[Growth], scribe: Scribe) -> None:
    """ "That wasn't a real word: sightings that came too early, each taken back by its author."""
    early = (
        ("talking.first-word", Who.BEN, "BALL. I am sure of it."),
        ("movement.first-steps", Who.SITTER, "Two steps, I think?"),
    )
    for key, who, note in early:
        for twin in Twin:
            at = next((first.at for first in firsts if (first.twin, first.milestone) == (twin, key)), scribe.year.until)
            seen_at = (at - timedelta(days=scribe.dice.randint(8, 15))).replace(hour=14)
            if who is not Who.SITTER and scribe.year.in_mountains(seen_at):
                continue
            seen = MilestoneObserved(child=scribe.child_by_twin[twin], milestone=key, note=note)
            told = scribe.say(who, seen, occurred_at=seen_at)
            sorry_at = seen_at + timedelta(days=1, hours=scribe.dice.randint(1, 5))
            scribe.say(who, Withdrawn(target=told.draft.id), occurred_at=sorry_at)


def put_right(scribe: Scribe) -> None:
    """Times that were written wrong. A first moves earlier, or later, and only its author moves it."""
    for index, line in enumerate(islice(_parents_sights(scribe), 4, 40, 7)):
        shift = timedelta(days=-1) if index % 2 == 0 else timedelta(hours=3)
        at = line.written_at + timedelta(hours=scribe.dice.randint(20, 50))
        moved = Changes(occurred_at=line.draft.occurred_at + shift, precision=Precision.DAY)
        if at < scribe.year.until and line.draft.occurred_at + shift < at:
            scribe.say(line.who, Amended(target=line.draft.id, changes=moved), occurred_at=at)
    notes = [(line, line.draft.event) for line in scribe.lines if isinstance(line.draft.event, NoteWritten)]
    for line, note in [pair for pair in notes if pair[0].who is Who.SITTER][3:30:9]:
        added = Changes(text=f"{note.text} Forgot to say: the blue bottle is still at mine.")
        scribe.say(line.who, Amended(target=line.draft.id, changes=added), occurred_at=line.written_at + timedelta(hours=2))


def _parents_sights(scribe: Scribe) -> Iterator[Written]:
    for line in tuple(scribe.lines):
        if line.who in PARENTS and isinstance(line.draft.event, ParentFirstSaw):
            yield line


def edit_rows(rows: list[activities.Record], scribe: Scribe) -> list[activities.Record]:
    """Rows that the daycare's staff corrected the day after: a time typed wrong, a word too many."""
    told = [row for row in rows if row["note"] and not row["staff_only"]]
    edits: list[activities.Record] = []
    for index, row in enumerate(told[2 : len(told) - 2 : 9]):
        typed_at = activities.time_of(row["created_at"])
        at = typed_at + timedelta(hours=16, minutes=scribe.dice.randrange(60))
        happened = activities.time_of(row["event_date"]) - timedelta(minutes=45)
        changes = {"event_date": activities.stamp(happened)} if index % 2 == 0 else {"note": f"{row['note']} (edited)"}
        if at < scribe.year.until:
            edits.append(activities.edited(row, at=at, changes=changes))
    return edits
