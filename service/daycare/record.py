"""What a daycare wrote down about one child, whatever its system calls it. Owns the shape; every source is translated to it."""

from datetime import datetime

import msgspec

from events.event import Precision


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or a film that a record names. Nobody fetches it: links expire, and show other families' children."""

    name: str
    """The source's own id of it, or its file name; never its address."""
    content_type: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was written down about one child. A source's record about several children is one of these for each."""

    id: str
    """The source's own id, 1 to 255 characters; of a record about several children with `#` and the child's reference."""
    reference: str
    """The source's own name of the child, 1 to 255 characters. Opaque: only a parent says whose child it is."""
    shown_name: str | None = None
    """The child's name as the source shows it: to help a parent to link, and to read prose. Never guessed from."""
    occurred_at: datetime
    """When it happened, with the offset that the source gives."""
    precision: Precision
    recorded_at: datetime
    """When it was entered there."""
    revised_at: datetime
    """When it was last changed there: of two contents under one id the later one counts."""
    is_dated: bool = True
    """Whether the source says so. Else it is the time of the call, and an old content may come late under a new time."""
    imported_at: datetime | None = None
    """When the file was imported that says this; None where it was posted. Of two imported contents without a date of change the
    one of the later import counts."""
    milestone: str | None = None
    """A key of the catalogue, where the source itself names a milestone."""
    text: str | None = None
    """The words, as a parent would read them; None where it has none, and nothing can be said of it."""
    prose: str | None = None
    """Those words of `text` that somebody wrote freely, which alone are read for milestones; None: all of it is; empty: none is.
    What a source or its adapter composed (`Activity: First steps`) names what was on offer, and not what the child did."""
    media: tuple[Media, ...] = ()
    is_gone: bool = False
    """The source has deleted it, or taken it back."""
