"""Tadpoles: events as its parents' page asks for them (`{"events": [...], "cursor": ...}`).

Owns which fields are read. Times are seconds since 1970 beside the name of a zone, which says how the clocks stood there, and so
on which day it was: a name that nobody knows is refused, as the zone of an import is. The child is named as the parents see it,
and by nothing else. A comment is prose; without one there are only pictures.
"""

from datetime import tzinfo
from typing import Any, Final

import msgspec

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Record
from service.daycare.sources import json_file, times, words
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, identifier, shaped, shown
from service.daycare.sources.reading import NOTHING_GIVEN, File, Ignored, ImportHints, Source


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or a film, by its key."""

    key: str | None = None
    mime_type: str | None = None


class TadpolesEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one event."""

    key: str | None = None
    comment: str | None = None
    event_time: int | float | str | None = None
    create_time: int | float | str | None = None
    tz: str | None = None
    parent_member_display: str | None = None
    new_attachments: list[Attachment | None] | None = None


def translate(record: Any, given: ImportHints = NOTHING_GIVEN) -> tuple[Record, ...] | Ignored:
    """Turn one event into a record."""
    event = shaped(record, TadpolesEvent)
    zone = _zone(event.tz, given)
    if event.event_time is None:
        raise FieldInvalid("This is missing.", at="event_time")
    occurred_at = times.epoch(event.event_time, at="event_time", zone=zone)
    created = event.create_time
    recorded_at = occurred_at if created is None else times.epoch(created, at="create_time", zone=zone)
    entry = SourceEntry(
        id=identifier(event.key, at="key"),
        children=(_child(event, given),),
        occurred_at=occurred_at,
        precision=Precision.MINUTE,
        recorded_at=recorded_at,
        revised_at=None,
    )
    attachments = [one for one in event.new_attachments or () if one is not None]
    media = [kept for one in attachments for kept in words.kept(one.key, content_type=words.media_type(one.mime_type))]
    return entry.told(clean(event.comment, at="comment"), media=media)


def _zone(name: str | None, given: ImportHints) -> tzinfo:
    """The zone of an event; where it names none, that of whoever imports it."""
    return times.zone_named(given.zone) if name is None or not name.strip() else times.zone_named(name, at="tz")


def _child(event: TadpolesEvent, given: ImportHints) -> SourceChild:
    name = shown(event.parent_member_display, at="parent_member_display")
    if name is not None:
        return SourceChild(identifier(event.parent_member_display, at="parent_member_display"), name)
    reference = identifier(given.reference, at="parent_member_display")
    return SourceChild(reference, given.name_by_reference.get(reference))


def open_file(body: bytes, given: ImportHints = NOTHING_GIVEN) -> File:
    """Read one answer, several in a list, or a list of events."""
    return File(found=json_file.records_in(body, lists=(("events",), ("Events",))))


SOURCE: Final = Source(name="tadpoles", media_types=("application/json",), open=open_file, translate=translate)
