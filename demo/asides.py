"""What surrounds the milestones: everyday notes, cheers, what Ben wishes, and the family's own milestones.

Owns who writes of an ordinary day. Knows what each phone can have been told, so that nobody cheers for what they never saw.
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
"""Who named it, what, in which part of life, and on which day of the year."""

NOTES_EVERY_DAYS: Final = {Who.ADA: 13, Who.BEN: 12, Who.SITTER: 6, Who.NANA: 20}


def tell_wishes(scribe: Scribe) -> None:
    """Ben chooses on his phone what not to be told."""
    for number, wish in enumerate(wishes.WISHES):
        scribe.say(wishes.WAITS, wish, occurred_at=scribe.year.begins + wishes.EARLY + timedelta(minutes=number))


def tell_days(scribe: Scribe) -> None:
    """Everyday notes, each by somebody who was with the twins."""
    year, dice = scribe.year, scribe.dice
    for who, every_days in NOTES_EVERY_DAYS.items():
        day = year.begins.date() + timedelta(days=dice.randint(1, every_days))
        while day < year.until.date():
            hours = [hour for hour in range(9, 20) if year.present(year.moment(day, hour=hour)) is who]
            if not hours:
                day += timedelta(days=1)
                continue
            at = year.moment(day, hour=dice.choice(hours), minute=dice.randrange(60))
            twin = dice.choice(list(Twin))
            text = dice.choice(DAILY[who]).format(child=CHILD_NAMES[twin])
            audience = Audience.HOUSEHOLD if who is Who.ADA and dice.random() < 0.3 else None
            scribe.say(who, NoteWritten(child=scribe.child_by_twin[twin], text=text), occurred_at=at, audience=audience)
            day += timedelta(days=every_days)


def tell_own_milestones(scribe: Scribe) -> None:
    """Milestones that no catalogue has: named by one of the family, then seen by several."""
    year, dice = scribe.year, scribe.dice
    for namer, title, domain, day in OWN_MILESTONES:
        at = next(year.hours_with(namer, after=year.begins + timedelta(days=day), dice=dice))
        own = f"own.{id_at(at, dice.getrandbits(74))}"
        named = scribe.say(namer, MilestoneNamed(milestone=own, title=title, domain=domain), occurred_at=at)
        for twin in Twin:
            seen = MilestoneObserved(child=scribe.child_by_twin[twin], milestone=own)
            scribe.say(namer, seen, occurred_at=at, written_at=at + timedelta(minutes=2))
            for other in (Who.ADA, Who.BEN):
                if other is namer:
                    continue
                # Who was not told the name yet cannot write that they saw it.
                met = next(year.hours_with(other, after=named.leaves_at + timedelta(hours=1), dice=dice), None)
                if met is not None and scribe.knows(other, named, at=met):
                    scribe.say(other, seen, occurred_at=met)


def tell_cheers(scribe: Scribe) -> None:
    """Cheers for what others wrote, some hours after it came."""
    for line in tuple(scribe.lines):
        if not isinstance(line.draft.event, MilestoneObserved) or line.draft.audience is not None:
            continue
        for who in (Who.ADA, Who.BEN, Who.NANA, Who.SITTER):
            if who is not line.who and scribe.dice.random() < (0.18 if who in (Who.ADA, Who.BEN) else 0.08):
                _cheer(who, line, scribe)


def _cheer(who: Who, line: Written, scribe: Scribe) -> None:
    at = line.leaves_at + timedelta(hours=scribe.dice.randint(1, 20))
    if scribe.knows(who, line, at=at) and (who is not Who.NANA or scribe.year.online_from(who, at) < scribe.year.until):
        words = scribe.dice.choice(CHEERS) if scribe.dice.random() < 0.7 else None
        scribe.say(who, Cheered(about=line.draft.id, words=words), occurred_at=at)
