"""Translates files from Tadpoles: events (`{"events": [...], "cursor": ...}`), as the web page for parents loads them.

Owns the choice of fields. Times are seconds since 1970, with the name of a time zone. The zone decides the local day, so an
unknown zone is refused. The reference is the child's display name, because the file has no id of the child. The comment is prose.
An event without a comment has only pictures.
"""

from datetime import tzinfo
from typing import Any, Final

import msgspec

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Record
from service.daycare.sources import json_file, media_files, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, converted, display_name, identifier
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, OpenedFile, Source


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """The key and the media type of a picture or a film."""

    key: str | None = None
    mime_type: str | None = None


class TadpolesEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read from one event."""

    key: str | None = None
    comment: str | None = None
    event_time: int | float | str | None = None
    create_time: int | float | str | None = None
    tz: str | None = None
    parent_member_display: str | None = None
    new_attachments: list[Attachment | None] | None = None


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns the record of one event, or the reason why the event is ignored."""
    event = converted(record, TadpolesEvent)
    zone = _zone(event.tz, hints)
    if event.event_time is None:
        raise FieldInvalid("This is missing.", at="event_time")
    occurred_at = times.from_epoch(event.event_time, at="event_time", zone=zone)
    created = event.create_time
    recorded_at = occurred_at if created is None else times.from_epoch(created, at="create_time", zone=zone)
    entry = SourceEntry(
        id=identifier(event.key, at="key"),
        children=(_child(event, hints),),
        occurred_at=occurred_at,
        precision=Precision.MINUTE,
        recorded_at=recorded_at,
        revised_at=None,
    )
    attachments = [one for one in event.new_attachments or () if one is not None]
    typed = [(one.key, media_files.media_type(one.mime_type)) for one in attachments]
    media = [media for key, content_type in typed for media in media_files.media_named(key, content_type=content_type)]
    return entry.translated(clean(event.comment, at="comment"), media=media)


def _zone(name: str | None, hints: ImportHints) -> tzinfo:
    """Returns the time zone that an event names. If it names no zone, returns the zone that the importing parent states."""
    return times.zone_named(hints.zone) if name is None or not name.strip() else times.zone_named(name, at="tz")


def _child(event: TadpolesEvent, hints: ImportHints) -> SourceChild:
    name = display_name(event.parent_member_display, at="parent_member_display")
    if name is not None:
        return SourceChild(identifier(event.parent_member_display, at="parent_member_display"), name)
    reference = identifier(hints.reference, at="parent_member_display")
    return SourceChild(reference, hints.name_by_reference.get(reference))


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads one response, a list of responses, or a list of events."""
    return OpenedFile(found=json_file.records_in(body, lists=(("events",), ("Events",))))


SOURCE: Final = Source(name="tadpoles", media_types=("application/json",), open=open_file, translate=translate)
