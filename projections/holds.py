"""Stores the events that are held from one member, in the order of the log. Decides nothing: the rule is in `visibility`."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from events.ids import Seq
from projections.met import implied_by
from projections.subjects import DescribedEvent, Subject

Counted = TypeVar("Counted")


class Holds:
    """The held events of one member. Changed in place by the fold that owns it."""

    __slots__ = ("_telling", "events", "unnamed")

    def __init__(self) -> None:
        self.events: dict[Seq, DescribedEvent] = {}
        self.unnamed: Counter[str] = Counter()
        """The family's own milestones whose first names are held."""
        self._telling: Counter[Subject] = Counter()
        """Subject -> how many held events reveal it."""

    def fill(self, events: Iterable[DescribedEvent]) -> None:
        """Replaces all held events by these."""
        self.events.clear()
        self.unnamed.clear()
        self._telling.clear()
        for described in events:
            self.hold(described)

    def hold(self, described: DescribedEvent) -> None:
        """Adds a held event, or replaces its description. New events are added in the order of the log."""
        if (before := self.events.get(described.seq)) is not None:
            self._count(before, -1)
        self.events[described.seq] = described
        self._count(described, 1)

    def let_go(self, seq: Seq) -> None:
        """Removes an event, if it is held."""
        if (described := self.events.pop(seq, None)) is not None:
            self._count(described, -1)

    def tell_of(self, subject: Subject) -> bool:
        """Returns whether any held event reveals a subject."""
        return subject in self._telling

    def hanging_from(self, seq: Seq) -> list[Seq]:
        """Returns a held event and the held events that refer to it, directly or not, in order; empty if it is not held."""
        found = {seq} if seq in self.events else set()
        for described in self.events.values() if found else ():
            if described.logged.target_seq in found:
                found.add(described.seq)
        return [held for held in self.events if held in found]

    def _count(self, described: DescribedEvent, by: int) -> None:
        for subject in described.content.subjects:
            for one in implied_by(subject):
                _add(self._telling, one, by)
        if described.is_first_name:
            for own in described.content.own_milestones:
                _add(self.unnamed, own, by)


def _add(counter: Counter[Counted], key: Counted, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]
