"""What a member who joins is told of the log so far, and what is held from them because they chose so before.

Owns the walk through the past. What is meant for whom, and what is held, `visibility` decides.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from events.event import Event
from events.ids import MemberId, Seq
from events.surprise import Sorted
from projections import visibility
from projections.holds import Keeping, may_sort
from projections.logged_event import Past
from projections.roster import Member, OwnMilestone, Roster, named_after
from projections.subjects import Case, Subject, as_part_of_sorted, as_sorted, naming_of
from projections.surprise_state import Waiting
from projections.visibility import ROSTER_KINDS


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The log before somebody joined."""

    past: Sequence[Past]
    """Every event from seq 1 on, in order."""
    commitments: Sequence[bytes]
    """Theirs, in the same order."""
    events: Mapping[Seq, Event[Any]]
    """At least those that make or change a sighting; for who has chosen to wait, all that others may be told of."""


class _Past:
    """The past, described event by event for a member who waits."""

    def __init__(self, history: History, roster: Roster, waiting: Mapping[MemberId, Waiting]) -> None:
        self._history = history
        self._roster = roster
        self._keeping = Keeping(waiting)
        self._names: dict[str, OwnMilestone] = {}
        self._sortings: defaultdict[Seq, list[tuple[MemberId, Subject | None]]] = defaultdict(list)
        """Event -> by whom and to what it was sorted, in order."""
        self._sorted_last: dict[Seq, Seq] = {}
        """Event -> the last sorting of it, or of what it hangs from."""
        for past in history.past:
            if past.kind == "Sorted" and past.target_seq is not None and past.seq in history.events:
                said: Sorted = history.events[past.seq].event
                if may_sort(past.author, history.past[past.target_seq - 1].author, roster):
                    subject = (said.child, said.milestone) if said.milestone is not None else None
                    self._sortings[past.target_seq].append((past.author, subject))
                    self._sorted_last[past.target_seq] = past.seq

    def case_of(self, past: Past) -> Case:
        """Describe one event, the oldest first, as it was sorted since."""
        event = self._history.events[past.seq]
        target = self._history.past[past.target_seq - 1] if past.target_seq else None
        case = self._keeping.case_of(past.seq, event, target, self._roster, naming=naming_of(event, self._names))
        self._keeping.note(case.kind, past.seq, event, target)
        if case.kind == "MilestoneNamed":
            self._names = named_after(self._names, event)
        for by, subject in self._sortings.get(past.seq, ()):
            case = as_sorted(case, subject, by=by)
        last = max((self._sorted_last.get(seq, Seq(0)) for seq in (past.seq, past.target_seq) if seq), default=Seq(0))
        if last:
            self._sorted_last[past.seq] = last
        return as_part_of_sorted(case) if last > past.seq else case


def history_for(
    joiner: Member, history: History, roster: Roster, waits: Waiting | None, waiting: Mapping[MemberId, Waiting]
) -> tuple[Seq, ...]:
    """Returns the seqs of the log so far that a member who joins is told of, in order; `waits`, if they chose to, is filled.

    `waiting`: what is held from others, since their words say nothing of that.
    """
    told: set[Seq] = set()
    known: set[Seq] = set()
    described = None if waits is None else _Past(history, roster, waiting)
    for past in history.past:
        if waits is not None and (gone := _taken_back(past, history, waits)):
            for seq in gone:
                waits.let_go(seq)
                known.discard(seq)
            continue
        if not visibility.is_history_for(joiner, past, roster, known):
            continue
        known.add(past.seq)
        if waits is not None and described is not None and past.kind not in ROSTER_KINDS and past.author != joiner.member:
            case = described.case_of(past)
            if visibility.is_held(case, waits, roster):
                waits.hold(case)
                continue
        told.add(past.seq)
    return tuple(sorted(told))


def _taken_back(past: Past, history: History, waits: Waiting) -> list[Seq]:
    """Returns what is held and gone with this event: its author takes it back."""
    if past.kind != "Withdrawn" or past.target_seq is None or history.past[past.target_seq - 1].author != past.author:
        return []
    return waits.hanging_from(past.target_seq)
