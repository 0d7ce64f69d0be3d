"""Translates Lillio (HiMama): a child's journal as its page loads it (`{"intervals": {"June, 2025": [{"activity": {...}}]}}`).

Owns which fields are read. The file does not name the child (only the account's URL does), so the importer has to. The time of an
activity is `list_date`, or `created_at` if that is null. A `list_date` at midnight is a date without a time. The title is the
activity's name, the same for all children of a group, so only the description is prose.
"""

from datetime import time
from typing import Any, Final

import msgspec

from events.event import Precision
from service.daycare.record import Record
from service.daycare.sources import json_file, times, words
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, identifier, required, shaped
from service.daycare.sources.reading import NOTHING_GIVEN, File, Ignored, ImportHints, Source

LISTS: Final = (("intervals", json_file.EVERY), ("intervals",))
"""Lists by month. A page behind the last one has an empty list in place of the months."""


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or a film."""

    url: str | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read of one activity."""

    id: int | str | None = None
    title: str | None = None
    description: str | None = None
    list_date: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    image: Linked | None = None
    video: Linked | None = None


def translate(record: Any, given: ImportHints = NOTHING_GIVEN) -> tuple[Record, ...] | Ignored:
    """Returns the record of one activity, or why there is none. Accepts it bare or within `{"activity": ...}`."""
    if isinstance(record, dict) and isinstance(record.get("activity"), dict):
        record = record["activity"]
    activity = shaped(record, Activity)
    zone = times.zone_named(given.zone)
    dated, at = (activity.list_date, "list_date") if (activity.list_date or "").strip() else (activity.created_at, "created_at")
    occurred_at, precision = times.moment(required(dated, at=at), at=at, zone=zone)
    if at == "list_date" and occurred_at.time() == time.min:
        precision = Precision.DAY
    recorded_at = times.instant(activity.created_at, at="created_at", zone=zone, otherwise=occurred_at)
    reference = identifier(given.reference, at="reference")
    entry = SourceEntry(
        id=identifier(activity.id, at="id"),
        children=(SourceChild(reference, given.name_by_reference.get(reference)),),
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=recorded_at,
        revised_at=times.revised(activity.updated_at, at="updated_at"),
    )
    picture, film = activity.image or Linked(), activity.video or Linked()
    media = words.kept(None, url=picture.url) + words.kept(None, url=film.url)
    title, description = clean(activity.title, at="title"), clean(activity.description, at="description")
    return entry.told(words.lines(title, description), prose=words.prose(description), media=media)


def open_file(body: bytes, given: ImportHints = NOTHING_GIVEN) -> File:
    """Reads one page, a list of pages, or a list of activities."""
    return File(found=json_file.records_in(body, lists=LISTS))


SOURCE: Final = Source(
    name="lillio", media_types=("application/json",), needs_reference=True, open=open_file, translate=translate
)
