"""Folds a history with the real fold and returns the result in the oracle's types.

Owns how entries are read from runs. Decides nothing about who is sent an event.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from events import surprise
from events.event import Event
from events.ids import MemberId
from tests.families import Family
from tests.histories import Told as Log
from tests.histories import seqs_of
from tests.surprise.oracle import Hint, Told


class Folded:
    """A history, folded event by event with the same fold that the append and the replay use."""

    def __init__(self, family: Family, events: Iterable[Event[Any]]) -> None:
        self.log = Log(family)
        for event in events:
            self.log.add(event)

    def feed(self, member: MemberId) -> list[Told]:
        """Returns a member's feed, and checks that its places are 1, 2, 3, ... without a gap (law 7)."""
        found: list[Told] = []
        for run in self.log.runs_of(member):
            assert run.first_place == len(found) + 1
            if run.hint is not None:
                assert run.told_at is not None
                said = msgspec.json.decode(run.hint, type=surprise.Hint)
                found.append(Told(Hint(said.child, said.domain, said.day), run.told_at, run.released))
                continue
            found += [Told(seq, run.told_at or self.log.events[seq - 1].received_at, run.released) for seq in seqs_of(run)]
        return found

    def held(self, member: MemberId) -> list[int]:
        """Returns the seqs of the events that are held from a member."""
        state = self.log.folded.surprises.get(member)
        return sorted(state.holds.events) if state is not None else []
