"""Stores the entries 1, 2, 3, ... of each member's feed as runs: events that are neighbours in the log. Chains their hashes.

A run states: the feed's places from `first_place` on are the log's events from `first_seq` on. A run grows while events are
delivered in the order of the log. It ends at an event that is not delivered to this member, and at a release. The feed of a
member who keeps surprises is stored in runs that list the seqs of their entries. So neither the stored rows nor the time to read
them reveal where an event is held. A hint is an entry without an event. Does not know why an event is delivered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final

import msgspec

from events.ids import FamilyId, MemberId, Place, Seq
from projections.changes import Change, Delivered, Hinted, HistoryDelivered, Released, WishesSet

RUN_LENGTH_MAX: Final = 256
"""The maximum of entries in a run. To read from the middle of a run, its earlier entries are hashed: 255 take about 0.2 ms."""

LISTED_MAX: Final = 32
"""The maximum of entries in a run that lists its seqs. The whole run is written again when one more entry is delivered."""

REMEMBERED: Final = 16
"""The number of recent sets of recipients that are remembered: most events are delivered to the same few sets."""


class Run(msgspec.Struct, frozen=True, gc=False):
    """Neighbouring entries of a feed. Their events are neighbours in the log, too, or their seqs are listed."""

    first_place: Place
    first_seq: Seq
    """The seq of its first event; 0 for a hint."""
    length: int
    released: str | None
    told_at: datetime | None
    """The time of delivery. None if each entry was delivered when its event was received."""
    chain_before: bytes
    chain: bytes
    hint: bytes | None = None
    """The content of a hint, as JSON."""
    seqs: tuple[Seq, ...] | None = None
    """The seqs of its entries, if they are listed. They are, if the member keeps surprises and the delivery was without delay."""

    @property
    def last_place(self) -> int:
        """The place of the run's last entry in the feed."""
        return self.first_place + self.length - 1


def origin(family: FamilyId, member: MemberId) -> bytes:
    """Returns the chain's hash for an empty feed: SHA-256 of the family id and the member id."""
    return sha256(family.bytes + member.bytes).digest()


def link(chain: bytes, place: int, commitment: bytes) -> bytes:
    """Returns the chain's hash after one more entry: SHA-256 of the hash before, the place and the commitment.

    The place has 8 bytes, big-endian.
    """
    return sha256(chain + place.to_bytes(8, "big") + commitment).digest()


def neighbours(seqs: Sequence[Seq]) -> list[Sequence[Seq]]:
    """Returns ascending seqs, cut at each gap between two of them."""
    cuts = [0, *(index for index, (left, right) in enumerate(pairwise(seqs), 1) if right != left + 1), len(seqs)]
    return [seqs[start:end] for start, end in pairwise(cuts) if start < end]


def tell(
    last: Run | None,
    *,
    start: bytes,
    first_seq: int,
    commitments: Sequence[bytes],
    told_at: datetime | None = None,
    released: str | None = None,
    longest: int = RUN_LENGTH_MAX,
) -> list[Run]:
    """Appends neighbours of the log, from `first_seq` on, to a feed that ends with the run `last`; `start` is for an empty feed.

    Returns the changed runs, in order: the last one if it grew, and new ones of at most `longest` entries. `told_at`: the time of
    delivery, for events that are delivered later than they were received. `released`: the reason of the release, for events that
    were held. A run has events with the same `told_at` and the same `released`.
    """
    changed: list[Run] = []
    done = 0
    while done < len(commitments):
        if (
            last is None
            or last.first_seq + last.length != first_seq + done
            or last.length >= longest
            or last.released != released
            or last.told_at != told_at
            or last.hint is not None
            or last.seqs is not None
        ):
            last = _empty_run(last, start, first_seq + done, told_at, released)
        taken = commitments[done : done + longest - last.length]
        last = _longer(last, taken)
        changed.append(last)
        done += len(taken)
    return changed


def list_told(last: Run | None, *, start: bytes, seqs: Sequence[Seq], commitments: Sequence[bytes]) -> list[Run]:
    """Appends events to the feed of a member who keeps surprises, and returns the changed runs, which list their seqs.

    The events are delivered without delay. Their seqs may have gaps.
    """
    changed: list[Run] = []
    done = 0
    while done < len(seqs):
        listed = last.seqs if last is not None and last.length < LISTED_MAX else None
        if last is None or listed is None:
            last, listed = _empty_run(last, start, seqs[done], None, None), ()
        end = done + LISTED_MAX - len(listed)
        last = _longer(last, commitments[done:end], (*listed, *seqs[done:end]))
        changed.append(last)
        done = end
    return changed


def _empty_run(last: Run | None, start: bytes, first_seq: int, told_at: datetime | None, released: str | None) -> Run:
    """Returns an empty run, which begins after the last run."""
    place, chain = (last.last_place + 1, last.chain) if last is not None else (1, start)
    return Run(Place(place), Seq(first_seq), 0, released, told_at, chain, chain)


def _longer(run: Run, commitments: Sequence[bytes], seqs: tuple[Seq, ...] | None = None) -> Run:
    """Returns a run with more entries. `seqs`: the seqs of all its entries, if they are listed."""
    chain, length = run.chain, run.length + len(commitments)
    for place, commitment in enumerate(commitments, run.first_place + run.length):
        chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
    return Run(run.first_place, run.first_seq, length, run.released, run.told_at, run.chain_before, chain, None, seqs)


class FeedEnd:
    """The end of one member's feed, and the runs of this feed that have changed."""

    __slots__ = ("_is_listed", "_start", "changed", "commitments", "last", "seqs")

    def __init__(self, family: FamilyId, member: MemberId, last: Run | None, *, is_listed: bool = False) -> None:
        self.last = last
        """The last run, without the collected events in `seqs`; None for an empty feed."""
        self.changed: dict[Place, Run] = {}
        self._is_listed = is_listed
        self._start = last.chain if last is not None else origin(family, member)
        self.seqs: list[Seq] = []
        """The collected events: they were delivered without delay, and are in no run yet. `commitments` has their commitments."""
        self.commitments: list[bytes] = []

    @property
    def place(self) -> int:
        """The last place of the feed; 0 for an empty feed."""
        return (self.last.last_place if self.last is not None else 0) + len(self.seqs)

    def list_entries(self) -> None:
        """Makes each later run of the feed list the seqs of its entries, because the member now keeps surprises."""
        self.settle()
        self._is_listed = True

    def append_late(
        self, seqs: Sequence[Seq], commitments: Sequence[bytes], delivered_at: datetime, *, released: str | None = None
    ) -> None:
        """Appends older events, in the order of the log. `released`: the reason of their release, if they were held."""
        self.settle()
        self._tell(seqs, commitments, delivered_at, released, longest=1 if self._is_listed else RUN_LENGTH_MAX)

    def hint(self, content: bytes, delivered_at: datetime) -> None:
        """Appends a hint. Its commitment is its SHA-256, without a salt, because a hint contains nothing secret."""
        self.settle()
        run = _longer(_empty_run(self.last, self._start, 0, delivered_at, None), [sha256(content).digest()])
        self._keep([msgspec.structs.replace(run, hint=content)])

    def settle(self) -> None:
        """Makes runs of the collected events."""
        if not self.seqs:
            return
        if self._is_listed:
            self._keep(list_told(self.last, start=self._start, seqs=self.seqs, commitments=self.commitments))
        else:
            self._tell(self.seqs, self.commitments)
        self.seqs, self.commitments = [], []

    def _tell(
        self,
        seqs: Sequence[Seq],
        commitments: Sequence[bytes],
        told_at: datetime | None = None,
        released: str | None = None,
        longest: int = RUN_LENGTH_MAX,
    ) -> None:
        done = 0
        for stretch in neighbours(seqs):
            end = done + len(stretch)
            self._keep(tell(
                self.last, start=self._start, first_seq=stretch[0], commitments=commitments[done:end], told_at=told_at,
                released=released, longest=longest,
            ))  # fmt: skip
            done = end

    def _keep(self, runs: Sequence[Run]) -> None:
        for run in runs:
            self.changed[run.first_place] = self.last = run


class FeedWriter:
    """The ends of all feeds of one family, and the runs that have changed since the last call of `take_changed`.

    Consecutive deliveries are collected first. They become runs when the feeds are settled.
    """

    __slots__ = ("_ends", "_family", "_known")

    def __init__(self, family: FamilyId, last_runs: Mapping[MemberId, Run], *, listed: Sequence[MemberId] = ()) -> None:
        """Opens the feeds at their ends. `last_runs`: the last run of each feed. `listed`: the members who keep surprises."""
        self._family = family
        self._ends = {
            member: FeedEnd(family, member, last_runs.get(member), is_listed=member in listed)
            for member in (*last_runs, *listed)
        }  # fmt: skip
        self._known: list[tuple[tuple[MemberId, ...], list[FeedEnd]]] = []

    def apply(self, changes: Sequence[Change], *, author: MemberId) -> int:
        """Appends to the feeds what an event's changes deliver, in order. Returns the event's place in its author's feed.

        If the event is not delivered to its author, the last place of that feed is returned. Events that are released to the
        author come after this place.
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
        """Returns the present last place of a member's feed; 0 for an empty feed."""
        end = self._ends.get(member)
        return 0 if end is None else end.place

    def take_changed(self) -> dict[MemberId, list[Run]]:
        """Settles the feeds. Returns, by member, the runs that have changed since the last call, in order."""
        changed = {}
        for member, end in self._ends.items():
            end.settle()
            if end.changed:
                changed[member] = list(end.changed.values())
                end.changed = {}
        return changed

    def last_runs(self) -> dict[MemberId, Run]:
        """Returns the last run of every feed that is not empty. Call `take_changed` first, because it settles the feeds."""
        return {member: end.last for member, end in self._ends.items() if end.last is not None}

    def _ends_of(self, members: tuple[MemberId, ...]) -> list[FeedEnd]:
        for known, ends in self._known:
            if known is members or known == members:
                return ends
        ends = [self._end(member) for member in members]
        self._known = [(members, ends), *self._known[: REMEMBERED - 1]]
        return ends

    def _end(self, member: MemberId) -> FeedEnd:
        if (end := self._ends.get(member)) is None:
            end = self._ends[member] = FeedEnd(self._family, member, None)
        return end
