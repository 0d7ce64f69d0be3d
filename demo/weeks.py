"""Decides who is with the twins at each hour, and when each phone has a network.

Owns the calendar of the invented year. Knows no milestones and no events.
"""

from collections.abc import Collection, Iterator
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
    """The year that ends at `until`. Its times have the offset of `until`."""

    until: datetime

    @property
    def begins(self) -> datetime:
        """The time when the family starts to write. The twins are two and a half weeks old."""
        return (self.until - timedelta(days=DAYS)).replace(hour=7, minute=0, second=0, microsecond=0)

    @property
    def born(self) -> date:
        """The twins' birthday."""
        return self.begins.date() - timedelta(days=18)

    @property
    def daycare_begins(self) -> date:
        """The twins' first day at the daycare, at the age of five and a half months."""
        return self.begins.date() + timedelta(days=150)

    @property
    def mountains(self) -> tuple[datetime, datetime]:
        """The three weeks that Ben and the twins spend in a valley without a network."""
        starts = (self.until - timedelta(days=125)).replace(hour=6, minute=0, second=0, microsecond=0)
        return starts, starts + timedelta(days=21)

    @property
    def last_sunday_at_nanas(self) -> datetime:
        """The Sunday morning on which Nana sees the first steps: the first Sunday of the last 15 days."""
        return self.moment(self._in_the_week_of(days_ago=15, weekdays={SUNDAY}), hour=10, minute=40)

    @property
    def lake(self) -> tuple[datetime, datetime]:
        """The hours that Ben and the twins spend by a lake without a network, on a weekend of the last 8 days."""
        day = self._in_the_week_of(days_ago=8, weekdays={SATURDAY, SUNDAY})
        return self.moment(day, hour=8), self.moment(day, hour=17)

    def _in_the_week_of(self, *, days_ago: int, weekdays: Collection[int]) -> date:
        """Returns the first of these weekdays in the seven days that begin `days_ago` days before the end."""
        begins = self.until.date() - timedelta(days=days_ago)
        return next(day for day in (begins + timedelta(days=n) for n in range(7)) if day.weekday() in weekdays)

    def in_mountains(self, at: datetime) -> bool:
        """Returns whether Ben and the twins are in the valley without a network at the time `at`."""
        starts, ends = self.mountains
        return starts <= at < ends

    def out_of_reach_since(self, who: Who, at: datetime) -> datetime | None:
        """Returns the time when a member's phone lost its network, or None if the phone has a network at `at`."""
        if who is not Who.BEN:
            return None
        return next((starts for starts, ends in (self.mountains, self.lake) if starts <= at < ends), None)

    def parent_of_the_week(self, at: datetime) -> Who:
        """Returns the parent who has the twins in the week of the time `at`. Ada and Ben alternate."""
        weeks = (at.date() - self.begins.date()).days // 7
        return Who.ADA if weeks % 2 == 0 else Who.BEN

    def present(self, at: datetime) -> Who:
        """Returns the member who is with the twins at the time `at`."""
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
        """Returns the time when a line leaves the phone on which it was written: at the latest `until`, the end of the year."""
        match who:
            case Who.BEN if self.in_mountains(written_at):
                online = self.mountains[1] + timedelta(hours=2)
            case Who.BEN if self.lake[0] <= written_at < self.lake[1]:
                online = self.lake[1] + timedelta(minutes=5)
            case Who.NANA:
                # Nana's house has no network: her phone has one at the choir, on Wednesdays.
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

    def hours_with(self, parent: Who, *, after: datetime, rng: Random) -> Iterator[datetime]:
        """Yields moments after `after` at which this parent is with the twins, at most one a day."""
        day = after.date()
        while day <= self.until.date():
            hours = [hour for hour in range(7, 20) if self.present(self.moment(day, hour=hour)) is parent]
            if hours:
                at = self.moment(day, hour=rng.choice(hours), minute=rng.randrange(60))
                if after < at < self.until:
                    yield at
            day += timedelta(days=1)

    def moment(self, day: date, *, hour: int, minute: int = 0) -> datetime:
        """Returns a time on a day, with the offset of `until`."""
        return datetime.combine(day, time(hour, minute), tzinfo=self.until.tzinfo)
