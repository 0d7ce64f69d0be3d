"""Invents the first year of twins with two homes from one seed, as lines: a line is a draft that a member's phone sends.

Owns the order in which the parts of the story are made. The lines depend only on the seed, the end of the year and the ids of the
children. Reads no clock: `until` is an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from demo import activities, adapter, asides, first_steps, second_thoughts, sightings
from demo.cast import Twin, Who
from demo.growth import growth
from demo.scribe import Scribe
from demo.weeks import Year
from demo.written import Written
from events.amend import Amended, Withdrawn
from events.ids import ChildId

SEED: Final = 1912


@dataclass(frozen=True, kw_only=True)
class History:
    """An invented year. `lines` are in the order in which they leave the phones."""

    year: Year
    lines: tuple[Written, ...]
    daycare_rows: int
    daycare_rows_passed_over: int
    children_set_aside: int
    own_first: Written
    """Ben's own first sighting of the first steps. The output shows Ben's feed before and after this line leaves his phone."""

    @property
    def corrections(self) -> int:
        """The number of amendments and withdrawals."""
        return sum(isinstance(line.draft.event, Amended | Withdrawn) for line in self.lines)

    @property
    def sent_again(self) -> int:
        """The number of repeated sends of drafts: each draft's sends without the first one."""
        return sum(line.times_sent - 1 for line in self.lines)


def invent(*, until: datetime, child_by_twin: Mapping[Twin, ChildId], seed: int = SEED) -> History:
    """Invents the year that ends at `until`. `until` has an offset from UTC; its seconds are ignored."""
    year = Year(until=until.replace(second=0, microsecond=0))
    rng = Random(seed)
    scribe = Scribe(year=year, rng=rng, child_by_twin=child_by_twin)
    firsts = growth(year, rng)
    rows = sightings.write_firsts(firsts, scribe)
    rows += activities.everyday_rows(year, rng)
    rows += second_thoughts.edit_rows(rows, scribe)
    asides.write_choices(scribe)
    asides.write_daily_notes(scribe)
    asides.write_own_milestones(scribe)
    second_thoughts.withdraw(firsts, scribe)
    second_thoughts.amend(scribe)
    served = list(activities.pages(rows))
    child_by_student = {activities.STUDENT_IDS[twin]: child for twin, child in child_by_twin.items()}
    reading = adapter.read_pages(served, child_by_student=child_by_student)
    scribe.lines += [
        Written(
            who=Who.DAYCARE,
            draft=draft,
            written_at=draft.recorded_at,
            leaves_at=year.online_from(Who.DAYCARE, draft.recorded_at.astimezone(year.until.tzinfo)),
            times_sent=times,
        )
        for draft, times in adapter.repeated(reading.drafts)
    ]
    asides.write_cheers(scribe)
    return History(
        year=year,
        lines=tuple(sorted(scribe.lines, key=lambda line: (line.leaves_at, line.written_at, line.draft.id))),
        daycare_rows=sum(len(page) for page in served),
        daycare_rows_passed_over=reading.rows_passed_over,
        children_set_aside=len(reading.set_aside),
        own_first=first_steps.bens_own(scribe),
    )
