"""Events of the log as later ones refer to them. Owns the shapes; decides nothing."""

from collections.abc import Collection

import msgspec

from events.event import Audience
from events.ids import MemberId, Seq


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the log, as far as the rule asks."""

    seq: Seq
    author: MemberId
    kind: str
    audience: Audience
    target_seq: Seq | None
    thread: Seq
    """The event at the end of the chain of references: its own seq where it refers to none."""
    thread_kind: str
    thread_author: MemberId
    """The author of the event at the end of that chain: the member who began the thread."""


class Target(Past, frozen=True, kw_only=True):
    """The event that another one refers to."""

    told: Collection[MemberId]
    """Everybody in whose feed it stands."""
    is_found: bool = False
    """A milestone that nobody named: it was found in a daycare's words."""
