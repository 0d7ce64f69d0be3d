"""Decides what one member may see of one event, and from when.

Owns the rule, whole. Knows no rows, routes or clocks: every fact it needs is an argument, so the rule that keeps a secret
can be read on one page. It is asked once, when an event is written; reads filter nothing (law 6).
"""

from collections.abc import Collection, Iterable

import msgspec

from events.event import AsTarget, Audience, Body
from events.family import ROSTER_FACTS, Sees
from events.ids import MemberId, Seq
from projections.roster import Member, Roster

ROSTER_KINDS = frozenset(fact.__name__ for fact in ROSTER_FACTS)


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the log, as far as the rule asks."""

    seq: Seq
    author: MemberId
    kind: str
    audience: Audience
    target_seq: Seq | None


class Target(Past, frozen=True, kw_only=True):
    """The event that another one refers to."""

    told: Collection[MemberId]
    """Everybody in whose feed it stands."""


class Verdict(msgspec.Struct, frozen=True):
    """Who is told of an event now, and from whom it is held until their own act releases it. Nobody is in both."""

    told: tuple[MemberId, ...]
    held: tuple[MemberId, ...] = ()


def audience_of(body: type[Body], *, asked: Audience | None, target: Target | None) -> Audience:
    """The audience of an event: as the draft asked, else the default beside its type; its target's where it follows one."""
    if isinstance(body.audience, AsTarget):
        assert target is not None, f"{body.__name__} follows its target"
        return target.audience
    return asked or body.audience


def decide(*, kind: str, author: MemberId, audience: Audience, target: Target | None, roster: Roster) -> Verdict:
    """Decide who is told of an event, given the roster as the event leaves it.

    An author is always told of their own words. Whoever sees an event has seen what it refers to.
    """
    told = _meant_for(kind, author, audience, roster)
    if target is None or target.told is told:
        return Verdict(told)
    return Verdict(tuple([member for member in told if member in target.told]))


def _meant_for(kind: str, author: MemberId, audience: Audience, roster: Roster) -> tuple[MemberId, ...]:
    if kind in ROSTER_KINDS:
        return roster.present
    readers = roster.readers[author]
    match audience:
        case Audience.ME:
            return readers.me
        case Audience.HOUSEHOLD:
            return readers.household
        case Audience.FAMILY:
            return readers.family


def history_for(joiner: Member, past: Iterable[Past], roster: Roster) -> tuple[Seq, ...]:
    """What a member who joins is told of the log so far, in its order.

    Names come with the roster facts, which everybody is told. The rest is for those who see all; a private word of another
    member is for nobody else, and what refers to something untold stays untold.
    """
    told: set[Seq] = set()
    for event in past:
        if event.kind in ROSTER_KINDS:
            told.add(event.seq)
            continue
        if joiner.sees is not Sees.ALL or not (event.target_seq is None or event.target_seq in told):
            continue
        match event.audience:
            case Audience.ME:
                is_meant = False
            case Audience.HOUSEHOLD:
                is_meant = roster.members[event.author].household == joiner.household
            case Audience.FAMILY:
                is_meant = True
        if is_meant:
            told.add(event.seq)
    return tuple(sorted(told))
