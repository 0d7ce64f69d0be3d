"""Writes the events that are not about the catalogue's milestones: notes, cheers, Ben's choices, the family's own milestones.

Owns the author and the time of each of these events. Members cheer only for entries that their phones can have received.
"""

from datetime import timedelta
from typing import Final

from demo import wishes
from demo.cast import CHILD_NAMES, Twin, Who
from demo.scribe import Scribe
from demo.words import CHEERS, DAILY
from demo.written import Written, id_at
from events.catalogue import Domain
from events.event import Audience
from events.observations import Cheered, MilestoneNamed, MilestoneObserved, NoteWritten

OWN_MILESTONES: Final = (
    (Who.ADA, "Laughs at the neighbour's dog", Domain.FEELINGS, 160),
    (Who.BEN, "First night in a tent", Domain.LIFE, 246),
    (Who.NANA, "Sits on great-grandfather's chair", Domain.LIFE, 300),
)
"""The family's own milestones: the member who names each, its title, its domain, and the day of the year."""

NOTES_EVERY_DAYS: Final = {Who.ADA: 13, Who.BEN: 12, Who.SITTER: 6, Who.NANA: 20}


def write_choices(scribe: Scribe) -> None:
    """Writes Ben's choices of the surprises that he keeps, on his phone."""
    for number, wish in enumerate(wishes.WISHES):
        scribe.record(wishes.WAITS, wish, occurred_at=scribe.year.begins + wishes.EARLY + timedelta(minutes=number))


def write_daily_notes(scribe: Scribe) -> None:
    """Writes everyday notes, each by a member who is with the twins at that time."""
    year, rng = scribe.year, scribe.rng
    for who, every_days in NOTES_EVERY_DAYS.items():
        day = year.begins.date() + timedelta(days=rng.randint(1, every_days))
        while day < year.until.date():
            hours = [hour for hour in range(9, 20) if year.present(year.moment(day, hour=hour)) is who]
            if not hours:
                day += timedelta(days=1)
                continue
            at = year.moment(day, hour=rng.choice(hours), minute=rng.randrange(60))
            twin = rng.choice(list(Twin))
            text = rng.choice(DAILY[who]).format(child=CHILD_NAMES[twin])
            audience = Audience.HOUSEHOLD if who is Who.ADA and rng.random() < 0.3 else None
            scribe.record(who, NoteWritten(child=scribe.child_by_twin[twin], text=text), occurred_at=at, audience=audience)
            day += timedelta(days=every_days)


def write_own_milestones(scribe: Scribe) -> None:
    """Writes milestones that are not in the catalogue: one member names each milestone, and several members observe it."""
    year, rng = scribe.year, scribe.rng
    for namer, title, domain, day in OWN_MILESTONES:
        at = next(year.hours_with(namer, after=year.begins + timedelta(days=day), rng=rng))
        own = f"own.{id_at(at, rng.getrandbits(74))}"
        named = scribe.record(namer, MilestoneNamed(milestone=own, title=title, domain=domain), occurred_at=at)
        for twin in Twin:
            seen = MilestoneObserved(child=scribe.child_by_twin[twin], milestone=own)
            scribe.record(namer, seen, occurred_at=at, written_at=at + timedelta(minutes=2))
            for other in (Who.ADA, Who.BEN):
                if other is namer:
                    continue
                # A phone that has not received the name yet cannot write a sighting of it.
                met = next(year.hours_with(other, after=named.leaves_at + timedelta(hours=1), rng=rng), None)
                if met is not None and scribe.knows(other, named, at=met):
                    scribe.record(other, seen, occurred_at=met)


def write_cheers(scribe: Scribe) -> None:
    """Writes cheers for sightings of other members, some hours after the sightings arrived."""
    for line in tuple(scribe.lines):
        if not isinstance(line.draft.event, MilestoneObserved) or line.draft.audience is not None:
            continue
        for who in (Who.ADA, Who.BEN, Who.NANA, Who.SITTER):
            if who is not line.who and scribe.rng.random() < (0.18 if who in (Who.ADA, Who.BEN) else 0.08):
                _cheer(who, line, scribe)


def _cheer(who: Who, line: Written, scribe: Scribe) -> None:
    at = line.leaves_at + timedelta(hours=scribe.rng.randint(1, 20))
    if scribe.knows(who, line, at=at) and (who is not Who.NANA or scribe.year.online_from(who, at) < scribe.year.until):
        words = scribe.rng.choice(CHEERS) if scribe.rng.random() < 0.7 else None
        scribe.record(who, Cheered(about=line.draft.id, words=words), occurred_at=at)
