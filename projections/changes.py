"""The changes that an event makes to a family's projections, as data: what a store writes, and whom a notifier wakes.

A closed list: `Change`. Each is complete, so that it can be written without asking the family for more.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from events.ids import MemberId, Seq
from events.surprise import Hint
from projections.first_saw import Sighting
from projections.roster import Roster
from projections.subjects import DescribedEvent
from projections.wishes import Wishes


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """An event was delivered to members when it was written."""

    seq: Seq
    commitment: bytes
    members: tuple[MemberId, ...]


class HistoryDelivered(msgspec.Struct, frozen=True):
    """A member who joined was delivered what they may know of the log so far, in its order."""

    member: MemberId
    seqs: Sequence[Seq]
    commitments: Sequence[bytes]
    at: datetime


class Released(msgspec.Struct, frozen=True):
    """Held events were delivered to a member after all, in the order of the log. They are held no longer."""

    member: MemberId
    why: str
    """`own_first`, `opened`, `told`, `time` or `sorted`."""
    seqs: Sequence[Seq]
    commitments: Sequence[bytes]
    at: datetime


class Hinted(msgspec.Struct, frozen=True):
    """A member was delivered a hint: there is something new."""

    member: MemberId
    hint: Hint
    at: datetime


class Held(msgspec.Struct, frozen=True, gc=False):
    """An event is held from a member, or held as something else than before."""

    member: MemberId
    described: DescribedEvent


class LetGo(msgspec.Struct, frozen=True):
    """Held events are held no longer, and are never delivered: their author took them back."""

    member: MemberId
    seqs: Sequence[Seq]


class SightingSet(msgspec.Struct, frozen=True, gc=False):
    """What members know of a sighting has changed, or is new."""

    seq: Seq
    members: tuple[MemberId, ...]
    sighting: Sighting


class SightingGone(msgspec.Struct, frozen=True, gc=False):
    """A sighting was withdrawn for these members."""

    seq: Seq
    members: tuple[MemberId, ...]


class WishesSet(msgspec.Struct, frozen=True):
    """A member has chosen: these are all their wishes now."""

    member: MemberId
    wishes: Wishes


class SurprisesForgotten(msgspec.Struct, frozen=True):
    """A member left: they wish for nothing, and nothing is held from them."""

    member: MemberId


class RosterSet(msgspec.Struct, frozen=True, gc=False):
    """The roster has changed."""

    roster: Roster


Change = (
    Delivered
    | HistoryDelivered
    | Released
    | Hinted
    | Held
    | LetGo
    | SightingSet
    | SightingGone
    | WishesSet
    | SurprisesForgotten
    | RosterSet
)
