"""Translates plain CSV: our own format, for systems without a module in `sources` and for spreadsheets written by hand.

Owns the header of this format. One row is one record about one child:

| column | content | |
|---|---|---|
| `id` | the record's id, the same in every later file; 1 to 255 characters | needed |
| `child` | the child, by any name or number that stays the same; 1 to 255 characters | needed |
| `occurred_at` | `2026-03-14T09:05:00+01:00`; without an offset, a local time; a day: `2026-03-14`; a month: `2026-03` | needed |
| `text` | the words, at most 10,000 characters; may be empty if there is a milestone | needed |
| `child_name` | the child's name for display | |
| `recorded_at` | the time at which the record was entered; if empty, `occurred_at` is used | |
| `revised_at` | the time of the last change; of two contents without this time, the content from the later import counts | |
| `milestone` | a key of the catalogue, such as `movement.first-steps` | |
| `media` | file names, with `|` between them | |
| `gone` | `yes`: the record was deleted in the source | |

A file with any other column is refused, so that a mistyped name is noticed.
"""

import re
from datetime import datetime, tzinfo
from typing import Any, Final

from events.catalogue import CATALOGUE
from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources import csv_file, media_files, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, display_name, identifier, required
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, OpenedFile, Source

NEEDED: Final = ("id", "child", "occurred_at", "text")
MAY_BE: Final = ("child_name", "recorded_at", "revised_at", "milestone", "media", "gone")
MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
IS_GONE: Final = {"": False, "no": False, "yes": True}


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns the record of one row, or the reason why the row is ignored."""
    row = csv_file.complete_row(record)
    zone = times.zone_named(hints.zone)
    occurred_at, precision = _occurred(required(row.get("occurred_at"), at="occurred_at"), zone)
    recorded_at = times.time_or(row.get("recorded_at"), at="recorded_at", zone=zone, default=occurred_at)
    reference = identifier(row.get("child"), at="child")
    name = display_name(row.get("child_name"), at="child_name") or hints.name_by_reference.get(reference)
    entry = SourceEntry(
        id=identifier(row.get("id"), at="id"),
        children=(SourceChild(reference, name),),
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=recorded_at,
        revised_at=times.parse_revision(row.get("revised_at"), at="revised_at"),
    )
    milestone = clean(row.get("milestone"), at="milestone")
    if milestone is not None and milestone not in CATALOGUE.by_key:
        raise FieldInvalid("The catalogue has no such milestone.", at="milestone")
    gone = IS_GONE.get((row.get("gone") or "").strip().lower())
    if gone is None:
        raise FieldInvalid("This is `yes`, `no` or empty.", at="gone")
    if gone:
        return entry.deleted()
    return entry.translated(clean(row.get("text"), at="text"), milestone=milestone, media=_media(row.get("media") or ""))


def _occurred(text: str, zone: tzinfo) -> tuple[datetime, Precision]:
    if MONTH.fullmatch(text.strip()) is None:
        return times.parse_time(text, at="occurred_at", zone=zone)
    return times.parse_time(f"{text.strip()}-15", at="occurred_at", zone=zone)[0], Precision.MONTH


def _media(text: str) -> tuple[Media, ...]:
    listed: list[Media] = []
    for name in filter(None, map(str.strip, text.split("|"))):
        kept = media_files.media_named(name)
        if not kept:
            raise FieldInvalid("This is a list of file names, never of addresses or folders.", at="media")
        listed += kept
    return tuple(listed)


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads the rows of one file.

    Raises:
        FieldInvalid: A needed column is missing, or the file has a column that this format does not know.
    """
    header, found = csv_file.rows_in(body)
    for needed in NEEDED:
        if needed not in header:
            raise FieldInvalid("This column is missing.", at=f"header.{needed}")
    for name in header:
        if name not in NEEDED and name not in MAY_BE:
            raise FieldInvalid("Plain CSV knows no column of this name.", at=f"header.{name[:80]}")
    return OpenedFile(found=tuple(found))


SOURCE: Final = Source(name="plain", media_types=("text/csv",), open=open_file, translate=translate)
