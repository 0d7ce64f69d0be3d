"""Computes by the surprise rule which events each member is sent, in a way that is slow and obviously right.

Owns feeds, held events, and which events are held because of another held event. It is written from the words of docs/surprise.md
and shares no code with the projections. Tests compare the results of the projections with the oracle's. The oracle keeps only
feeds, held events and sortings, and reads the whole log again for each event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from events.amend import Amended, Withdrawn
from events.catalogue import Domain
from events.event import Audience, Effect, Event
from events.family import MemberJoined, MemberLeft, Sees
from events.ids import ChildId, MemberId
from events.observations import MilestoneNamed, MilestoneObserved, ParentFirstSaw
from events.surprise import EnvelopeOpened, Mode, Sorted, SurpriseChosen, TimePassed
from tests.surprise.reading import Line, domain_of, hangs_from, joined, may_sort, subjects
from tests.surprise.reasons import Reason, Wishes


@dataclass(frozen=True)
class Hint:
    """The content of a hint. It names no milestone and no event."""

    child: ChildId
    domain: Domain
    day: date


@dataclass(frozen=True)
class Told:
    """One entry of a feed."""

    what: int | Hint
    """The seq of the entry's event, or the entry's hint."""
    at: datetime
    """The time at which the entry was delivered."""
    released: str | None = None


class Oracle:
    """The feeds of one family, and the events held from each member, as the log grows."""

    def __init__(self, log: Iterable[Event[Any]] = ()) -> None:
        self.log: list[Line] = []
        self.feeds: dict[MemberId, list[Told]] = {}
        self.held: dict[MemberId, list[int]] = {}
        """The seqs of the events that are held now, in order, by the member from whom they are held."""
        self._members: dict[MemberId, MemberJoined] = {}
        self._wishes: dict[MemberId, Wishes] = {}
        """The choices and sightings of each present member, at the end of the log."""
        self.sorted: dict[tuple[MemberId, int], list[Line]] = {}
        """The sortings of a held event and of the events to which it refers, in order, by the member and the held event's seq."""
        self.ever_held: dict[MemberId, set[int]] = {}
        """The seqs of all events that were ever held from a member, including those that were released or withdrawn later."""
        for event in log:
            self.add(event)

    def add(self, event: Event[Any]) -> None:
        """Adds one more event to the log."""
        seq, about = len(self.log) + 1, self._about(event)
        chain = (seq, *(self.log[about - 1].chain if about is not None else ()))
        line = Line(seq, event, about, frozenset(self.told(event.author)), chain)
        self.log.append(line)
        self._members = joined(self.log)
        self._wishes = {member: Wishes(self.log, member) for member in self._members}
        if isinstance(line.body, MemberLeft):
            self.held.pop(line.body.member, None)
        for member in self._members:
            if isinstance(line.body, MemberJoined) and line.body.member == member and line.seq > 1:
                self._welcome(member, self.log[:-1])
            self._offer(member, line)
            self._free(member, line)

    def told(self, member: MemberId) -> set[int]:
        """Returns the seqs of all events that were delivered to a member."""
        return {entry.what for entry in self.feeds.get(member, []) if isinstance(entry.what, int)}

    def _about(self, event: Event[Any]) -> int | None:
        named = getattr(event.event, event.event.refers) if event.event.refers else None
        return next((line.seq for line in self.log if named is not None and line.event.id == named), None)

    # Who may see an event, surprises aside

    def _sees(self, member: MemberId, line: Line, known: set[int]) -> bool:
        """Checks whether a member may see an event, surprises aside.

        `known` has the seqs of the member's delivered and held events. An event that refers to an event outside of `known` is
        not visible.
        """
        event = line.event
        if Effect.ROSTER_FACT in line.body.effects:
            return True
        if isinstance(line.body, TimePassed) or (line.about is not None and line.about not in known):
            return False
        if event.author == member:
            return True
        if event.audience is Audience.ME or self._members[member].sees is Sees.OWN:
            return False
        # The homes of all members, including members who have left.
        homes = {other.body.member: other.body.household for other in self.log if isinstance(other.body, MemberJoined)}
        return event.audience is Audience.FAMILY or homes[event.author] == homes[member]

    # Joining

    def _welcome(self, member: MemberId, past: Sequence[Line]) -> None:
        """Delivers or holds each event of the history for a member who joins, by the choices that the member made before."""
        seen: set[int] = set()
        for line in past:
            is_plain = Effect.ROSTER_FACT in line.body.effects or line.event.author == member
            if is_plain or (self._members[member].sees is Sees.ALL and self._sees(member, line, seen)):
                seen.add(line.seq)
        history = [line for line in past if line.seq in seen]
        self.sorted |= {(member, line.seq): sortings for line in history if (sortings := self._sortings_of(line))}
        held = self._still_held(member, [line for line in history if line.event.author != member])
        lost = {
            line.seq for line in history for taken in history if self._takes_back(taken) and taken.about is not None
            and hangs_from(self.log, line, taken.about, held)
        }  # fmt: skip
        at = self.log[-1].event.received_at
        self.feeds[member] = [Told(line.seq, at) for line in history if line.seq not in held | lost]
        self.held[member] = [line.seq for line in history if line.seq in held - lost]
        self.ever_held[member] = held | lost

    def _sortings_of(self, line: Line) -> list[Line]:
        """Returns the sortings, later in the log, of an event of the history and of the events to which it refers."""
        return [other for other in self.log[line.seq :] if self._sorts(other) and other.about in line.chain]

    def _sorts(self, line: Line) -> bool:
        if not isinstance(line.body, Sorted) or line.about is None:
            return False
        return may_sort(self.log, line.event.author, self.log[line.about - 1])

    def _takes_back(self, line: Line) -> bool:
        """Checks whether an event is a withdrawal by the author of its target."""
        if not isinstance(line.body, Withdrawn) or line.about is None:
            return False
        return self.log[line.about - 1].event.author == line.event.author

    # One event and one member

    def _offer(self, member: MemberId, line: Line) -> None:
        """Delivers an event to a member, or holds it."""
        held = self.held.setdefault(member, [])
        if not self._sees(member, line, self.told(member) | set(held)):
            return
        is_held = line.event.author != member and (bool(self._reasons(member, line)) or self._follows(member, line, set(held)))
        if self._takes_back(line) and line.about is not None and line.about in held:
            # A held event that its author withdraws is never delivered, and neither are the withdrawal and all that refers to the
            # event.
            self.held[member] = [seq for seq in held if not hangs_from(self.log, self.log[seq - 1], line.about, set(held))]
        elif is_held:
            self.feeds[member] += [Told(hint, line.event.received_at) for hint in self._hints(member, line)]
            if self._sorts(line) and line.about is not None:
                # A sorting of a note that was delivered changes nothing for later replies.
                for seq in held:
                    if hangs_from(self.log, self.log[seq - 1], line.about, set(held)):
                        self.sorted.setdefault((member, seq), []).append(line)
            held.append(line.seq)
            self.ever_held.setdefault(member, set()).add(line.seq)
        else:
            self.feeds.setdefault(member, []).append(Told(line.seq, line.event.received_at))

    def _reasons(self, member: MemberId, line: Line, *, act: Line | None = None) -> list[Reason]:
        """Returns the reasons to hold an event because of its own content. The reasons that the act removes are left out."""
        standing = [
            group
            for group in self._groups(member, line)
            if not any(reason.is_lifted_by(act, line.event.received_at, self.log) for reason in group)
        ]
        return [reason for group in standing for reason in group]

    def _groups(self, member: MemberId, line: Line) -> list[list[Reason]]:
        is_sorted = (member, line.seq) in self.sorted
        return self._wishes[member].of_event(line, self._own_sortings(member, line), is_sorted=is_sorted)

    def _own_sortings(self, member: MemberId, line: Line) -> list[Line]:
        return [sorting for sorting in self.sorted.get((member, line.seq), ()) if sorting.about == line.seq]

    def _subjects(self, member: MemberId, line: Line) -> list[tuple[ChildId, str]]:
        return subjects(self.log, line, self._own_sortings(member, line))

    def _names(self, seq: int, milestone: str) -> bool:
        body = self.log[seq - 1].body
        return isinstance(body, MilestoneNamed) and body.milestone == milestone

    def _follows(self, member: MemberId, line: Line, held: set[int]) -> bool:
        """Checks whether an event is held because of another held event: its target, or the name of its milestone."""
        if line.about in held:
            return True
        names = {milestone for _, milestone in self._subjects(member, line)}
        names |= {line.body.milestone} if isinstance(line.body, MilestoneNamed) else set()
        is_told = {name for name in names if any(self._names(seq, name) for seq in self.told(member))}
        return any(self._names(seq, name) for name in names - is_told for seq in held - {line.seq})

    def _still_held(self, member: MemberId, lines: list[Line], *, act: Line | None = None) -> set[int]:
        """Returns the events that have a reason of their own, and the events that are held because of another returned event."""
        held = {line.seq for line in lines if self._reasons(member, line, act=act)}
        while more := {line.seq for line in lines if line.seq not in held and self._follows(member, line, held)}:
            held |= more
        return held

    # Release

    def _free(self, member: MemberId, line: Line) -> None:
        """Applies the rule again to events held from a member, and releases those without a reason, in the order of the log."""
        how = self._frees(member, line)
        if how is None:
            return
        held = self.held[member]
        still = self._still_held(member, [self.log[seq - 1] for seq in held], act=line)
        self.feeds[member] += [Told(seq, line.event.received_at, how) for seq in held if seq not in still]
        self.held[member] = [seq for seq in held if seq in still]

    def _frees(self, member: MemberId, line: Line) -> str | None:
        """Returns the mark for the events that a line releases for a member; None if the line can release nothing."""
        if isinstance(line.body, Sorted | TimePassed):
            return "sorted" if isinstance(line.body, Sorted) else "time"
        if line.event.author != member:
            return None
        match line.body:
            case MilestoneObserved() | ParentFirstSaw() | Amended():
                return "own_first"
            case EnvelopeOpened():
                return "opened"
            case SurpriseChosen():
                return "told"
        return None

    # Hints

    def _hints(self, member: MemberId, line: Line) -> list[Hint]:
        """Returns the hints that a member gets for a held event: at most one a day for each child and domain."""
        held = set(self.held[member])
        reasons = self._reasons(member, line)
        if not isinstance(line.body, MilestoneObserved | ParentFirstSaw | Amended | Sorted):
            return []  # words that only may tell of a milestone give no hint
        if self._follows(member, line, held) or any(
            reason.milestone is None or reason.choice.mode is not Mode.HINT for reason in reasons
        ):
            return []
        waiting = {subject for seq in held for subject in self._subjects(member, self.log[seq - 1])}
        day = line.event.received_at.astimezone(UTC).date()
        found: list[Hint] = []
        for child, milestone in self._subjects(member, line):
            is_kept = any((reason.child, reason.milestone) == (child, milestone) for reason in reasons)
            if not is_kept or (child, milestone) in waiting:
                continue
            domain = domain_of(self.log, milestone)
            last = [hint.day for hint in self._hinted(member, found) if (hint.child, hint.domain) == (child, domain)]
            if all(day > earlier for earlier in last):
                found.append(Hint(child, domain, day))
        return found

    def _hinted(self, member: MemberId, more: list[Hint]) -> list[Hint]:
        return [entry.what for entry in self.feeds.get(member, []) if isinstance(entry.what, Hint)] + more
