"""What is read of Famly's answers: observations, notes about a child, items of the feed. Owns the fields; reads none of them.

Any field may be missing or null: what is needed of a record `famly` says.
"""

import msgspec


class FamlyNamed(msgspec.Struct, frozen=True, kw_only=True):
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


class Kept(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A picture, a film or a file, by its id: under that name, or as the feed and the public tools name it."""

    id: str | int | None = None
    image_id: str | int | None = None
    video_id: str | int | None = None
    file_id: str | int | None = None
    name: str | None = None
    filename: str | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one observation."""

    id: str | None = None
    children: list[FamlyNamed | None] | None = None
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
    child: FamlyNamed | None = None
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
