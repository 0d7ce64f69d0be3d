"""Puts two parents' timelines side by side, as rows of milestones.

Owns the parsing of the service's responses, the order of the rows, and the phrases in them. Draws nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from client import ServiceMisspoke

How = Literal["in_person", "live_video", "clip"]


class OwnSight(msgspec.Struct, frozen=True, kw_only=True):
    """A time at which the parent saw the milestone."""

    occurred_at: datetime
    precision: str
    how: How


class OthersSight(msgspec.Struct, frozen=True, kw_only=True):
    """The first time at which another member saw the milestone."""

    occurred_at: datetime
    author: UUID


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a timeline, with the fields that the output shows."""

    child: UUID
    milestone: str
    title: str
    first_saw: OwnSight | None = None
    first_in_person: OwnSight | None = None
    before_you: OthersSight | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One milestone of one child, with the entry of each parent's timeline, or None for a timeline without the milestone."""

    milestone: str
    title: str
    begins: datetime
    """The earliest time in either parent's entry. Rows are sorted by this time."""
    entries: tuple[TimelineEntry | None, ...]


def read_timeline(answer: Any) -> tuple[TimelineEntry, ...]:
    """Parses a response as the entries of a timeline. Raises ServiceMisspoke if the response has another shape."""
    try:
        return msgspec.convert(answer["entries"], tuple[TimelineEntry, ...])
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise ServiceMisspoke(f"expected a timeline: {error}") from error


def side_by_side(timelines: Sequence[Iterable[TimelineEntry]], *, child: UUID) -> list[Row]:
    """Returns the rows of one child, oldest first: one for each milestone in any of the timelines."""
    of_each = [{entry.milestone: entry for entry in timeline if entry.child == child} for timeline in timelines]
    rows = []
    for milestone in {key for of_one in of_each for key in of_one}:
        entries = tuple(of_one.get(milestone) for of_one in of_each)
        known = [entry for entry in entries if entry is not None]
        begins = min(at for entry in known for at in _times(entry))
        rows.append(Row(milestone=milestone, title=known[0].title, begins=begins, entries=entries))
    return sorted(rows, key=lambda row: (row.begins, row.milestone))


def _times(entry: TimelineEntry) -> list[datetime]:
    return [sight.occurred_at for sight in (entry.first_saw, entry.before_you) if sight is not None]


def before_you(entry: TimelineEntry, *, names: Mapping[UUID, str], is_brief: bool) -> str | None:
    """Returns the member who saw the milestone before this parent, and how long before, or None if nobody did.

    An example is `Nana, 3 days earlier`.
    """
    if entry.before_you is None:
        return None
    name = names.get(entry.before_you.author, "somebody")
    if entry.first_saw is None:
        return f"{name}, {day_of(entry.before_you.occurred_at)}"
    days = (entry.first_saw.occurred_at.astimezone().date() - entry.before_you.occurred_at.astimezone().date()).days
    if is_brief:
        return f"{name}, {days} d" if days else f"{name}, same day"
    match days:
        case 0:
            return f"{name}, the same day"
        case 1:
            return f"{name}, the day before"
        case _ if days < 14:
            return f"{name}, {days} days earlier"
        case _ if days < 60:
            return f"{name}, {days // 7} weeks earlier"
        case _:
            return f"{name}, {days // 30} months earlier"


def day_of(at: datetime, precision: str = "minute") -> str:
    """Returns a day in words, by its precision: `3 Oct`, `c. 3 Oct`, `in Oct`."""
    local = at.astimezone()
    match precision:
        case "month":
            return f"in {local:%b}"
        case "week":
            return f"c. {local.day} {local:%b}"
        case _:
            return f"{local.day} {local:%b}"


def seen_on_two_days(rows: Iterable[Row]) -> Row | None:
    """Returns the last row whose milestone both parents saw, on different days, or None."""
    found = None
    for row in rows:
        firsts = [entry.first_saw for entry in row.entries if entry is not None and entry.first_saw is not None]
        days = {first.occurred_at.astimezone().date() for first in firsts}
        if len(firsts) == len(row.entries) == len(days):
            found = row
    return found
