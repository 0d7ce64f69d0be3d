"""Stores the places 1, 2, 3, ... of each member's feed as runs of neighbours in the log, with a hash chain over them.

A run states: the places from `first_place` on are the events from `first_seq` on. Events that are delivered in the order of the
log make one run longer; an event that is not delivered to this member ends the run, and so does a release. The feed of a member
who keeps surprises is stored in runs that list their entries, so that neither the stored rows nor the time to read them reveal
where something is held. A hint is an entry without an event. Does not know why anything is delivered.
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
"""Entries of a run. A reader who starts inside a run first hashes its earlier entries: 255 hashes take about 0.2 ms."""

LISTED_MAX: Final = 32
"""Entries of a run that lists them. Such a run is written again for each entry that is delivered alone."""

REMEMBERED: Final = 16
"""How many recent sets of recipients are remembered: most events are delivered to the same few sets."""


class Run(msgspec.Struct, frozen=True, gc=False):
    """Entries next to each other in a feed, and either next to each other in the log as well, or listed."""

    first_place: Place
    first_seq: Seq
    """0 for a hint."""
    length: int
    released: str | None
    told_at: datetime | None
    """The time of delivery. None: each entry was delivered when its event was received."""
    chain_before: bytes
    chain: bytes
    hint: bytes | None = None
    """The content of a hint, as JSON."""
    seqs: tuple[Seq, ...] | None = None
    """The seqs of its entries, where they are listed: for a member who keeps surprises, what was delivered without delay."""

    @property
    def last_place(self) -> int:
        """The place of its last entry."""
        return self.first_place + self.length - 1


def origin(family: FamilyId, member: MemberId) -> bytes:
    """Returns the chain of an empty feed: SHA-256 of the family id and the member id."""
    return sha256(family.bytes + member.bytes).digest()


def link(chain: bytes, place: int, commitment: bytes) -> bytes:
    """Returns the chain after one more entry: SHA-256 of the chain so far, the place (8 bytes, big-endian) and the commitment."""
    return sha256(chain + place.to_bytes(8, "big") + commitment).digest()


def neighbours(seqs: Sequence[Seq]) -> list[Sequence[Seq]]:
    """Returns ascending seqs, cut into stretches without a gap."""
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
    """Appends neighbours of the log, from `first_seq` on, to a feed that ends with `last`, or is empty and starts with `start`.

    Returns the changed runs, in order: the last one, where it grew, and new ones of at most `longest` entries. `told_at` is for
    events that are delivered later than they were received, `released` for events that were held. Such a run is not
    continued with events that are delivered without delay.
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
    """Appends events that are delivered without delay to the feed of a member who keeps surprises. Their seqs may have gaps."""
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
    """Returns a run behind the last one, without entries yet."""
    place, chain = (last.last_place + 1, last.chain) if last is not None else (1, start)
    return Run(Place(place), Seq(first_seq), 0, released, told_at, chain, chain)


def _longer(run: Run, commitments: Sequence[bytes], seqs: tuple[Seq, ...] | None = None) -> Run:
    """Returns a run with more entries. `seqs`: all its entries, where they are listed."""
    chain, length = run.chain, run.length + len(commitments)
    for place, commitment in enumerate(commitments, run.first_place + run.length):
        chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
    return Run(run.first_place, run.first_seq, length, run.released, run.told_at, run.chain_before, chain, None, seqs)


class FeedEnd:
    """The end of one member's feed, and the runs that changed."""

    __slots__ = ("_is_listed", "_start", "changed", "commitments", "last", "seqs")

    def __init__(self, family: FamilyId, member: MemberId, last: Run | None, *, is_listed: bool = False) -> None:
        self.last = last
        """The last run when the feed was last settled."""
        self.changed: dict[Place, Run] = {}
        self._is_listed = is_listed
        self._start = last.chain if last is not None else origin(family, member)
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
        self._tell(seqs, commitments, delivered_at, released, longest=1 if self._is_listed else RUN_LENGTH_MAX)

    def hint(self, content: bytes, delivered_at: datetime) -> None:
        """Appends a hint. Its commitment is its SHA-256, without a salt: it contains nothing to be guessed."""
        self.settle()
        run = _longer(_empty_run(self.last, self._start, 0, delivered_at, None), [sha256(content).digest()])
        self._keep([msgspec.structs.replace(run, hint=content)])

    def settle(self) -> None:
        """Turns the collected events into runs."""
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
    """The ends of the feeds of one family, and the runs that changed since they were read, or taken by `take_changed`.

    Consecutive deliveries are collected, and become runs when the feeds are settled.
    """

    __slots__ = ("_ends", "_family", "_known")

    def __init__(self, family: FamilyId, last_runs: Mapping[MemberId, Run], *, listed: Sequence[MemberId] = ()) -> None:
        """Opens the feeds after their last runs. `listed`: the members who keep surprises."""
        self._family = family
        self._ends = {
            member: FeedEnd(family, member, last_runs.get(member), is_listed=member in listed)
            for member in (*last_runs, *listed)
        }  # fmt: skip
        self._known: list[tuple[tuple[MemberId, ...], list[FeedEnd]]] = []

    def apply(self, changes: Sequence[Change], *, author: MemberId) -> int:
        """Appends what an event's changes deliver, in order. Returns the last place of its author after the event's own delivery.

        What the event releases for its author is appended after that place.
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
