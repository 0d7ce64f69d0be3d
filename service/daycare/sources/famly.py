"""Famly: observations of learning journeys, notes about a child, and items of the feed, as its GraphQL and its API answer them.

Owns which fields are read. Only what was sent to parents is told. Of an observation only the prose (`remark.body`): its areas and
statements grade the child against a framework (emerging, developing, secure), its next steps are plans, and neither is something
that happened. An observation names several children, by names alone: a name is the reference where there is no id.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

import msgspec

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources import json_file, times, words
from service.daycare.sources.entry import Child, Entry
from service.daycare.sources.fields import clean, identifier, required, shaped, shown
from service.daycare.sources.reading import NOTHING_GIVEN, File, Given, Ignored, Source, Why

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


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A child, by name; by an id where the query asked for it."""

    id: str | None = None
    name: str | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step on the way to the parents."""

    state: str | None = None
    created_at: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """The words, and the day that they are about. `richTextBody` is the same in HTML, and is not read."""

    date: str | None = None
    body: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, a film or a file, by its id."""

    id: str | int | None = None
    name: str | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one observation."""

    id: str | None = None
    children: list[Named | None] | None = None
    variant: str | None = None
    status: Stage | None = None
    statuses: list[Stage | None] | None = None
    remark: Remark | None = None
    images: list[Kept | None] | None = None
    files: list[Kept | None] | None = None
    video: Kept | None = None
    videos: list[Kept | None] | None = None


class ChildNote(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is read of one note about a child."""

    note_id: str | None = None
    text: str | None = None
    created_at: str | None = None
    published_at: str | None = None
    modified_at: str | None = None
    sensitive: bool | None = None
    safeguarding_concern: bool | None = None
    parent_visible: bool | None = None
    child: Named | None = None
    images: list[Kept | None] | None = None
    files: list[Kept | None] | None = None


class Embed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an item of the feed points at."""

    observation_id: str | None = None


class FeedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is read of one item of the feed."""

    feed_item_id: str | None = None
    created_date: str | None = None
    body: str | None = None
    embed: Embed | None = None
    images: list[Kept | None] | None = None
    videos: list[Kept | None] | None = None
    files: list[Kept | None] | None = None


def translate(record: Any, given: Given = NOTHING_GIVEN) -> tuple[Record, ...] | Ignored:
    """Turn an observation, a note or an item of the feed into a record for each child that it names."""
    if isinstance(record, dict) and "noteId" in record:
        return _note(shaped(record, ChildNote), given)
    if isinstance(record, dict) and "feedItemId" in record:
        return _item(shaped(record, FeedItem), given)
    return _observation(shaped(record, Observation), given)


def _observation(one: Observation, given: Given) -> tuple[Record, ...] | Ignored:
    stages = _stages(one, given)
    occurred_at, precision = _day(one.remark or Remark(), stages, given)
    entry = Entry(
        id=identifier(one.id, at="id"),
        children=_children(one.children or ()),
        names_several=True,
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=stages[0][0] if stages else occurred_at,
        revised_at=stages[-1][0] if stages else None,
    )
    media = _media(one.images, one.files, one.videos, [one.video])
    state = next((state for _, state in reversed(stages) if state is not None), None)
    if state not in SENT:
        return entry.ignored(Why.UNMARKED if state is None else Why.DRAFT, media=len(media))
    if (why := WHY_NOT_BY_VARIANT.get(one.variant or "")) is not None:
        return entry.ignored(why, media=len(media))
    return entry.told(clean((one.remark or Remark()).body, at="remark.body"), media=media)


def _stages(one: Observation, given: Given) -> list[tuple[datetime, str | None]]:
    """The way to the parents in the order of time; of two stages at one time, as they are listed."""
    zone = times.zone_named(given.zone)
    reached = [
        (times.moment(stage.created_at, at=f"statuses[{index}].createdAt", zone=zone)[0], stage.state)
        for index, stage in enumerate([*(one.statuses or ()), one.status])
        if stage is not None and stage.created_at is not None
    ]
    return sorted(reached, key=itemgetter(0))


def _day(remark: Remark, stages: Sequence[tuple[datetime, str | None]], given: Given) -> tuple[datetime, Precision]:
    """The day that an observation is about; where it names none, the day when it was begun."""
    if remark.date is None and stages:
        return stages[0][0], Precision.DAY
    return times.moment(required(remark.date, at="remark.date"), at="remark.date", zone=times.zone_named(given.zone))


def _children(named: Sequence[Named | None]) -> tuple[Child, ...]:
    children = [one for one in named if one is not None]
    if not 1 <= len(children) <= CHILDREN_MAX:
        raise FieldInvalid(f"An observation names 1 to {CHILDREN_MAX} children.", at="children")
    names = [one.name for one in children if one.id is None]
    if len(set(names)) < len(names):
        raise FieldInvalid("Two children of one name cannot be told apart without ids.", at="children")
    return tuple(
        Child(identifier(one.id or one.name, at=f"children[{index}]"), shown(one.name, at=f"children[{index}].name"))
        for index, one in enumerate(children)
    )


def _note(one: ChildNote, given: Given) -> tuple[Record, ...] | Ignored:
    """A note about a child: told only where the file says of each of its three marks that parents may see it."""
    media = _media(one.images, one.files)
    why = _why_not(one)
    children = _the_child(one.child, given)
    if not children:
        return Ignored(why=why or Why.NO_CHILD, media=len(media))
    created, changed = one.created_at or one.published_at, one.modified_at or one.published_at
    entry = _dated(identifier(one.note_id, at="noteId"), children, created, changed, "createdAt", given)
    if why is not None:
        return entry.ignored(why, media=len(media))
    return entry.told(clean(one.text, at="text"), media=media)


def _why_not(one: ChildNote) -> Why | None:
    if one.safeguarding_concern:
        return Why.SAFEGUARDING
    if one.sensitive:
        return Why.SENSITIVE
    if one.parent_visible is False:
        return Why.NOT_FOR_PARENTS
    return Why.UNMARKED if None in (one.safeguarding_concern, one.sensitive, one.parent_visible) else None


def _item(one: FeedItem, given: Given) -> tuple[Record, ...] | Ignored:
    """An item of the feed: about a whole room as a rule, and told only where whoever imports it says about whom it is."""
    media = _media(one.images, one.videos, one.files)
    if one.embed is not None and one.embed.observation_id is not None:
        return Ignored(why=Why.ELSEWHERE, media=len(media))
    children = _the_child(None, given)
    if not children:
        return Ignored(why=Why.NO_CHILD, media=len(media))
    entry = _dated(identifier(one.feed_item_id, at="feedItemId"), children, one.created_date, None, "createdDate", given)
    return entry.told(clean(one.body, at="body"), media=media)


def _the_child(named: Named | None, given: Given) -> tuple[Child, ...]:
    if named is not None and (named.id or named.name):
        return (Child(identifier(named.id or named.name, at="child"), shown(named.name, at="child.name")),)
    if given.reference is None:
        return ()
    reference = identifier(given.reference, at="reference")
    return (Child(reference, given.name_by_reference.get(reference)),)


def _dated(
    own_id: str, children: tuple[Child, ...], created: str | None, changed: str | None, at: str, given: Given
) -> Entry:
    """An entry whose one time is when it was written."""
    zone = times.zone_named(given.zone)
    occurred_at, precision = times.moment(required(created, at=at), at=at, zone=zone)
    return Entry(
        id=own_id,
        children=children,
        names_several=True,
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=occurred_at,
        revised_at=times.revised(changed, at="modifiedAt"),
    )


def _media(*lists: Sequence[Kept | None] | None) -> tuple[Media, ...]:
    kept = (one for listed in lists for one in listed or () if one is not None)
    return tuple(media for one in kept for media in words.kept(one.name if one.id is None else one.id))


def open_file(body: bytes) -> File:
    """Read one answer, several in a list, or a list of observations, notes and items."""
    return File(found=json_file.records_in(body, lists=LISTS))


SOURCE: Final = Source(name="famly", media_types=("application/json",), open=open_file, translate=translate)
