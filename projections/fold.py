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


class Folding:
    """A family's state while events are folded into it.

    `last_runs` holds the last run of every member's feed and `sightings` (seq -> who knows it -> what they know) whatever the
    coming events may touch. After `step`s and a `settle`, `changed_runs` and `changed_sightings` (None: gone) are what
    differs from the rows.
    """

    def __init__(self, family: FamilyId, state: Roster, last_runs: dict[MemberId, Run]) -> None:
        self.family = family
        self.roster = state
        self.last_runs = last_runs
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        self.changed_runs: dict[tuple[MemberId, Place], Run] = {}
        self.changed_sightings: defaultdict[Seq, dict[MemberId, Sighting | None]] = defaultdict(dict)
        self._told: tuple[MemberId, ...] = ()
        self._keepers: tuple[MemberId, ...] = ()
        self._first_seq = 0
        self._commitments: list[bytes] = []

    def step(self, seq: Seq, event: Event[Any], commitment: bytes, target: Target | None) -> tuple[MemberId, ...]:
        """Fold one more event of the log, and give the members who are told of it now."""
        self.roster = roster.step(self.roster, event)
        kind = type(event.event).__name__
        told = visibility.decide(kind=kind, author=event.author, audience=event.audience, target=target, roster=self.roster).told
        if (told is not self._told and told != self._told) or seq != self._first_seq + len(self._commitments):
            self.settle()
            self._told, self._first_seq = told, seq
            self._keepers = tuple([member for member in told if self.keeps_sightings(member)])
        self._commitments.append(commitment)
        if (touched := first_saw.touched(kind=kind, seq=seq, target=target)) is not None:
            self._step_sightings(self._keepers, touched, event)
        return told

    def place_of(self, member: MemberId) -> int:
        """The last place of a member's feed as folded so far; 0 for an empty one."""
        last = self.last_runs.get(member)
        return (last.last_place if last else 0) + (len(self._commitments) if member in self._told else 0)

    def settle(self) -> None:
        """Append what was told since the last settling to the feeds."""
        if self._commitments:
            for member in self._told:
                self._tell(member, self._first_seq, self._commitments, None)
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
            self._tell(joiner, stretch[0], commitments, event.received_at)
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

    def _tell(self, member: MemberId, first_seq: int, commitments: Sequence[bytes], told_at: datetime | None) -> None:
        runs = feed.tell(
            self.last_runs.get(member),
            start=feed.origin(self.family, member),
            first_seq=first_seq,
            commitments=commitments,
            told_at=told_at,
        )
        for run in runs:
            self.changed_runs[member, run.first_place] = run
        self.last_runs[member] = runs[-1]

    def _step_sightings(self, members: tuple[MemberId, ...], seq: Seq, event: Event[Any]) -> None:
        """Fold an event into what these members know of one sighting; most often all of them know the same."""
        known, changed = self.sightings[seq], self.changed_sightings[seq]
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
