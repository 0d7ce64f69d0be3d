"""Writes the history down, line by line, as each member would on their own phone.

Owns the growing list of lines and the dice. Knows whose phone has a network when, and not what the lines say.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from demo import wishes
from demo.cast import Twin, Who
from demo.weeks import Year
from demo.written import Written, write
from events.amend import Withdrawn
from events.event import Audience, Precision
from events.ids import ChildId
from events.observations import MilestoneObserved, ParentFirstSaw
from events.wire import DeviceBody

REACHES_THE_OTHERS: Final = timedelta(minutes=10)


class Scribe:
    """The lines so far. `child_by_twin` are the ids that the twins got when the family was founded."""

    def __init__(self, *, year: Year, dice: Random, child_by_twin: Mapping[Twin, ChildId]) -> None:
        self.year = year
        self.dice = dice
        self.child_by_twin = child_by_twin
        self.lines: list[Written] = []

    def say(
        self,
        who: Who,
        event: DeviceBody,
        *,
        occurred_at: datetime,
        written_at: datetime | None = None,
        precision: Precision = Precision.MINUTE,
        audience: Audience | None = None,
    ) -> Written:
        """Write one event on somebody's phone; `written_at` left out: while it happens."""
        written_at = written_at or occurred_at
        line = write(
            event,
            who=who,
            dice=self.dice,
            occurred_at=occurred_at,
            written_at=written_at,
            leaves_at=self.year.online_from(who, written_at),
            precision=precision,
            audience=audience,
            # One answer in twenty is lost on the way back, and the phone offers the draft again.
            times_sent=2 if self.dice.random() < 0.05 else 1,
        )
        self.lines.append(line)
        return line

    def knows(self, who: Who, line: Written, *, at: datetime) -> bool:
        """Whether somebody's phone, by `at`, can hold a line of somebody else: both had a network in between."""
        last_online = self.year.out_of_reach_since(who, at) or at
        if who is wishes.WAITS and wishes.keep(line.draft.event) and not self._has_told_of(who, line, before=last_online):
            return False
        return line.leaves_at + REACHES_THE_OTHERS < last_online and at + timedelta(minutes=5) < self.year.until

    def _has_told_of(self, who: Who, line: Written, *, before: datetime) -> bool:
        """Whether somebody's own sighting of the same has left their phone, and was not taken back."""
        taken_back = {other.draft.event.target for other in self.lines if isinstance(other.draft.event, Withdrawn)}
        return any(
            own.who is who
            and _subject(own) == _subject(line)
            and own.leaves_at + REACHES_THE_OTHERS < before
            and own.draft.id not in taken_back
            for own in self.lines
        )


def _subject(line: Written) -> tuple[ChildId, str] | None:
    event = line.draft.event
    return (event.child, event.milestone) if isinstance(event, MilestoneObserved | ParentFirstSaw) else None
