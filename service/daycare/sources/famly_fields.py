"""Defines the fields that are read from Famly's observations, child notes and feed items.

In a file, any of these fields may be missing or null. `famly` decides which fields are required.
"""

import msgspec


class FamlyChild(msgspec.Struct, frozen=True, kw_only=True):
    """A child's name, and the child's id if the query requested ids."""

    id: str | None = None
    name: str | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A publishing step of an observation: DRAFT, SENT and so on."""

    state: str | None = None
    created_at: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """The text and the day of an observation. The field `richTextBody` is not read, because it has the same text in HTML."""

    date: str | None = None
    body: str | None = None


class FamlyMedia(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A picture, a film or a file. The name of its id field differs between the API, the feed and the public tools."""

    id: str | int | None = None
    image_id: str | int | None = None
    video_id: str | int | None = None
    file_id: str | int | None = None
    name: str | None = None
    filename: str | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read from one observation."""

    id: str | None = None
    children: list[FamlyChild | None] | None = None
    variant: str | None = None
    status: Stage | None = None
    statuses: list[Stage | None] | None = None
    remark: Remark | None = None
    images: list[FamlyMedia | None] | None = None
    files: list[FamlyMedia | None] | None = None
    video: FamlyMedia | None = None
    videos: list[FamlyMedia | None] | None = None


class ChildNote(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields that are read from one note about a child."""

    note_id: str | None = None
    text: str | None = None
    created_at: str | None = None
    published_at: str | None = None
    modified_at: str | None = None
    sensitive: bool | None = None
    safeguarding_concern: bool | None = None
    parent_visible: bool | None = None
    child: FamlyChild | None = None
    images: list[FamlyMedia | None] | None = None
    files: list[FamlyMedia | None] | None = None


class Embed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The record that a feed item refers to."""

    observation_id: str | None = None


class FeedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields that are read from one feed item."""

    feed_item_id: str | None = None
    created_date: str | None = None
    body: str | None = None
    embed: Embed | None = None
    images: list[FamlyMedia | None] | None = None
    videos: list[FamlyMedia | None] | None = None
    files: list[FamlyMedia | None] | None = None
