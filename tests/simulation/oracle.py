"""Who ought to be told of what, worked out the slow way: one event and one member at a time, from the log alone.

Owns a second opinion. Shares no line with the rule that the service runs, so that a mistake has to be made twice.
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
class Known:
    """An event of the log, and who was told of it."""

    seq: int
    event: Event[Any]
    target: "Known | None"
    told: set[MemberId]


class Oracle:
    """The feeds of one family, from its log."""

    def __init__(self, log: Sequence[tuple[int, Event[Any]]]) -> None:
        self.known: list[Known] = []
        self.feeds: dict[MemberId, list[int]] = {}
        self._joined: dict[MemberId, MemberJoined] = {}
        self._left: set[MemberId] = set()
        for seq, event in log:
            self._add(seq, event)

    def _add(self, seq: int, event: Event[Any]) -> None:
        known = Known(seq, event, self._target_of(event), set())
        match event.event:
            case MemberJoined(member=member) as joined:
                self._joined[member] = joined
                for earlier in self.known:
                    if self._is_history_for(member, earlier):
                        self._tell(member, earlier)
            case MemberLeft(member=member):
                self._left.add(member)
        self.known.append(known)
        for member in sorted(self._joined.keys() - self._left):
            if self._is_for(member, known):
                self._tell(member, known)

    def _tell(self, member: MemberId, known: Known) -> None:
        known.told.add(member)
        self.feeds.setdefault(member, []).append(known.seq)

    def _is_for(self, member: MemberId, known: Known) -> bool:
        event = known.event
        if isinstance(event.event, FACTS):
            return True
        if known.target is not None and member not in known.target.told:
            return False
        if member == event.author:
            return True
        if event.audience is Audience.ME or self._joined[member].sees is Sees.OWN:
            return False
        return event.audience is Audience.FAMILY or self._live_together(member, event.author)

    def _is_history_for(self, member: MemberId, known: Known) -> bool:
        is_fact = isinstance(known.event.event, FACTS)
        return is_fact or (self._joined[member].sees is Sees.ALL and self._is_for(member, known))

    def _live_together(self, one: MemberId, other: MemberId) -> bool:
        return self._joined[one].household == self._joined[other].household

    def _target_of(self, event: Event[Any]) -> Known | None:
        named = getattr(event.event, event.event.refers) if event.event.refers else None
        told = [known for known in self.known if known.event.id == named and event.author in known.told]
        own = [known for known in told if known.event.author == event.author]
        return next(iter(own or told), None)


def chain_of(family: FamilyId, member: MemberId, commitments: Sequence[bytes]) -> list[str]:
    """The chain before the first entry of a feed and after each one, as section Pull of the protocol defines it."""
    chain = sha256(UUID(str(family)).bytes + UUID(str(member)).bytes).digest()
    chains = [chain.hex()]
    for place, commitment in enumerate(commitments, 1):
        chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
        chains.append(chain.hex())
    return chains
