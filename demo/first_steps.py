"""Writes the sightings of Mia's first steps: by Nana on a Sunday, by others in the days after, at last by Ben at a lake.

Owns these lines. Their times do not depend on the seed, because the output shows them. Ben keeps surprises, so the sightings of
other members are held from him until his own sighting.
"""

from datetime import timedelta
from typing import Final

from demo import activities
from demo.cast import Who
from demo.growth import FIRST_STEPS, Growth
from demo.scribe import Scribe
from demo.words import WORDING
from demo.written import Written
from events.event import Audience
from events.observations import Cheered, How, MilestoneObserved, ParentFirstSaw

TWIN, MILESTONE = FIRST_STEPS

ADAS_NOTE: Final = "Three to me, and one more for the cat."
ADAS_CHEER: Final = "Off to the biscuits, of course."
SITTERS_NOTE: Final = "From the swing to me. I have told nobody."
BENS_WORDS: Final = "She let go of me and walked to the water."


def write(first: Growth, scribe: Scribe) -> list[activities.Record]:
    """Writes the sightings of Nana, Ada, the sitter and Ben. Returns the daycare's sighting: a row of the daycare's system."""
    year, child, sunday = scribe.year, scribe.child_by_twin[first.twin], first.at.date()
    seen = MilestoneObserved(child=child, milestone=first.milestone, note=WORDING[first.milestone].note)
    nanas = scribe.record(Who.NANA, seen, occurred_at=first.at, written_at=first.at + timedelta(minutes=35))
    evening = year.moment(sunday, hour=18, minute=10)
    to_ada = MilestoneObserved(child=child, milestone=first.milestone, note=ADAS_NOTE)
    scribe.record(Who.ADA, to_ada, occurred_at=evening, written_at=evening + timedelta(minutes=25))
    tuesday = Growth(twin=first.twin, milestone=first.milestone, at=year.moment(sunday + timedelta(days=2), hour=10, minute=15))
    scribe.record(Who.ADA, Cheered(about=nanas.draft.id, words=ADAS_CHEER), occurred_at=nanas.leaves_at + timedelta(minutes=50))
    friday = year.moment(sunday + timedelta(days=5), hour=15, minute=40)
    to_sami = MilestoneObserved(child=child, milestone=first.milestone, note=SITTERS_NOTE, again=True)
    scribe.record(Who.SITTER, to_sami, occurred_at=friday)
    at = year.lake[0].replace(hour=10, minute=50)
    # The audience is the family, so that the other members know that they need not keep quiet before Ben any longer.
    mine = ParentFirstSaw(child=child, milestone=first.milestone, how=How.IN_PERSON, feelings=BENS_WORDS)
    scribe.record(Who.BEN, mine, occurred_at=at, written_at=at + timedelta(minutes=8), audience=Audience.FAMILY)
    return [activities.milestone_row(tuesday, scribe.rng, is_again=True)]


def bens_own(scribe: Scribe) -> Written:
    """Returns Ben's own first sighting, which releases the entries that are held from him."""
    child = scribe.child_by_twin[TWIN]
    return next(line for line in scribe.lines if line.who is Who.BEN and _is_first(line, child))


def _is_first(line: Written, child: object) -> bool:
    event = line.draft.event
    return isinstance(event, ParentFirstSaw) and event.child == child and event.milestone == MILESTONE
