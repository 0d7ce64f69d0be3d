"""Defines `Record`: one entry of a daycare about one child. Posted events and the rows of imported files become this type."""

from datetime import datetime

import msgspec

from events.event import Precision


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or a film that a record names. The service does not fetch it, because children of other families may be in it."""

    name: str
    """The id of the picture or film in the source, or its file name. The name is never a URL."""
    content_type: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a daycare about one child.

    If an entry of the source is about several children, it becomes a record for each child.
    """

    id: str
    """The source's id of the entry, 1 to 255 characters. If the entry can be about several children, `#` and the child's
    reference follow the source's id."""
    reference: str
    """The source's id of the child, 1 to 255 characters. Only a parent, or a daycare with a parent's code, can link the reference
    to a child of the family."""
    shown_name: str | None = None
    """The child's name in the source. The name is shown to a parent who links the reference, and helps to find the child in the
    words. The service never links a child by its name."""
    occurred_at: datetime
    """The time at which the described thing happened, with the offset that the source gives."""
    precision: Precision
    recorded_at: datetime
    """The time at which the entry was made in the source."""
    revised_at: datetime
    """The time at which the entry was last changed in the source. Of two contents with the same id, the later content counts."""
    is_dated: bool = True
    """Whether the source gave `revised_at`. If the source did not, `revised_at` is another time of the record or the time of the
    call. An old content may then arrive with a newer time."""
    imported_at: datetime | None = None
    """The time at which the file with this record was imported. None: the record was posted. Of two imported contents without a
    date of change, the content from the later import counts."""
    milestone: str | None = None
    """The milestone's key in the catalogue. None: the source itself names no milestone."""
    text: str | None = None
    """The words that a parent reads. None: the record has no words."""
    prose: str | None = None
    """The part of `text` that a person wrote freely. Only this part is searched for milestones. None: the whole `text` is
    searched; empty: nothing is searched. Composed text (`Activity: First steps`) is not part of `prose`, because it names an
    offered activity and not what the child did."""
    media: tuple[Media, ...] = ()
    is_gone: bool = False
    """Whether the source has deleted or withdrawn the entry."""
