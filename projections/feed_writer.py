"""The end of one member's feed while it grows. Owns which runs changed since it was read."""

from collections.abc import Sequence
from datetime import datetime

from events.ids import FamilyId, MemberId, Place, Seq
from projections import feed
from projections.feed import RUN_LENGTH_MAX, Run


class Tail:
    """The end of one member's feed, and the runs that changed since it was read.

    What is told in its own time is gathered, and becomes runs when the feed is settled: neighbours of the log at once.
    """

    __slots__ = ("_is_listed", "_start", "changed", "commitments", "last", "member", "seqs")

    def __init__(self, family: FamilyId, member: MemberId, last: Run | None) -> None:
        self.member = member
        self.last = last
        """As settled."""
        self.changed: dict[Place, Run] = {}
        self._is_listed = False
        self._start = last.chain if last is not None else feed.origin(family, member)
        self.seqs: list[Seq] = []
        """What is told in its own time is gathered here, with its `commitments`."""
        self.commitments: list[bytes] = []

    @property
    def place(self) -> int:
        """The last place; 0 of an empty feed."""
        return (self.last.last_place if self.last is not None else 0) + len(self.seqs)

    def go_listed(self) -> None:
        """List the entries from here on: the member keeps surprises."""
        self.settle()
        self._is_listed = True

    def tell_late(
        self, first_seq: Seq, commitments: Sequence[bytes], told_at: datetime, *, released: str | None = None
    ) -> None:
        """Append neighbours of the log that are older."""
        self.settle()
        longest = 1 if self._is_listed else RUN_LENGTH_MAX
        self._append(first_seq, commitments, told_at, released, longest)

    def hint(self, said: bytes, told_at: datetime) -> None:
        """Append a hint."""
        self.settle()
        run = feed.hint(self.last, start=self._start, said=said, told_at=told_at)
        self.changed[run.first_place] = self.last = run

    def settle(self) -> None:
        """Make runs of what was gathered."""
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
