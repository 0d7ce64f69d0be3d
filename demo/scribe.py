"""Writes the history line by line, each line on its author's phone.

Owns the list of lines, and the random numbers. Knows when each phone has a network. Does not invent events.
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
    """The writer of the history, with all lines so far. `child_by_twin`: the ids that the service gave to the twins."""

    def __init__(self, *, year: Year, rng: Random, child_by_twin: Mapping[Twin, ChildId]) -> None:
        self.year = year
        self.rng = rng
        self.child_by_twin = child_by_twin
        self.lines: list[Written] = []

    def record(
        self,
        who: Who,
        event: DeviceBody,
        *,
        occurred_at: datetime,
        written_at: datetime | None = None,
        precision: Precision = Precision.MINUTE,
        audience: Audience | None = None,
    ) -> Written:
        """Writes one event on a member's phone. If `written_at` is None, the event is written when it occurs."""
        written_at = written_at or occurred_at
        line = write(
            event,
            who=who,
            rng=self.rng,
            occurred_at=occurred_at,
            written_at=written_at,
            leaves_at=self.year.online_from(who, written_at),
            precision=precision,
            audience=audience,
            # One response in twenty is lost, and the phone sends the draft again.
            times_sent=2 if self.rng.random() < 0.05 else 1,
        )
        self.lines.append(line)
        return line

    def knows(self, who: Who, line: Written, *, at: datetime) -> bool:
        """Returns whether a member's phone can have received another member's line before `at`.

        The line was sent before the phone last had a network, and the member's choices do not hold the line from the member.
        """
        last_online = self.year.out_of_reach_since(who, at) or at
        if who is wishes.WAITS and wishes.keep(line.draft.event) and not self._has_sent_a_sighting(who, line, before=last_online):
            return False
        return line.leaves_at + REACHES_THE_OTHERS < last_online and at + timedelta(minutes=5) < self.year.until

    def _has_sent_a_sighting(self, who: Who, line: Written, *, before: datetime) -> bool:
        """Returns whether the member sent an own sighting of the line's milestone before `before`, and has not withdrawn it."""
        withdrawn = {other.draft.event.target for other in self.lines if isinstance(other.draft.event, Withdrawn)}
        return any(
            own.who is who
            and _subject(own) == _subject(line)
            and own.leaves_at + REACHES_THE_OTHERS < before
            and own.draft.id not in withdrawn
            for own in self.lines
        )


def _subject(line: Written) -> tuple[ChildId, str] | None:
    event = line.draft.event
    return (event.child, event.milestone) if isinstance(event, MilestoneObserved | ParentFirstSaw) else None
