"""How the family's weeks run: who is with the twins at what hour, and whose phone has a network when.

Owns the calendar of the invented year. Knows no milestones and no events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from demo.cast import Who, other_parent

DAYS: Final = 365
SITTERS_CLOCK_IS_AHEAD_BY: Final = timedelta(hours=7)

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


@dataclass(frozen=True, kw_only=True)
class Year:
    """The year that ends at `until`. Its times bear the offset of `until`."""

    until: datetime

    @property
    def begins(self) -> datetime:
        """When the family starts to write: the twins are two and a half weeks old."""
        return (self.until - timedelta(days=DAYS)).replace(hour=7, minute=0, second=0, microsecond=0)

    @property
    def born(self) -> date:
        """The twins' birthday."""
        return self.begins.date() - timedelta(days=18)

    @property
    def daycare_begins(self) -> date:
        """The twins' first morning at the daycare, at five and a half months."""
        return self.begins.date() + timedelta(days=150)

    @property
    def mountains(self) -> tuple[datetime, datetime]:
        """Three weeks in which Ben has the twins, in a valley without a network."""
        starts = (self.until - timedelta(days=125)).replace(hour=6, minute=0, second=0, microsecond=0)
        return starts, starts + timedelta(days=21)

    def in_mountains(self, at: datetime) -> bool:
        """Whether Ben and the twins are out of reach."""
        starts, ends = self.mountains
        return starts <= at < ends

    def parent_of_the_week(self, at: datetime) -> Who:
        """Whose week it is: they take turns."""
        weeks = (at.date() - self.begins.date()).days // 7
        return Who.ADA if weeks % 2 == 0 else Who.BEN

    def present(self, at: datetime) -> Who:
        """Who is with the twins."""
        if self.in_mountains(at):
            return Who.BEN
        parent, day, hour = self.parent_of_the_week(at), at.weekday(), at.hour
        at_daycare_age = at.date() >= self.daycare_begins
        match day:
            case 0 | 1 | 2 | 3 if at_daycare_age and 8 <= hour < 16:
                return Who.DAYCARE
            case 1 | 3 | 4 if not at_daycare_age and 13 <= hour < 18:
                return Who.SITTER
            case 4 if 9 <= hour < 18:
                return Who.SITTER
            case 2 if hour >= 16:
                return other_parent(parent)
            case 6 if parent is Who.ADA and 9 <= hour < 17:
                return Who.NANA
            case _:
                return parent

    def online_from(self, who: Who, written_at: datetime) -> datetime:
        """When what was written on somebody's phone leaves it. Never after `until`: by then everybody is home."""
        match who:
            case Who.BEN if self.in_mountains(written_at):
                online = self.mountains[1] + timedelta(hours=2)
            case Who.NANA:
                # Her house has no network: the phone comes alive at Wednesday's choir.
                days = (WEDNESDAY - written_at.weekday()) % 7
                online = datetime.combine(written_at.date() + timedelta(days=days), time(19, 30), tzinfo=written_at.tzinfo)
                if online <= written_at:
                    online += timedelta(days=7)
            case Who.DAYCARE:
                # The bridge reads the daycare's pages once an evening.
                online = datetime.combine(written_at.date(), time(18, 0), tzinfo=written_at.tzinfo)
                if online <= written_at:
                    online += timedelta(days=1)
            case _:
                online = written_at + timedelta(minutes=1)
        return min(online, self.until)

    def hours_with(self, parent: Who, *, after: datetime, dice: Random) -> Iterator[datetime]:
        """Up to one moment a day at which this parent is with the twins, from `after` on."""
        day = after.date()
        while day <= self.until.date():
            hours = [hour for hour in range(7, 20) if self.present(self.moment(day, hour=hour)) is parent]
            if hours:
                at = self.moment(day, hour=dice.choice(hours), minute=dice.randrange(60))
                if after < at < self.until:
                    yield at
            day += timedelta(days=1)

    def moment(self, day: date, *, hour: int, minute: int = 0) -> datetime:
        """A time of day of this year."""
        return datetime.combine(day, time(hour, minute), tzinfo=self.until.tzinfo)
