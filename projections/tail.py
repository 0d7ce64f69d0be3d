"""The end of one member's feed while it grows. Owns which runs changed since it was read."""

from collections.abc import Sequence
from datetime import datetime

from events.ids import FamilyId, MemberId, Place
from projections import feed
from projections.feed import RUN_LENGTH_MAX, Run


class Tail:
    """The end of one member's feed, and the runs that changed since it was read."""

    __slots__ = ("_start", "changed", "is_entry_by_entry", "last", "member")

    def __init__(self, family: FamilyId, member: MemberId, last: Run | None) -> None:
        self.member = member
        self.last = last
        self.changed: dict[Place, Run] = {}
        self.is_entry_by_entry = False
        """Whether each entry is a run of its own: the member keeps surprises."""
        self._start = last.chain if last is not None else feed.origin(family, member)

    @property
    def place(self) -> int:
        """The last place; 0 of an empty feed."""
        return self.last.last_place if self.last is not None else 0

    def tell(
        self, first_seq: int, commitments: Sequence[bytes], told_at: datetime | None, *, released: str | None = None
    ) -> None:
        """Append neighbours of the log."""
        for run in feed.tell(
            self.last,
            start=self._start,
            first_seq=first_seq,
            commitments=commitments,
            told_at=told_at,
            released=released,
            longest=1 if self.is_entry_by_entry else RUN_LENGTH_MAX,
        ):
            self.changed[run.first_place] = self.last = run

    def hint(self, said: bytes, told_at: datetime) -> None:
        """Append a hint."""
        run = feed.hint(self.last, start=self._start, said=said, told_at=told_at)
        self.changed[run.first_place] = self.last = run
