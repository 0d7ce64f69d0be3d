"""Translates files from Baby Connect: a CSV file with the entries of one child (start, activity, quantity, text, notes and more).

Owns the columns, and makes ids, because the rows have no ids. An id is made of the start, the activity and the child. So the id
of an entry stays the same if its text, end or quantity is corrected. `row_ids` distinguishes rows with the same start, activity
and child. Times have no zone and no column names the child, so the importing parent states the zone and the child. The
caregiver's name is not read. For most activities the app composes the text from buttons ("Lia went for a walk", perhaps in a
stroller). For the activities in `TYPED`, people type the text. People always type the notes.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Record
from service.daycare.sources import csv_file, dates, labels, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, identifier, required
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, Naming, OpenedFile, RawRecord, Source, Why

NEEDED: Final = ("start", "activity", "text")
COLUMN_BY_START: Final = {
    "start": "start",
    "date": "start",
    "activity": "activity",
    "quantity": "quantity",
    "text": "text",
    "note": "notes",
}
"""The name that this module gives to a column, by the beginning of the column's name in the file (`start`, `start time`,
`date/time`)."""

TYPED: Final = ("note", "diary", "journal", "message", "photo", "picture", "milestone")
"""Activities whose text people type, or choose because of what the child did. Each is the beginning of an activity's name, in
lower case."""

ORDER: Final = "order"
"""The key under which a row stores the order of day and month in its date. If the importing parent states the order, that order
is used, or else the order that the file proves. The default is month first, because the app is American. A date that contradicts
the order is refused."""


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns the record of one row, or the reason why the row is ignored."""
    row = csv_file.complete_row(record)
    start = required(row.get("start"), at="start")
    reference = identifier(hints.reference, at="reference")
    occurred_at, precision = _started(start, row.get(ORDER), hints)
    activity = (row.get("activity") or "").strip()
    entry = SourceEntry(
        id=_id(occurred_at.replace(tzinfo=None), activity, reference, number=0),
        children=(SourceChild(reference, hints.name_by_reference.get(reference)),),
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=occurred_at,
        revised_at=None,
    )
    text = clean(row.get("text"), at="text")
    notes = clean(row.get("notes"), at="notes")
    if text is None and notes is None and not activity:
        # No earlier record is withdrawn, because the row may be any of several entries of one minute.
        return Ignored(why=Why.NO_WORDS)
    kind = labels.phrase(activity)
    composed = labels.labelled(kind, [labels.phrase(row.get("quantity"))]) if text is None and kind is not None else None
    typed = text if activity.lower().startswith(TYPED) else None
    return entry.translated(labels.lines(text or composed, notes), prose=labels.prose(typed, notes))


def _started(start: str, order: str | None, hints: ImportHints) -> tuple[datetime, Precision]:
    zone = times.zone_named(hints.zone)
    if (found := dates.SLASH_DATE.fullmatch(start.strip())) is None:
        return times.parse_time(start, at="start", zone=zone)
    year = int(found["year"])
    is_day_first = order == dates.Order.DAY_FIRST
    month, day = (int(found[name]) for name in (("second", "first") if is_day_first else ("first", "second")))
    hour, minute = int(found["hour"] or 12), int(found["minute"] or 0)
    if found["half"] is not None:
        if not 1 <= hour <= 12:
            raise FieldInvalid("There is no such time.", at="start")
        hour = hour % 12 + (12 if found["half"] in "Pp" else 0)
    try:
        read = datetime(year + 2000 if year < 100 else year, month, day, hour, minute, tzinfo=zone)
    except ValueError:
        written = "day/month/year" if is_day_first else "month/day/year"
        raise FieldInvalid(f"There is no such time: the dates of this file are read as {written}.", at="start") from None
    return times.with_fixed_offset(read, at="start"), Precision.MINUTE if found["hour"] is not None else Precision.DAY


def naming(record: Any, hints: ImportHints, reference: str) -> Naming:
    """Returns the possible ids of a row.

    An id contains the start, the activity and the child. Rows with the same start, activity and child are numbered from 0.
    """
    row = csv_file.complete_row(record)
    start, _ = _started(required(row.get("start"), at="start"), row.get(ORDER), hints)
    parts = start.replace(tzinfo=None), (row.get("activity") or "").strip(), reference
    return Naming(row=repr(row), id_of=lambda number: _id(*parts, number=number))


def _id(start: datetime, activity: str, reference: str, *, number: int) -> str:
    """Returns an id made of fields that nobody corrects later.

    Uses the local time, because a later import may state another zone.
    """
    parts = msgspec.json.encode([start.isoformat(), activity.casefold(), reference, str(number)])
    return sha256(parts).hexdigest()[:32]


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads the rows of one file, and renames the file's columns to the names of this module.

    Raises:
        FieldInvalid: A column in `NEEDED` is missing.
    """
    header, found = csv_file.rows_in(body)
    by_column = _columns(header)
    kept = [
        {by_column[name]: text for name, text in one.record.items() if name in by_column}
        if csv_file.OTHER_FIELD_COUNT not in one.record
        else one.record
        for one in found
    ]
    proven = dates.orders_in(row["start"] for row in kept if "start" in row)
    is_day_first = dates.Order.DAY_FIRST in proven and dates.Order.MONTH_FIRST not in proven
    order = hints.dates or (dates.Order.DAY_FIRST if is_day_first else dates.Order.MONTH_FIRST)
    return OpenedFile(
        found=tuple(RawRecord(one.at, {**row, ORDER: order.value}) for one, row in zip(found, kept, strict=True)),
        is_order_unproven=hints.dates is None and proven == {None},
    )


def _columns(header: list[str]) -> dict[str, str]:
    by_column: dict[str, str] = {}
    for name in header:
        ours = next((ours for start, ours in COLUMN_BY_START.items() if name.startswith(start)), "")
        if ours and ours not in by_column.values():
            by_column[name] = ours
    for needed in NEEDED:
        if needed not in by_column.values():
            raise FieldInvalid("This column is missing.", at=f"header.{needed}")
    return by_column


SOURCE: Final = Source(
    name="baby_connect", media_types=("text/csv",), needs_reference=True, open=open_file, translate=translate,
    naming=naming,
)  # fmt: skip
