"""A log in memory, without Postgres: its events are folded by the function that the append and the replay use.

Finds the event to which an event refers, by the rule of the service. Decides nothing else: the fold decides.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec

from events.event import Audience, Body, Event, Precision
from events.ids import EventId, MemberId, Place, Seq
from projections import timeline
from projections.changes import Change, Delivered, HistoryDelivered, Released
from projections.family import Family
from projections.feed import FeedWriter, Run
from projections.first_saw import Sighting
from projections.fold import Folded, Need, NeedEvents, NeedHistory, NeedSightings, NewEvent, advance, fold
from projections.joining_history import History
from projections.logged_event import LoggedEvent
from projections.timeline import TimelineEntry
from projections.visibility import audience_of
from tests.families import Family as Household

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
    """Returns an event as the log keeps it. An event whose type takes its target's audience gets that audience in `Told.add`."""
    return Event(
        id=EventId(id or uuid4()), author=author, occurred_at=at, precision=precision, recorded_at=recorded_at,
        received_at=NOON, audience=audience, event=body,
    )  # fmt: skip


class Told:
    """A log, and the events that were delivered to each member."""

    def __init__(self, family: Household) -> None:
        self.family = family
        self.folded = Family()
        self.feed_writer = FeedWriter(family.family, {})
        self.runs: dict[MemberId, dict[Place, Run]] = {}
        self.events: list[Event[Any]] = []
        self.feeds: dict[MemberId, list[Seq]] = {}
        """The seqs of the events that each member was sent, in the order of delivery.

        Hints have no seq, so only `runs` has them.
        """
        self.released: list[Released] = []

    @classmethod
    def of_everybody(cls, family: Household) -> "Told":
        """Returns a log with the facts that found the family and add all its members."""
        told = cls(family)
        for fact in family.founded():
            told.add(happened(family.ada, fact))
        for member in family.members[1:]:
            told.join(member)
        return told

    @property
    def told(self) -> list[tuple[MemberId, ...]]:
        """Returns the members to whom each event was delivered, in the order of seq."""
        return [tuple(self.folded.events[seq].delivered_to) for seq, _ in enumerate_seqs(self.events)]

    def join(self, member: MemberId) -> None:
        """Adds the facts of one member's joining to the log."""
        for fact in self.family.joined(member):
            self.add(happened(self.family.ada, fact))

    def add(self, event: Event[Any]) -> tuple[MemberId, ...]:
        """Folds one more event, and returns the members to whom the event is delivered at once."""
        seq, target = Seq(len(self.events) + 1), self._target(event)
        audience = audience_of(type(event.event), requested=event.audience, target=target)
        event = msgspec.structs.replace(event, audience=audience)
        self.events.append(event)
        folding = fold(self.folded, NewEvent(seq, event, commitment(seq), None if target is None else target.seq))
        reached = advance(folding)
        while not isinstance(reached, Folded):
            reached = advance(folding, self._answer(reached))
        self.feed_writer.apply(reached.changes, author=event.author)
        for change in reached.changes:
            self._note(change)
        return tuple(reached.logged.delivered_to)

    def _answer(self, need: Need) -> Any:
        match need:
            case NeedEvents(seqs=seqs):
                return {seq: (self.events[seq - 1], commitment(seq)) for seq in seqs}
            case NeedSightings():
                return {}  # in memory, the fold has all sightings already
            case NeedHistory(before=before):
                logged = [self.folded.events[Seq(seq)] for seq in range(1, before)]
                return History(
                    logged=logged, commitments=self.commitments(), events=dict(enumerate_seqs(self.events[: before - 1]))
                )

    def _note(self, change: Change) -> None:
        match change:
            case Delivered(members=members, seq=seq):
                for member in members:
                    self.feeds.setdefault(member, []).append(seq)
            case HistoryDelivered(member=member, seqs=seqs):
                self.feeds.setdefault(member, []).extend(seqs)
            case Released(member=member, seqs=seqs):
                self.feeds.setdefault(member, []).extend(seqs)
                self.released.append(change)
            case _:
                pass

    def runs_of(self, member: MemberId) -> list[Run]:
        """Returns the runs of a member's feed, in order."""
        for one, runs in self.feed_writer.take_changed().items():
            self.runs.setdefault(one, {}).update((run.first_place, run) for run in runs)
        return [run for _, run in sorted(self.runs.get(member, {}).items())]

    def commitments(self) -> list[bytes]:
        """Returns the commitments of all events, in order."""
        return [commitment(seq) for seq, _ in enumerate_seqs(self.events)]

    def feed(self, member: MemberId) -> list[Event[Any]]:
        """Returns the events that a member was sent, in order."""
        return [self.events[seq - 1] for seq in self.feeds.get(member, [])]

    def sightings(self, member: MemberId) -> list[Sighting]:
        """Returns a parent's sightings, as the fold keeps them."""
        return [known[member] for known in self.folded.sightings.values() if member in known]

    def timeline(self, member: MemberId) -> tuple[TimelineEntry, ...]:
        """Returns a parent's timeline."""
        return timeline.entries(self.sightings(member), viewer=member, own_milestones=self.folded.roster.own_milestones)

    def _target(self, event: Event[Any]) -> LoggedEvent | None:
        body = event.event
        named = getattr(body, body.refers) if body.refers else None
        found = [
            (known.author != event.author, seq)
            for seq, known in enumerate_seqs(self.events)
            if known.id == named and event.author in self.folded.events[seq].delivered_to
        ]
        return self.folded.events[min(found)[1]] if found else None


def commitment(seq: int) -> bytes:
    """Returns an invented commitment for the event with this seq."""
    return sha256(seq.to_bytes(8, "big")).digest()


def enumerate_seqs(events: list[Event[Any]]) -> list[tuple[Seq, Event[Any]]]:
    """Returns events with their seqs."""
    return [(Seq(seq), event) for seq, event in enumerate(events, 1)]


def seqs_of(run: Run) -> list[int]:
    """Returns the seqs of the events in a run, in order. A run with a hint has none."""
    if run.hint is not None:
        return []
    return list(run.seqs) if run.seqs is not None else list(range(run.first_seq, run.first_seq + run.length))
