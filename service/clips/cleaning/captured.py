"""Reads when a film or a picture was made, as a suggestion for its uploader. The files that are served do not contain it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

APPLE_DATE: Final = "com.apple.quicktime.creationdate"
FILM_DATE: Final = "creation_time"
EXIF_DATE: Final = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
EXIF_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d")
YEAR_MIN: Final = 1990
"""Cameras without a set clock write 1904, 1970 or 1980."""


class Captured(msgspec.Struct, frozen=True):
    """The time of a camera's clock."""

    at: str
    """In ISO 8601, with an offset where the camera stated one, else without."""
    offset_known: bool


def captured_of_film(metadata: Mapping[str, str]) -> Captured | None:
    """Returns when a film was made, by its metadata. MP4 states UTC, where many cameras write local time: no known offset."""
    if (at := _parse(metadata.get(APPLE_DATE))) is not None and at.tzinfo is not None:
        return Captured(at.isoformat(), True)
    if (at := _parse(metadata.get(FILM_DATE))) is not None:
        return Captured(at.replace(tzinfo=None, microsecond=0).isoformat(), False)
    return None


def captured_of_picture(at: object, offset: object) -> Captured | None:
    """Returns when a picture was made, by the EXIF fields DateTimeOriginal and OffsetTimeOriginal."""
    if not isinstance(at, str) or (found := EXIF_DATE.match(at)) is None:
        return None
    has_offset = isinstance(offset, str) and EXIF_OFFSET.fullmatch(offset) is not None
    parsed = _parse("{}-{}-{}T{}:{}:{}".format(*found.groups()) + (str(offset) if has_offset else ""))
    return None if parsed is None else Captured(parsed.isoformat(), has_offset)


def _parse(text: str | None) -> datetime | None:
    """Returns a time; None where it is missing, unreadable, or of a clock that was never set."""
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    now = datetime.now(at.tzinfo or UTC)
    return at if YEAR_MIN <= at.year <= now.year + 1 else None
