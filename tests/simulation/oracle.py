"""Computes the feeds of a family from the log alone, slowly: one event and one member at a time.

Owns an independent implementation of visibility, without the surprise. It shares no line with the service's implementation. So a
mistake in one of the two implementations shows as a difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from events.event import Audience, Event
from events.family import (
    ChildAdded,
    ChildCorrected,
    FamilyFounded,
    HouseholdOpened,
    HouseholdRenamed,
    MemberJoined,
    MemberLeft,
    MemberRenamed,
    Sees,
)
from events.ids import FamilyId, MemberId

FACTS = (
    FamilyFounded, HouseholdOpened, ChildAdded, MemberJoined, MemberLeft, ChildCorrected, MemberRenamed, HouseholdRenamed,
)  # fmt: skip


@dataclass
class EventWithReaders:
    """An event of the log, with the event to which it refers, and the members to whom it is visible."""

    seq: int
    event: Event[Any]
    target: "EventWithReaders | None"
    readers: set[MemberId]


class Oracle:
    """The feeds of one family, computed from its log. `feeds` has the seqs of each member's entries, in order."""

    def __init__(self, log: Sequence[tuple[int, Event[Any]]]) -> None:
        self.events: list[EventWithReaders] = []
        self.feeds: dict[MemberId, list[int]] = {}
        self._joined: dict[MemberId, MemberJoined] = {}
        self._left: set[MemberId] = set()
        for seq, event in log:
            self._add(seq, event)

    def _add(self, seq: int, event: Event[Any]) -> None:
        item = EventWithReaders(seq, event, self._target_of(event), set())
        match event.event:
            case MemberJoined(member=member) as joined:
                self._joined[member] = joined
                for earlier in self.events:
                    if self._is_history_for(member, earlier):
                        self._deliver(member, earlier)
            case MemberLeft(member=member):
                self._left.add(member)
        self.events.append(item)
        for member in sorted(self._joined.keys() - self._left):
            if self._is_for(member, item):
                self._deliver(member, item)

    def _deliver(self, member: MemberId, item: EventWithReaders) -> None:
        item.readers.add(member)
        self.feeds.setdefault(member, []).append(item.seq)

    def _is_for(self, member: MemberId, item: EventWithReaders) -> bool:
        event = item.event
        if isinstance(event.event, FACTS):
            return True
        if item.target is not None and member not in item.target.readers:
            return False
        if member == event.author:
            return True
        if event.audience is Audience.ME or self._joined[member].sees is Sees.OWN:
            return False
        return event.audience is Audience.FAMILY or self._live_together(member, event.author)

    def _is_history_for(self, member: MemberId, item: EventWithReaders) -> bool:
        is_fact = isinstance(item.event.event, FACTS)
        return is_fact or (self._joined[member].sees is Sees.ALL and self._is_for(member, item))

    def _live_together(self, one: MemberId, other: MemberId) -> bool:
        return self._joined[one].household == self._joined[other].household

    def _target_of(self, event: Event[Any]) -> EventWithReaders | None:
        named = getattr(event.event, event.event.refers) if event.event.refers else None
        visible = [item for item in self.events if item.event.id == named and event.author in item.readers]
        own = [item for item in visible if item.event.author == event.author]
        return next(iter(own or visible), None)


def chain_of(family: FamilyId, member: MemberId, commitments: Sequence[bytes]) -> list[str]:
    """Returns the chain before the first entry of a feed and after each entry, as hex. See section Pull of docs/protocol.md."""
    chain = sha256(UUID(str(family)).bytes + UUID(str(member)).bytes).digest()
    chains = [chain.hex()]
    for place, commitment in enumerate(commitments, 1):
        chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
        chains.append(chain.hex())
    return chains
