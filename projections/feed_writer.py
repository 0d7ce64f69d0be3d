"""Applies changes to the ends of a family's feeds: places, chains and runs.

Owns which runs changed. Consecutive deliveries are collected, and become runs when the feeds are settled.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from events.ids import FamilyId, MemberId, Place, Seq
from projections import feed
from projections.changes import Change, Delivered, Hinted, HistoryDelivered, Released, WishesSet
from projections.feed import RUN_LENGTH_MAX, Run

REMEMBERED: Final = 16
"""How many recent sets of recipients are remembered: most events are delivered to the same few sets."""


class FeedWriter:
    """The ends of the feeds of one family, and the runs that changed since they were read, or taken by `take_changed`."""

    __slots__ = ("_ends", "_family", "_known")

    def __init__(self, family: FamilyId, last_runs: Mapping[MemberId, Run], *, listed: Sequence[MemberId] = ()) -> None:
        """Opens the feeds after their last runs. `listed`: the members who keep surprises.

        Their entries are listed, so that gaps between seqs reveal nothing.
        """
        self._family = family
        self._ends = {member: FeedEnd(family, member, last) for member, last in last_runs.items()}
        self._known: list[tuple[tuple[MemberId, ...], list[FeedEnd]]] = []
        for member in listed:
            self._end(member).list_entries()

    def apply(self, changes: Sequence[Change], *, author: MemberId) -> int:
        """Appends what an event's changes deliver, in order. Returns the last place of its author after the event's own delivery.

        What the event frees for its author is appended after that place.
        """
        place = 0
        for change in changes:
            match change:
                case Delivered(seq=seq, commitment=commitment):
                    for end in self._ends_of(change.members):
                        end.seqs.append(seq)
                        end.commitments.append(commitment)
                    place = self.place_of(author)
                case WishesSet():
                    self._end(change.member).list_entries()
                case Hinted():
                    self._end(change.member).hint(msgspec.json.encode(change.hint), change.at)
                case HistoryDelivered():
                    self._end(change.member).append_late(change.seqs, change.commitments, change.at)
                case Released():
                    self._end(change.member).append_late(change.seqs, change.commitments, change.at, released=change.why)
                case _:
                    pass
        return place

    def place_of(self, member: MemberId) -> int:
        """Returns the last place of a member's feed so far; 0 for an empty feed."""
        end = self._ends.get(member)
        return 0 if end is None else end.place

    def take_changed(self) -> dict[MemberId, list[Run]]:
        """Returns the runs that changed since the last call, by member, in order. Feeds without a change are left out."""
        changed = {}
        for member, end in self._ends.items():
            end.settle()
            if end.changed:
                changed[member] = list(end.changed.values())
                end.changed = {}
        return changed

    def last_runs(self) -> dict[MemberId, Run]:
        """Returns the last run of every feed that is not empty. Call `take_changed` before: it settles the feeds."""
        return {member: end.last for member, end in self._ends.items() if end.last is not None}

    def _ends_of(self, members: tuple[MemberId, ...]) -> list["FeedEnd"]:
        for known, ends in self._known:
            if known is members or known == members:
                return ends
        ends = [self._end(member) for member in members]
        self._known = [(members, ends), *self._known[: REMEMBERED - 1]]
        return ends

    def _end(self, member: MemberId) -> "FeedEnd":
        if (end := self._ends.get(member)) is None:
            end = self._ends[member] = FeedEnd(self._family, member, None)
        return end


class FeedEnd:
    """The end of one member's feed, and the runs that changed."""

    __slots__ = ("_is_listed", "_start", "changed", "commitments", "last", "seqs")

    def __init__(self, family: FamilyId, member: MemberId, last: Run | None) -> None:
        self.last = last
        """The last run when the feed was last settled."""
        self.changed: dict[Place, Run] = {}
        self._is_listed = False
        self._start = last.chain if last is not None else feed.origin(family, member)
        self.seqs: list[Seq] = []
        """The collected events that were delivered without delay and are not in a run yet. `commitments` has theirs."""
        self.commitments: list[bytes] = []

    @property
    def place(self) -> int:
        """The last place; 0 for an empty feed."""
        return (self.last.last_place if self.last is not None else 0) + len(self.seqs)

    def list_entries(self) -> None:
        """Lists the entries from now on, because the member keeps surprises."""
        self.settle()
        self._is_listed = True

    def append_late(
        self, seqs: Sequence[Seq], commitments: Sequence[bytes], delivered_at: datetime, *, released: str | None = None
    ) -> None:
        """Appends older events, in the order of the log."""
        self.settle()
        longest, done = 1 if self._is_listed else RUN_LENGTH_MAX, 0
        for stretch in feed.neighbours(seqs):
            end = done + len(stretch)
            self._append(stretch[0], commitments[done:end], delivered_at, released, longest)
            done = end

    def hint(self, hint: bytes, delivered_at: datetime) -> None:
        """Appends a hint."""
        self.settle()
        run = feed.hint(self.last, start=self._start, said=hint, told_at=delivered_at)
        self.changed[run.first_place] = self.last = run

    def settle(self) -> None:
        """Turns the collected events into runs."""
        if not self.seqs:
            return
        if self._is_listed:
            self._keep(feed.list_told(self.last, start=self._start, seqs=self.seqs, commitments=self.commitments))
        else:
            done = 0
            for stretch in feed.neighbours(self.seqs):
                self._append(stretch[0], self.commitments[done : done + len(stretch)], None, None, RUN_LENGTH_MAX)
                done += len(stretch)
        self.seqs, self.commitments = [], []

    def _append(
        self, first_seq: Seq, commitments: Sequence[bytes], told_at: datetime | None, released: str | None, longest: int
    ) -> None:
        runs = feed.tell(
            self.last,
            start=self._start,
            first_seq=first_seq,
            commitments=commitments,
            told_at=told_at,
            released=released,
            longest=longest,
        )
        self._keep(runs)

    def _keep(self, runs: Sequence[Run]) -> None:
        for run in runs:
            self.changed[run.first_place] = self.last = run
