"""A log without rows: events are folded as the append and the replay fold them, in memory.

Owns who refers to what, as the service resolves it. Decides nothing of what the fold makes of it.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec

from events.event import Audience, Body, Event, Precision
from events.family import MemberJoined
from events.ids import EventId, MemberId, Seq
from projections import roster, timeline
from projections.feed import Run
from projections.first_saw import Sighting
from projections.fold import Folding
from projections.holds import Release
from projections.joining_history import History
from projections.logged_event import Past, Target
from projections.timeline import TimelineEntry
from projections.visibility import audience_of
from tests.families import Family

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def happened(
    author: MemberId,
    body: Body,
    *,
    id: UUID | None = None,
    at: datetime = NOON,
    precision: Precision = Precision.MINUTE,
    recorded_at: datetime = NOON,
    audience: Audience = Audience.FAMILY,
) -> Event[Any]:
    """An event, as the log keeps it; what follows a target gets its audience when it is told."""
    return Event(
        id=EventId(id or uuid4()), author=author, occurred_at=at, precision=precision, recorded_at=recorded_at,
        received_at=NOON, audience=audience, event=body,
    )  # fmt: skip


class Told:
    """A log and what each member was told of it."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.folding = Folding(family.family, roster.EMPTY, {})
        self.events: list[Event[Any]] = []
        self.past: list[Past] = []
        self.told: list[tuple[MemberId, ...]] = []
        """By seq, from 1 on."""
        self.feeds: dict[MemberId, list[Seq]] = {}
        """What each member was told, in that order; hints aside, which are in the tails."""
        self.released: list[Release] = []

    @classmethod
    def of_everybody(cls, family: Family) -> "Told":
        """A log with the whole family in it."""
        told = cls(family)
        for fact in family.founded():
            told.add(happened(family.ada, fact))
        for member in family.members[1:]:
            told.join(member)
        return told

    def join(self, member: MemberId) -> None:
        """Let one of the family join."""
        for fact in self.family.joined(member):
            self.add(happened(self.family.ada, fact))

    def add(self, event: Event[Any]) -> tuple[MemberId, ...]:
        """Fold one more event; who is told of it now."""
        seq, target = Seq(len(self.events) + 1), self._target(event)
        audience = audience_of(type(event.event), asked=event.audience, target=target)
        event = msgspec.structs.replace(event, audience=audience)
        history = History(past=self.past, commitments=self.commitments(), events=dict(enumerate_seqs(self.events)))
        if isinstance(event.event, MemberJoined) and seq > 1:
            joiner = event.event.member
            for known in self.folding.welcome(event, joiner, history):
                self.told[known - 1] = (*self.told[known - 1], joiner)
                self.feeds.setdefault(joiner, []).append(known)
        stepped = self.folding.step(seq, event, commitment(seq), target)
        told = stepped.told
        self.events.append(event)
        self.past.append(
            Past(
                seq=seq,
                author=event.author,
                kind=type(event.event).__name__,
                audience=audience,
                target_seq=target.seq if target else None,
                thread=target.thread if target else seq,
                thread_kind=target.thread_kind if target else type(event.event).__name__,
                thread_author=target.thread_author if target else event.author,
            )
        )
        self.told.append(told)
        for member in told:
            self.feeds.setdefault(member, []).append(seq)
        for release in stepped.releases:
            self._release(release, event.received_at)
        return told

    def _release(self, release: Release, told_at: datetime) -> None:
        seqs = [case.seq for case in release.cases]
        self.folding.release(release, {seq: (self.events[seq - 1], commitment(seq)) for seq in seqs}, told_at)
        self.feeds.setdefault(release.member, []).extend(seqs)
        self.released.append(release)
        for seq in seqs:
            self.told[seq - 1] = (*self.told[seq - 1], release.member)

    def commitments(self) -> list[bytes]:
        """Those of all events, in order."""
        return [commitment(seq) for seq, _ in enumerate_seqs(self.events)]

    def feed(self, member: MemberId) -> list[Event[Any]]:
        """What a member was told, in order."""
        return [self.events[seq - 1] for seq in self.feeds.get(member, [])]

    def sightings(self, member: MemberId) -> list[Sighting]:
        """What the rows keep for a parent."""
        return [known[member] for known in self.folding.sightings.values() if member in known]

    def timeline(self, member: MemberId) -> tuple[TimelineEntry, ...]:
        """A parent's timeline."""
        return timeline.entries(self.sightings(member), viewer=member, own_milestones=self.folding.roster.own_milestones)

    def _target(self, event: Event[Any]) -> Target | None:
        body = event.event
        named = getattr(body, body.refers) if body.refers else None
        found = [
            (known.author != event.author, seq)
            for seq, known in enumerate_seqs(self.events)
            if known.id == named and event.author in self.told[seq - 1]
        ]
        if not found:
            return None
        past = self.past[min(found)[1] - 1]
        return Target(
            seq=past.seq, author=past.author, kind=past.kind, audience=past.audience, target_seq=past.target_seq,
            thread=past.thread, thread_kind=past.thread_kind, thread_author=past.thread_author,
            told=self.told[past.seq - 1],
        )  # fmt: skip


def commitment(seq: int) -> bytes:
    """What stands for an event's content in a chain."""
    return sha256(seq.to_bytes(8, "big")).digest()


def enumerate_seqs(events: list[Event[Any]]) -> list[tuple[Seq, Event[Any]]]:
    """Events with their seqs."""
    return [(Seq(seq), event) for seq, event in enumerate(events, 1)]


def seqs_of(run: Run) -> list[int]:
    """The events that a run tells, in order; none of a hint."""
    if run.hint is not None:
        return []
    return list(run.seqs) if run.seqs is not None else list(range(run.first_seq, run.first_seq + run.length))
