"""Translates files from Famly: observations, notes about a child and feed items, as Famly's GraphQL and HTTP APIs return them.

Owns the choice of fields. Only records that were sent to parents are imported. Of an observation, only the prose (`remark.body`)
is read. Its areas and statements are not read, because they grade the child against a framework (emerging, developing, secure).
Its next steps are not read, because they are plans. An observation can name several children. If a child has no id in the file,
the child's name is the reference.

The public tools (famly-fetch, famly-media-downloader) request only records that are SENT and visible to parents. Their files lack
the state, the visibility flags and some ids. Such records are imported if the importing parent states that the file was
downloaded with a parent's account (`as_parent`). A record without an id gets an id that is made of its time and its child.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final

import msgspec

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources import json_file, media_files, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.famly_fields import ChildNote, FamlyChild, FamlyMedia, FeedItem, Observation, Remark
from service.daycare.sources.fields import clean, converted, display_name, identifier, required
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, Naming, OpenedFile, Source, Why

SENT: Final = frozenset({"SENT", "APPROVED"})
WHY_NOT_BY_VARIANT: Final = {
    "PARENT_OBSERVATION": Why.BY_PARENT,
    "ASSESSMENT": Why.ASSESSMENT,
    "TWO_YEAR_PROGRESS": Why.ASSESSMENT,
}
CHILDREN_MAX: Final = 200
LISTS: Final = (
    ("observations",),
    ("observations", "results"),
    ("data", "childDevelopment", "observations", "results"),
    ("childNotes",),
    ("childNotes", "result"),
    ("data", "childNotes", "result"),
    ("feedItems",),
)


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns a record for each child of an observation, a note or a feed item, or the reason why there is no record."""
    if isinstance(record, dict) and _is_note(record):
        return _note(converted(record, ChildNote), hints)
    if isinstance(record, dict) and "feedItemId" in record:
        return _feed_item(converted(record, FeedItem), hints)
    return _observation(converted(record, Observation), hints)


def _is_note(record: dict[str, Any]) -> bool:
    return "noteId" in record or "noteType" in record


def _observation(one: Observation, hints: ImportHints) -> tuple[Record, ...] | Ignored:
    stages = _stages(one, hints)
    occurred_at, precision = _day(one.remark or Remark(), stages, hints)
    entry = SourceEntry(
        id=_generated_id("observation", occurred_at, 0) if one.id is None and stages else identifier(one.id, at="id"),
        children=_children(one.children or ()),
        names_several=True,
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=stages[0][0] if stages else occurred_at,
        revised_at=stages[-1][0] if stages else None,
    )
    media = _media(one.images, one.files, one.videos, [one.video])
    state = next((state for _, state in reversed(stages) if state is not None), None)
    if state is None and not hints.as_parent:
        return _unmarked(media)
    if state is not None and state not in SENT:
        return entry.ignored(Why.DRAFT, media=len(media))
    if (why := WHY_NOT_BY_VARIANT.get(one.variant or "")) is not None:
        return entry.ignored(why, media=len(media))
    return entry.translated(clean((one.remark or Remark()).body, at="remark.body"), media=media)


def _unmarked(media: Sequence[Media]) -> Ignored:
    """Ignores a record without visibility flags.

    Does not withdraw the record if an earlier file brought it, because that file may have had the flags.
    """
    return Ignored(why=Why.UNMARKED, media=len(media))


def _stages(one: Observation, hints: ImportHints) -> list[tuple[datetime, str | None]]:
    """Returns the publishing steps of an observation, sorted by time. Steps with the same time stay in the order of the file."""
    zone = times.zone_named(hints.zone)
    reached = [
        (times.parse_time(stage.created_at, at=f"statuses[{index}].createdAt", zone=zone)[0], stage.state)
        for index, stage in enumerate([*(one.statuses or ()), one.status])
        if stage is not None and stage.created_at is not None
    ]
    return sorted(reached, key=itemgetter(0))


def _day(remark: Remark, stages: Sequence[tuple[datetime, str | None]], hints: ImportHints) -> tuple[datetime, Precision]:
    """Returns the day that an observation names. If it names no day, returns the day of its first publishing step."""
    if remark.date is None and stages:
        return stages[0][0], Precision.DAY
    return times.parse_time(required(remark.date, at="remark.date"), at="remark.date", zone=times.zone_named(hints.zone))


def _children(named: Sequence[FamlyChild | None]) -> tuple[SourceChild, ...]:
    children = [one for one in named if one is not None]
    if not 1 <= len(children) <= CHILDREN_MAX:
        raise FieldInvalid(f"An observation names 1 to {CHILDREN_MAX} children.", at="children")
    names = [one.name for one in children if one.id is None]
    if len(set(names)) < len(names):
        raise FieldInvalid("Two children of one name cannot be told apart without ids.", at="children")
    return tuple(
        SourceChild(identifier(one.id or one.name, at=f"children[{index}]"), display_name(one.name, at=f"children[{index}].name"))
        for index, one in enumerate(children)
    )


def _note(one: ChildNote, hints: ImportHints) -> tuple[Record, ...] | Ignored:
    """Translates a note about a child. Ignores the note if one of its flags hides it from parents.

    If a flag is missing, the note is imported only with `as_parent`.
    """
    media = _media(one.images, one.files)
    why = _hidden_reason(one, hints)
    children = _the_child(one.child, hints)
    if not children:
        return Ignored(why=why or Why.NO_CHILD, media=len(media))
    created, changed = one.created_at or one.published_at, one.modified_at or one.published_at
    if why is Why.UNMARKED:
        return _unmarked(media)
    entry = _entry_written_at(one.note_id, "note", children, created, changed, "createdAt", hints)
    if why is not None:
        return entry.ignored(why, media=len(media))
    return entry.translated(clean(one.text, at="text"), media=media)


def _hidden_reason(one: ChildNote, hints: ImportHints) -> Why | None:
    if one.safeguarding_concern:
        return Why.SAFEGUARDING
    if one.sensitive:
        return Why.SENSITIVE
    if one.parent_visible is False:
        return Why.NOT_FOR_PARENTS
    is_marked = None not in (one.safeguarding_concern, one.sensitive, one.parent_visible)
    return None if is_marked or hints.as_parent else Why.UNMARKED


def _feed_item(one: FeedItem, hints: ImportHints) -> tuple[Record, ...] | Ignored:
    """Translates a feed item.

    Most feed items are about a whole room and name no child, so the importing parent has to name the child.
    """
    media = _media(one.images, one.videos, one.files)
    if one.embed is not None and one.embed.observation_id is not None:
        return Ignored(why=Why.ELSEWHERE, media=len(media))
    children = _the_child(None, hints)
    if not children:
        return Ignored(why=Why.NO_CHILD, media=len(media))
    own_id = identifier(one.feed_item_id, at="feedItemId")
    entry = _entry_written_at(own_id, "item", children, one.created_date, None, "createdDate", hints)
    return entry.translated(clean(one.body, at="body"), media=media)


def _the_child(named: FamlyChild | None, hints: ImportHints) -> tuple[SourceChild, ...]:
    if named is not None and (named.id or named.name):
        return (SourceChild(identifier(named.id or named.name, at="child"), display_name(named.name, at="child.name")),)
    if hints.reference is None:
        return ()
    reference = identifier(hints.reference, at="reference")
    return (SourceChild(reference, hints.name_by_reference.get(reference)),)


def _entry_written_at(
    own_id: str | None,
    kind: str,
    children: tuple[SourceChild, ...],
    created: str | None,
    changed: str | None,
    at: str,
    hints: ImportHints,
) -> SourceEntry:
    """Returns the entry of a note or a feed item. Its time is the time of writing, because the file states no other time."""
    zone = times.zone_named(hints.zone)
    occurred_at, precision = times.parse_time(required(created, at=at), at=at, zone=zone)
    return SourceEntry(
        id=_generated_id(kind, occurred_at, 0) if own_id is None else identifier(own_id, at="noteId"),
        children=children,
        names_several=True,
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=occurred_at,
        revised_at=times.parse_revision(changed, at="modifiedAt"),
    )


def naming(record: Any, hints: ImportHints, reference: str) -> Naming | None:
    """Returns the possible ids of a record without an id, or None if the record has an id in the file.

    An id contains the kind, the time and the child. Records with the same kind, time and child are numbered from 0.
    """
    if not isinstance(record, dict) or any(record.get(name) is not None for name in ("id", "noteId", "feedItemId")):
        return None
    if _is_note(record):
        note, kind = converted(record, ChildNote), "note"
        created = required(note.created_at or note.published_at, at="createdAt")
        at, text = times.parse_time(created, at="createdAt", zone=times.zone_named(hints.zone))[0], note.text
    else:
        observation, kind = converted(record, Observation), "observation"
        remark = observation.remark or Remark()
        at, text = _day(remark, _stages(observation, hints), hints)[0], remark.body
    return Naming(row=text, id_of=lambda number: f"{_generated_id(kind, at, number)}#{reference}")


def _generated_id(kind: str, at: datetime, number: int) -> str:
    parts = msgspec.json.encode([kind, at.astimezone(UTC).isoformat(), number])
    return sha256(parts).hexdigest()[:32]


def _media(*lists: Sequence[FamlyMedia | None] | None) -> tuple[Media, ...]:
    kept = (one for listed in lists for one in listed or () if one is not None)
    return tuple(media for one in kept for media in media_files.media_named(_name_of(one)))


def _name_of(one: FamlyMedia) -> str | int | None:
    names = (one.id, one.image_id, one.video_id, one.file_id, one.name, one.filename)
    return next((name for name in names if name is not None), None)


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads one response, a list of responses, or a list of observations, notes and feed items."""
    return OpenedFile(found=json_file.records_in(body, lists=LISTS))


WHEN_UNMARKED: Final = (
    "ask Famly for `status { state createdAt }` of observations, and for `parentVisible`, `sensitive` and `safeguardingConcern` "
    "of notes"
)
SOURCE: Final = Source(
    name="famly", media_types=("application/json",), open=open_file, translate=translate, naming=naming,
    when_unmarked=WHEN_UNMARKED,
)  # fmt: skip
