"""Holds an event of the log without its body: the facts that later events, admission and the surprise rule need of it."""

from collections.abc import Collection
from typing import Any

import msgspec

from events.event import Audience, Event
from events.ids import MemberId, Seq
from events.observations import MilestoneObserved


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of the log: its place, its author, its references and its recipients."""

    seq: Seq
    author: MemberId
    kind: str
    audience: Audience
    target_seq: Seq | None
    """The event that it refers to."""
    thread: Seq
    """The event that began the thread: the last one in the chain of references; its own seq where it refers to none."""
    thread_kind: str
    thread_author: MemberId
    """The member who began the thread."""
    delivered_to: Collection[MemberId] = ()
    """The members with this event in their feeds. Empty where no code needs it."""
    is_found: bool = False
    """Whether its milestone was found in a daycare's words, and not chosen by a member."""


def logged(seq: Seq, event: Event[Any], target: LoggedEvent | None, *, delivered_to: Collection[MemberId] = ()) -> LoggedEvent:
    """Returns the facts of an event that the log keeps. `target`: the event that it refers to."""
    body = event.event
    kind = type(body).__name__
    return LoggedEvent(
        seq,
        event.author,
        kind,
        event.audience,
        None if target is None else target.seq,
        seq if target is None else target.thread,
        kind if target is None else target.thread_kind,
        event.author if target is None else target.thread_author,
        delivered_to,
        type(body) is MilestoneObserved and body.found_in_prose,
    )
