"""Translates files from Lillio (HiMama): a child's journal (`{"intervals": {"June, 2025": [{"activity": {...}}]}}`).

Owns the choice of fields. The file does not name the child, so the importing parent has to name the child. The time of an
activity is `list_date`, or `created_at` if `list_date` is empty. A `list_date` at midnight is a date without a time. Only the
description is prose, because the title names an activity for all children of a group.
"""

from datetime import time
from typing import Any, Final

import msgspec

from events.event import Precision
from service.daycare.record import Record
from service.daycare.sources import json_file, labels, media_files, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, converted, identifier, required
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, OpenedFile, Source

LISTS: Final = (("intervals", json_file.EVERY_KEY), ("intervals",))
"""The paths of the lists of activities. There is one list for each month. On a page after the last month, an empty list replaces
the object of months."""


class LinkedMedia(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or a film."""

    url: str | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read from one activity."""

    id: int | str | None = None
    title: str | None = None
    description: str | None = None
    list_date: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    image: LinkedMedia | None = None
    video: LinkedMedia | None = None


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns the record of one activity, or the reason why the activity is ignored.

    Accepts the activity itself, or an object `{"activity": ...}` that contains it.
    """
    if isinstance(record, dict) and isinstance(record.get("activity"), dict):
        record = record["activity"]
    activity = converted(record, Activity)
    zone = times.zone_named(hints.zone)
    dated, at = (activity.list_date, "list_date") if (activity.list_date or "").strip() else (activity.created_at, "created_at")
    occurred_at, precision = times.parse_time(required(dated, at=at), at=at, zone=zone)
    if at == "list_date" and occurred_at.time() == time.min:
        precision = Precision.DAY
    recorded_at = times.time_or(activity.created_at, at="created_at", zone=zone, default=occurred_at)
    reference = identifier(hints.reference, at="reference")
    entry = SourceEntry(
        id=identifier(activity.id, at="id"),
        children=(SourceChild(reference, hints.name_by_reference.get(reference)),),
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=recorded_at,
        revised_at=times.parse_revision(activity.updated_at, at="updated_at"),
    )
    picture, film = activity.image or LinkedMedia(), activity.video or LinkedMedia()
    media = media_files.media_named(None, url=picture.url) + media_files.media_named(None, url=film.url)
    title, description = clean(activity.title, at="title"), clean(activity.description, at="description")
    return entry.translated(labels.lines(title, description), prose=labels.prose(description), media=media)


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads one page, a list of pages, or a list of activities."""
    return OpenedFile(found=json_file.records_in(body, lists=LISTS))


SOURCE: Final = Source(
    name="lillio", media_types=("application/json",), needs_reference=True, open=open_file, translate=translate
)
