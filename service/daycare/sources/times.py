"""Reads the times of sources: with an offset, without one, a day alone, seconds since 1970.

Owns how each is understood. Every time that leaves here has a fixed offset in whole minutes: the sender's, or the zone's on that
day. A day alone is noon of that day, so that whoever reads it elsewhere reads the same date.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from events.errors import FieldInvalid
from events.event import Precision

WRITTEN: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?) ?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 9998
"""As the log has it: before the one nobody was there, and past the other an offset leaves the calendar."""


@cache
def _zones() -> frozenset[str]:
    # By the list and not by trying: a name from a file would else be looked up as a path on this machine.
    return frozenset(available_timezones())


def zone_named(name: str, *, at: str = "zone") -> tzinfo:
    """A zone by its name in the tz database.

    Raises:
        FieldInvalid: there is none of that name.
    """
    if name == "UTC":
        return UTC
    if name not in _zones():
        raise FieldInvalid("There is no time zone of this name.", at=at)
    return ZoneInfo(name)


def moment(text: str, *, at: str, zone: tzinfo) -> tuple[datetime, Precision]:
    """Read a time, or a day alone. `zone`: where it was written, for what has no offset.

    A local time that a change of clocks makes happen twice is the first of the two.

    Raises:
        FieldInvalid: it is written otherwise, or no such time can be.
    """
    if (found := WRITTEN.fullmatch(text.strip())) is None:
        raise FieldInvalid("This is not a time as RFC 3339 writes it, such as 2026-06-25T19:30 or 2026-06-25.", at=at)
    date, time, offset = found["date"], found["time"], found["offset"]
    try:
        read = datetime.fromisoformat(f"{date}T{time or '12:00'}{offset or ''}")
        placed = _placed(read if read.tzinfo is not None else read.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise FieldInvalid("There is no such time.", at=at) from None
    return _checked(placed, at=at), Precision.DAY if time is None else Precision.MINUTE


def instant(text: str | None, *, at: str, zone: tzinfo, otherwise: datetime) -> datetime:
    """Read a time of which only the instant is needed, and `otherwise` where there is none."""
    return otherwise if text is None or not text.strip() else moment(text, at=at, zone=zone)[0]


def revised(text: str | None, *, at: str) -> datetime | None:
    """Read when a record was last changed, None where the source does not say. What has no offset is read as if in UTC, whatever
    zone an import names: of two changes at one clock the later one stays the later one when the zone is put right."""
    return None if text is None or not text.strip() else moment(text, at=at, zone=UTC)[0]


def local(read: datetime, *, at: str, zone: tzinfo) -> datetime:
    """Place a time that was read without any zone."""
    try:
        return _checked(_placed(read.replace(tzinfo=zone)), at=at)
    except (ValueError, OverflowError):
        raise FieldInvalid("There is no such time.", at=at) from None


def epoch(seconds: float | str, *, at: str, zone: tzinfo) -> datetime:
    """Read seconds since 1970, as a number or as its digits."""
    try:
        counted = float(seconds)
        if not isfinite(counted):
            raise ValueError
        return _checked(_placed((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=counted)).astimezone(zone)), at=at)
    except (ValueError, OverflowError):
        raise FieldInvalid("This is not a number of seconds since 1970 that can be.", at=at) from None


def _placed(time: datetime) -> datetime:
    """The same instant with a fixed offset; in UTC where a zone's offset, long ago, was no whole number of minutes."""
    offset = time.utcoffset()
    assert offset is not None
    if offset % timedelta(minutes=1):
        return time.astimezone(UTC)
    return time.replace(tzinfo=UTC if not offset else timezone(offset), fold=0)


def _checked(time: datetime, *, at: str) -> datetime:
    if not EARLIEST_YEAR <= time.year <= LATEST_YEAR:
        raise FieldInvalid("No record is of that year.", at=at)
    return time
