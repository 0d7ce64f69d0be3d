"""The shape of a projection: what the log makes of a family, one event at a time.

The same fold runs in the append's own transaction and in a replay, and gives the same rows (law 11). A `Folding` is a
draft of that result: it is filled by pure steps, knows no rows, clocks or dice, and remembers what changed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.event import Event, Role
from events.ids import FamilyId, MemberId, Place, Seq
from projections import feed, first_saw, roster, visibility
from projections.feed import Run
from projections.first_saw import Sighting
from projections.roster import Roster
from projections.visibility import Past, Target


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The log before somebody joined."""

    past: Sequence[Past]
    """Every event from seq 1 on, in order."""
    commitments: Sequence[bytes]
    """Theirs, in the same order."""
    events: Mapping[Seq, Event[Any]]
    """At least those that make or change a sighting."""


class Tail:
    """The end of one member's feed, and the runs that changed since it was read."""

    __slots__ = ("_start", "changed", "last", "member")

    def __init__(self, family: FamilyId, member: MemberId, last: Run | None) -> None:
        self.member = member
        self.last = last
        self.changed: dict[Place, Run] = {}
        self._start = last.chain if last is not None else feed.origin(family, member)

    @property
    def place(self) -> int:
        """The last place; 0 of an empty feed."""
        return self.last.last_place if self.last is not None else 0

    def tell(self, first_seq: int, commitments: Sequence[bytes], told_at: datetime | None) -> None:
        """Append neighbours of the log."""
        for run in feed.tell(self.last, start=self._start, first_seq=first_seq, commitments=commitments, told_at=told_at):
            self.changed[run.first_place] = self.last = run


class Folding:
    """A family's state while events are folded into it.

    It begins with the last run of every feed, and with whatever `sightings` (seq -> who knows it -> what they know) the coming
    events may touch. After `step`s and a `settle`, the tails' changed runs and `changed_sightings` (None: gone) are what
    differs from the rows.
    """

    def __init__(self, family: FamilyId, state: Roster, last_runs: dict[MemberId, Run]) -> None:
        self.family = family
        self.roster = state
        self.tails = {member: Tail(family, member, last) for member, last in last_runs.items()}
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        self.changed_sightings: defaultdict[Seq, dict[MemberId, Sighting | None]] = defaultdict(dict)
        self._told: tuple[MemberId, ...] = ()
        self._told_tails: list[Tail] = []
        self._keepers: tuple[MemberId, ...] = ()
        self._first_seq = 0
        self._commitments: list[bytes] = []

    def step(self, seq: Seq, event: Event[Any], commitment: bytes, target: Target | None) -> tuple[MemberId, ...]:
        """Fold one more event of the log, and give the members who are told of it now."""
        kind = type(event.event).__name__
        if kind in roster.CHANGES_A_ROSTER:
            self.roster = roster.step(self.roster, event)
        told = visibility.decide(kind=kind, author=event.author, audience=event.audience, target=target, roster=self.roster).told
        if (told is not self._told and told != self._told) or seq != self._first_seq + len(self._commitments):
            self.settle()
            self._told, self._first_seq = told, seq
            self._told_tails = [self._tail(member) for member in told]
            self._keepers = tuple([member for member in told if self.keeps_sightings(member)])
        self._commitments.append(commitment)
        if (touched := first_saw.touched(kind=kind, seq=seq, target=target)) is not None:
            self._step_sightings(self._keepers, touched, event)
        return told

    def place_of(self, member: MemberId) -> int:
        """The last place of a member's feed as folded so far; 0 for an empty one."""
        return self._tail(member).place + (len(self._commitments) if member in self._told else 0)

    def settle(self) -> None:
        """Append what was told since the last settling to the feeds."""
        if self._commitments:
            for tail in self._told_tails:
                tail.tell(self._first_seq, self._commitments, None)
        self._told, self._commitments = (), []

    def welcome(self, event: Event[Any], joiner: MemberId, history: History) -> tuple[Seq, ...]:
        """Deliver what `joiner`, whom a MemberJoined brings in, is told of the log so far; gives its seqs.

        Call it before the `step` of that event.
        """
        self.settle()
        self.roster = roster.step(self.roster, event)
        told = visibility.history_for(self.roster.members[joiner], history.past, self.roster)
        for stretch in feed.neighbours(told):
            commitments = history.commitments[stretch[0] - 1 : stretch[-1]]
            self._tail(joiner).tell(stretch[0], commitments, event.received_at)
        if self.keeps_sightings(joiner):
            for seq in told:
                self._recall(joiner, history, seq)
        return told

    def _recall(self, member: MemberId, history: History, seq: Seq) -> None:
        then = history.past[seq - 1]
        target = history.past[then.target_seq - 1] if then.target_seq else None
        if (touched := first_saw.touched(kind=then.kind, seq=seq, target=target)) is not None:
            self._step_sightings((member,), touched, history.events[seq])

    def keeps_sightings(self, member: MemberId) -> bool:
        """Timelines are kept as rows for parents; for others they are folded when asked for."""
        return self.roster.members[member].role is Role.PARENT

    def last_runs(self) -> dict[MemberId, Run]:
        """The last run of every feed that is not empty."""
        return {member: tail.last for member, tail in self.tails.items() if tail.last is not None}

    def _tail(self, member: MemberId) -> Tail:
        if (tail := self.tails.get(member)) is None:
            tail = self.tails[member] = Tail(self.family, member, None)
        return tail

    def _step_sightings(self, members: tuple[MemberId, ...], seq: Seq, event: Event[Any]) -> None:
        """Fold an event into what these members know of one sighting; most often all of them know the same."""
        known, changed = self.sightings[seq], self.changed_sightings[seq]
        if not known and members and (fresh := first_saw.step(None, event)) is not None:
            known.update(dict.fromkeys(members, fresh))
            changed.update(known)
            return
        folded: dict[int, Sighting | None] = {}
        for member in members:
            before = known.get(member)
            if id(before) not in folded:
                folded[id(before)] = first_saw.step(before, event)
            after = changed[member] = folded[id(before)]
            if after is None:
                known.pop(member, None)
            else:
                known[member] = after
