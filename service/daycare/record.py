"""Defines what a daycare recorded about one child. Owns the shape; every source is translated to it."""

from datetime import datetime

import msgspec

from events.event import Precision


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or a film that a record names. It is not fetched: links expire, and show other families' children."""

    name: str
    """The source's own id for it, or its file name; never its address."""
    content_type: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a daycare about one child. A source's entry about several children becomes one record for each."""

    id: str
    """The source's own id, 1 to 255 characters. If an entry is about several children, `#` and the reference follow it."""
    reference: str
    """The source's own name for the child, 1 to 255 characters. Opaque: only a parent can link it to a child."""
    shown_name: str | None = None
    """The child's name as the source shows it: helps a parent to link, and helps to read prose. Never used to guess a child."""
    occurred_at: datetime
    """When it happened, with the offset that the source gives."""
    precision: Precision
    recorded_at: datetime
    """When it was entered in the source."""
    revised_at: datetime
    """When it was last changed in the source: of two contents under one id the later one counts."""
    is_dated: bool = True
    """Whether the source gave `revised_at`. Else it is the time of the call, and an old content may arrive with a new time."""
    imported_at: datetime | None = None
    """When the file with this record was imported; None if it was posted. Of two imported contents without a date of change, the
    one of the later import counts."""
    milestone: str | None = None
    """A key of the catalogue, if the source itself names a milestone."""
    text: str | None = None
    """The words, as a parent would read them; None if there are none."""
    prose: str | None = None
    """The part of `text` that a person wrote freely: only this is read for milestones. None: all of it; empty: none of it.
    What a source or its adapter composed (`Activity: First steps`) names an offer, not what the child did."""
    media: tuple[Media, ...] = ()
    is_gone: bool = False
    """Whether the source has deleted or withdrawn it."""
