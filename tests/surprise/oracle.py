"""What each member is told by the surprise rule, computed as naively as can be: slow, and obviously right.

Owns feeds, what is held, and why something is held because something else is. Written from the rule's words alone: it shares
no code with the projections, which are held against it. Keeps nothing but what was told, held and opened: all else is read off
the whole log again for each event.
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
    """Something new, and nothing else about it."""

    child: ChildId
    domain: Domain
    day: date


@dataclass(frozen=True)
class Told:
    """One entry of a feed."""

    what: int | Hint
    """The seq of an event, or a hint."""
    at: datetime
    """When it was told."""
    released: str | None = None


class Oracle:
    """The feeds of one family, and what is held from whom, as its log grows."""

    def __init__(self, log: Iterable[Event[Any]] = ()) -> None:
        self.log: list[Line] = []
        self.feeds: dict[MemberId, list[Told]] = {}
        self.held: dict[MemberId, list[int]] = {}
        """Seqs, in order."""
        self._members: dict[MemberId, MemberJoined] = {}
        self._wishes: dict[MemberId, Wishes] = {}
        """Who is present and what they wish, as the log says it so far."""
        self.sorted: dict[tuple[MemberId, int], list[Line]] = {}
        """How what is held from a member was sorted: itself, or what it hangs from, in order."""
        self.ever_held: dict[MemberId, set[int]] = {}
        """Seqs of what was held at some time, whatever became of it."""
        for event in log:
            self.add(event)

    def add(self, event: Event[Any]) -> None:
        """Let one more event happen."""
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
        """The seqs of all that a member was told."""
        return {entry.what for entry in self.feeds.get(member, []) if isinstance(entry.what, int)}

    def _about(self, event: Event[Any]) -> int | None:
        named = getattr(event.event, event.event.refers) if event.event.refers else None
        return next((line.seq for line in self.log if named is not None and line.event.id == named), None)

    # What a member may see, surprises aside

    def _sees(self, member: MemberId, line: Line, known: set[int]) -> bool:
        """Whether an event is for a member, to whom `known` was told or is kept for."""
        event = line.event
        if Effect.ROSTER_FACT in line.body.effects:
            return True
        if isinstance(line.body, TimePassed) or (line.about is not None and line.about not in known):
            return False
        if event.author == member:
            return True
        if event.audience is Audience.ME or self._members[member].sees is Sees.OWN:
            return False
        # The homes of who has left, too.
        homes = {other.body.member: other.body.household for other in self.log if isinstance(other.body, MemberJoined)}
        return event.audience is Audience.FAMILY or homes[event.author] == homes[member]

    # Who joins

    def _welcome(self, member: MemberId, past: Sequence[Line]) -> None:
        """Tell who joins of the history, by the choices that they made before it."""
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
        """Of a history: all that was said since of what an event is about, and of what it hangs from."""
        return [other for other in self.log[line.seq :] if self._sorts(other) and other.about in line.chain]

    def _sorts(self, line: Line) -> bool:
        if not isinstance(line.body, Sorted) or line.about is None:
            return False
        return may_sort(self.log, line.event.author, self.log[line.about - 1])

    def _takes_back(self, line: Line) -> bool:
        """Whether an event is its author's withdrawal."""
        if not isinstance(line.body, Withdrawn) or line.about is None:
            return False
        return self.log[line.about - 1].event.author == line.event.author

    # One event, one member

    def _offer(self, member: MemberId, line: Line) -> None:
        """Tell a member of an event, or hold it."""
        held = self.held.setdefault(member, [])
        if not self._sees(member, line, self.told(member) | set(held)):
            return
        is_held = line.event.author != member and (bool(self._reasons(member, line)) or self._follows(member, line, set(held)))
        if self._takes_back(line) and line.about is not None and line.about in held:
            # What its author took back while it was held is never delivered, nor what refers to it, nor that it was withdrawn.
            self.held[member] = [seq for seq in held if not hangs_from(self.log, self.log[seq - 1], line.about, set(held))]
        elif is_held:
            self.feeds[member] += [Told(hint, line.event.received_at) for hint in self._hints(member, line)]
            if self._sorts(line) and line.about is not None:
                # Of what was told, a sorting changes nothing of what is said from then on.
                for seq in held:
                    if hangs_from(self.log, self.log[seq - 1], line.about, set(held)):
                        self.sorted.setdefault((member, seq), []).append(line)
            held.append(line.seq)
            self.ever_held.setdefault(member, set()).add(line.seq)
        else:
            self.feeds.setdefault(member, []).append(Told(line.seq, line.event.received_at))

    def _reasons(self, member: MemberId, line: Line, *, act: Line | None = None) -> list[Reason]:
        """What keeps an event by itself, and is not lifted by an act."""
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
        """Whether an event is held because another is: what it refers to, or the name of its subject."""
        if line.about in held:
            return True
        names = {milestone for _, milestone in self._subjects(member, line)}
        names |= {line.body.milestone} if isinstance(line.body, MilestoneNamed) else set()
        is_told = {name for name in names if any(self._names(seq, name) for seq in self.told(member))}
        return any(self._names(seq, name) for name in names - is_told for seq in held - {line.seq})

    def _still_held(self, member: MemberId, lines: list[Line], *, act: Line | None = None) -> set[int]:
        """Those with a reason of their own, those that follow them, those that follow these, and so on."""
        held = {line.seq for line in lines if self._reasons(member, line, act=act)}
        while more := {line.seq for line in lines if line.seq not in held and self._follows(member, line, held)}:
            held |= more
        return held

    # Release

    def _free(self, member: MemberId, line: Line) -> None:
        """After an act, ask again for all that is held from a member, and release what no longer is, in log order."""
        how = self._frees(member, line)
        if how is None:
            return
        held = self.held[member]
        still = self._still_held(member, [self.log[seq - 1] for seq in held], act=line)
        self.feeds[member] += [Told(seq, line.event.received_at, how) for seq in held if seq not in still]
        self.held[member] = [seq for seq in held if seq in still]

    def _frees(self, member: MemberId, line: Line) -> str | None:
        """How what an event frees for a member is marked; None where it frees nothing."""
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
        """What a member is told of an event that is held: once for a child, a domain and a day."""
        held = set(self.held[member])
        reasons = self._reasons(member, line)
        if not isinstance(line.body, MilestoneObserved | ParentFirstSaw | Amended | Sorted):
            return []  # words only may tell of something
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
