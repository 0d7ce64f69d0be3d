"""What a member who joins is told of the log so far, and what is held from them because they chose so before.

Owns the walk through the past. What is meant for whom, and what is held, `visibility` decides.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from events.event import Event
from events.ids import Seq
from events.moments import MilestoneNamed
from events.surprise import Sorted
from projections import visibility
from projections.keeping import Keeping
from projections.past import Past
from projections.roster import Member, Roster
from projections.subjects import Case, Subject
from projections.visibility import ROSTER_KINDS
from projections.waiting import Waiting


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The log before somebody joined."""

    past: Sequence[Past]
    """Every event from seq 1 on, in order."""
    commitments: Sequence[bytes]
    """Theirs, in the same order."""
    events: Mapping[Seq, Event[Any]]
    """At least those that make or change a sighting; for who has chosen to wait, all that others may be told of."""


class _Past:
    """The past, described event by event for somebody who waits."""

    def __init__(self, history: History, roster: Roster) -> None:
        self._history = history
        self._roster = roster
        self._keeping = Keeping({})
        self._names: set[str] = set()
        self._said: defaultdict[Seq, list[tuple[Seq, Subject]]] = defaultdict(list)
        """What threads were said to be about, and by which Sorted: it counts for what stands in them before it."""
        for past in history.past:
            if past.kind == "Sorted" and past.seq in history.events:
                self._keeping.sorted.add(past.thread)
                said: Sorted = history.events[past.seq].event
                if said.milestone is not None:
                    self._said[past.thread].append((past.seq, (said.child, said.milestone)))

    def case_of(self, past: Past) -> Case:
        """Describe one event, the oldest first."""
        event = self._history.events[past.seq]
        target = self._history.past[past.target_seq - 1] if past.target_seq else None
        name = event.event.milestone if isinstance(event.event, MilestoneNamed) else None
        is_new_name = name is not None and name not in self._names
        case = self._keeping.case_of(past.seq, event, target, self._roster, is_new_name=is_new_name)
        self._keeping.note(case.kind, past.seq, event, target)
        if name is not None:
            self._names.add(name)
        if said := [subject for seq, subject in self._said.get(past.thread, ()) if seq > past.seq]:
            case = msgspec.structs.replace(case, subjects=tuple(dict.fromkeys((*case.subjects, *said))))
        return case


def history_for(joiner: Member, history: History, roster: Roster, waits: Waiting | None) -> tuple[Seq, ...]:
    """The seqs of the log so far that a member who joins is told of, in order; `waits`, if they chose to, is filled."""
    told: set[Seq] = set()
    known: set[Seq] = set()
    described = None if waits is None else _Past(history, roster)
    for past in history.past:
        if waits is not None and past.kind == "Withdrawn" and past.target_seq is not None:
            lost = waits.about(past.target_seq)
            for gone in lost:
                waits.let_go(gone)
                known.discard(gone)
            if past.target_seq in lost:
                continue
        if not visibility.is_history_for(joiner, past, roster, known):
            continue
        known.add(past.seq)
        if waits is not None and described is not None and past.kind not in ROSTER_KINDS and past.author != joiner.member:
            case = described.case_of(past)
            if past.kind != "Withdrawn" and visibility.is_held(case, waits, roster):
                waits.hold(case)
                continue
        told.add(past.seq)
    return tuple(sorted(told))
