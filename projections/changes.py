"""Defines the changes that an event makes to a family's projections, as data for a store to write and a notifier to announce.

A closed list: `Change`. Each change is complete, so that it can be written without any other fact of the family.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from events.ids import MemberId, Seq
from events.surprise import Hint
from projections.first_saw import Sighting
from projections.logged_event import DescribedEvent
from projections.roster import Roster
from projections.surprise_state import Wishes


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """An event was delivered to these members when it was written."""

    seq: Seq
    commitment: bytes
    members: tuple[MemberId, ...]


class HistoryDelivered(msgspec.Struct, frozen=True):
    """Events from before a member joined were delivered to that member, in the order of the log."""

    member: MemberId
    seqs: Sequence[Seq]
    commitments: Sequence[bytes]
    at: datetime


class Released(msgspec.Struct, frozen=True):
    """Held events were released and delivered to a member, in the order of the log. They are held no longer."""

    member: MemberId
    why: str
    """The kind of act that released the events: `own_first`, `opened`, `told`, `time` or `sorted`."""
    seqs: Sequence[Seq]
    commitments: Sequence[bytes]
    at: datetime


class Hinted(msgspec.Struct, frozen=True):
    """A hint that there is something new was delivered to a member."""

    member: MemberId
    hint: Hint
    at: datetime


class Held(msgspec.Struct, frozen=True, gc=False):
    """An event is now held from a member, or the description of an event that is held from them has changed."""

    member: MemberId
    described: DescribedEvent


class LetGo(msgspec.Struct, frozen=True):
    """A held event was withdrawn by its author. It and the events that refer to it are held no longer, and never delivered."""

    member: MemberId
    seqs: Sequence[Seq]


class SightingSet(msgspec.Struct, frozen=True, gc=False):
    """A sighting is new for these members, or has changed for them."""

    seq: Seq
    members: tuple[MemberId, ...]
    sighting: Sighting


class SightingGone(msgspec.Struct, frozen=True, gc=False):
    """A sighting was withdrawn for these members."""

    seq: Seq
    members: tuple[MemberId, ...]


class WishesSet(msgspec.Struct, frozen=True):
    """A member has made a choice. `wishes`: all choices of the member that are now in force."""

    member: MemberId
    wishes: Wishes


class SurprisesForgotten(msgspec.Struct, frozen=True):
    """A member left: they have no wishes any more, and nothing is held from them."""

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
