"""Parses the times of sources: times with and without an offset, dates without a time, and seconds since 1970.

Every returned time has a fixed offset in whole minutes: the offset in the source, or the offset of the given time zone on that
day. A date without a time becomes noon of that day, so that readers in other time zones see the same date.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from events.errors import FieldInvalid
from events.event import Precision

TIME_TEXT: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?) ?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 9998
"""The last year that the log accepts; `EARLIEST_YEAR` is the first. In year 9999, an offset could exceed `datetime.max`."""


@cache
def _zones() -> frozenset[str]:
    # ZoneInfo looks up a name as a path on this machine, so only listed names reach it.
    return frozenset(available_timezones())


def zone_named(name: str, *, at: str = "zone") -> tzinfo:
    """Returns a time zone by its name in the tz database.

    Raises:
        FieldInvalid: No zone has this name.
    """
    if name == "UTC":
        return UTC
    if name not in _zones():
        raise FieldInvalid("There is no time zone of this name.", at=at)
    return ZoneInfo(name)


def parse_time(text: str, *, at: str, zone: tzinfo) -> tuple[datetime, Precision]:
    """Parses a time, or a date without a time. `zone` is the time zone of a text without an offset.

    If a local time occurs twice, because clocks go back, returns the earlier of the two instants.

    Raises:
        FieldInvalid: The text has another form, or no such time exists.
    """
    if (found := TIME_TEXT.fullmatch(text.strip())) is None:
        raise FieldInvalid("This is not a time as RFC 3339 writes it, such as 2026-06-25T19:30 or 2026-06-25.", at=at)
    date, time, offset = found["date"], found["time"], found["offset"]
    try:
        read = datetime.fromisoformat(f"{date}T{time or '12:00'}{offset or ''}")
        fixed = _with_fixed_offset(read if read.tzinfo is not None else read.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise FieldInvalid("There is no such time.", at=at) from None
    return _within_years(fixed, at=at), Precision.DAY if time is None else Precision.MINUTE


def time_or(text: str | None, *, at: str, zone: tzinfo, default: datetime) -> datetime:
    """Parses a time. Returns `default` if the text is missing or blank."""
    return default if text is None or not text.strip() else parse_time(text, at=at, zone=zone)[0]


def parse_revision(text: str | None, *, at: str) -> datetime | None:
    """Parses the time of a record's last change. Returns None if the source does not record this time.

    A time without an offset is read as UTC, even if the importing parent states a time zone. So two changes keep their order if
    the parent corrects the time zone in a later import.
    """
    return None if text is None or not text.strip() else parse_time(text, at=at, zone=UTC)[0]


def with_fixed_offset(read: datetime, *, at: str) -> datetime:
    """Returns a time with the offset that its time zone has at that time.

    Raises:
        FieldInvalid: No such time exists.
    """
    try:
        return _within_years(_with_fixed_offset(read), at=at)
    except (ValueError, OverflowError):
        raise FieldInvalid("There is no such time.", at=at) from None


def from_epoch(seconds: float | str, *, at: str, zone: tzinfo) -> datetime:
    """Returns the time in a zone for a number of seconds since 1970. The number may be a text of digits.

    Raises:
        FieldInvalid: `seconds` is no number, or no such time exists.
    """
    try:
        counted = float(seconds)
        if not isfinite(counted):
            raise ValueError
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=counted)
        return _within_years(_with_fixed_offset(time.astimezone(zone)), at=at)
    except (ValueError, OverflowError):
        raise FieldInvalid("This is not a number of seconds since 1970 that can be.", at=at) from None


def _with_fixed_offset(time: datetime) -> datetime:
    """Returns the same instant with a fixed offset. Returns it in UTC if the offset has seconds, as some zones once had."""
    offset = time.utcoffset()
    assert offset is not None
    if offset % timedelta(minutes=1):
        return time.astimezone(UTC)
    return time.replace(tzinfo=UTC if not offset else timezone(offset), fold=0)


def _within_years(time: datetime, *, at: str) -> datetime:
    if not EARLIEST_YEAR <= time.year <= LATEST_YEAR:
        raise FieldInvalid("No record is of that year.", at=at)
    return time
