"""The shape of a projection: what the log makes of a family, one event at a time.

The same fold runs in the append's own transaction and in a replay, and gives the same rows (law 11). A `Folding` is a
draft of that result: it is filled by pure steps, knows no rows, clocks or dice, and remembers what changed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from events.amend import Withdrawn
from events.event import Event, Role
from events.ids import FamilyId, MemberId, Seq
from projections import feed, first_saw, roster, visibility
from projections.feed import Run
from projections.feed_writer import Tail
from projections.first_saw import SIGHTING_KINDS, Sighting
from projections.holds import Keeping, Release
from projections.joining_history import History, history_for
from projections.keep_quiet import TELLING, Sorting, sorted_by_then, spoken_with
from projections.logged_event import Past, Target
from projections.roster import Roster
from projections.subjects import Case, naming_of
from projections.surprise_state import Waiting

REMEMBERED: Final = 15
"""Sets of members who were told of something lately."""


class Stepped(msgspec.Struct, frozen=True, gc=False):
    """What became of one event."""

    told: tuple[MemberId, ...]
    """Who is told of it now."""
    place: int
    """In the author's own feed."""
    spoken: tuple[Case, ...] = ()
    """What it tells, and what all that it refers to tells: see `Folding.spoken`."""
    meant: tuple[MemberId, ...] = ()
    """For whom it is meant, whoever waits; empty where it tells nothing."""
    releases: tuple[Release, ...] = ()
    """What it frees. Each has to be delivered by `release` before the next step."""


class _Audience(msgspec.Struct, frozen=True, gc=False):
    """Those who are told of an event, looked up once for all events that are told to the same."""

    told: tuple[MemberId, ...]
    roster: Roster
    tails: list[Tail]
    """Their feeds."""
    parents: list[MemberId]


class Folding:
    """A family's state while events are folded into it.

    It begins with the last run of every feed, with what the `waiting` wait for, and with whatever `sightings` (seq -> who
    knows it -> what they know) the coming events may touch. After `step`s and a `settle`, the tails' changed runs,
    `changed_sightings` (None: gone) and what `keeping` changed is what differs from the rows.
    """

    def __init__(
        self,
        family: FamilyId,
        state: Roster,
        last_runs: Mapping[MemberId, Run],
        waiting: Mapping[MemberId, Waiting] | None = None,
    ) -> None:
        self.family = family
        self.roster = state
        self.keeping = Keeping(waiting or {})
        self.tails = {member: Tail(family, member, last) for member, last in last_runs.items()}
        self.keeps_spoken = bool(waiting)
        """Whether anybody may have to be kept from what is said: set it, where the coming events hold a first choice."""
        self.spoken: dict[Seq, tuple[Case, ...]] = {}
        """Event -> what can tell anybody of anything, of itself and of all that it refers to, by its own content: of those that
        the coming events may refer to."""
        self.sortings: defaultdict[Seq, list[Sorting]] = defaultdict(list)
        """Thread -> how its events were sorted; of the threads that the coming events may refer to."""
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        self.changed_sightings: defaultdict[Seq, dict[MemberId, Sighting | None]] = defaultdict(dict)
        self._audiences: list[_Audience] = []
        for member in self.keeping.waiting:
            self._tail(member).go_listed()

    def step(self, seq: Seq, event: Event[Any], commitment: bytes, target: Target | None) -> Stepped:
        """Fold one more event of the log."""
        kind = type(event.event).__name__
        case = None
        if not self.keeping.is_plain(event, target):
            case = self.keeping.case_of(seq, event, target, self.roster, naming=naming_of(event, self.roster.own_milestones))
        spoken = self.spoken_by(seq, event, target, case) if self.keeps_spoken else ()
        self.keeping.note(kind, seq, event, target)
        if kind in roster.CHANGES_A_ROSTER:
            self.roster = roster.step(self.roster, event)
        verdict = visibility.decide(
            case,
            kind=kind,
            author=event.author,
            audience=event.audience,
            target=target,
            roster=self.roster,
            waiting=self.keeping.waiting,
        )
        audience = self._audience(verdict.told)
        for tail in audience.tails:
            tail.seqs.append(seq)
            tail.commitments.append(commitment)
        place = self.place_of(event.author)
        if (touched := first_saw.touched(kind=kind, seq=seq, target=target)) is not None:
            self._step_sightings(audience.parents, touched, event)
            if self._is_own_and_no_parents(kind, event.author, target):
                self._step_sightings((event.author,), touched, event)
        meant = visibility.meant_for(kind, event.author, event.audience, self.roster) if spoken else ()
        if case is None:
            return Stepped(verdict.told, place, spoken, meant)
        for member in verdict.held:
            self._hold(member, case, event.received_at)
        if kind == "Sorted" and self.keeps_spoken and case.subjects:
            self.sortings[case.thread].append(Sorting(case, frozenset(verdict.told)))
        releases = self._act(case, event, touched) if self.keeping.concerns(kind, event.author) else ()
        return Stepped(verdict.told, place, spoken, meant, releases)

    def spoken_by(self, seq: Seq, event: Event[Any], target: Past | None, case: Case | None = None) -> tuple[Case, ...]:
        """Returns what an event tells and what all that it refers to tells, by their own content; kept in `spoken`."""
        if type(event.event) is Withdrawn and target is not None and target.author == event.author:
            return ()  # nobody is told of anything by it
        above = self.spoken.get(target.seq, ()) if target is not None else ()
        if case is None and type(event.event).__name__ in TELLING:
            case = self.keeping.case_of(seq, event, target, self.roster)
        found = above if case is None else spoken_with(case, above)
        if found:
            self.spoken[seq] = found
        if target is None or not (sortings := self.sortings.get(target.thread)):
            return found
        for sorting in sorted_by_then(sortings, author=event.author, before=seq):
            found = spoken_with(sorting, found)
        return found

    def _audience(self, told: tuple[MemberId, ...]) -> _Audience:
        """Those who are told. Most events of a batch are told to the same few sets of members, most to the last."""
        roster = self.roster
        for known in self._audiences:
            if known.told is told and known.roster is roster:
                return known
        for known in self._audiences:
            if known.told == told and known.roster is roster:
                return known
        fresh = _Audience(
            told, roster, [self._tail(member) for member in told], [parent for parent in roster.parents if parent in told]
        )
        self._audiences = [fresh, *self._audiences[:REMEMBERED]]
        return fresh

    def _hold(self, member: MemberId, case: Case, told_at: datetime) -> None:
        """Hold an event from a member, who may be given a hint instead."""
        for hint in self.keeping.hold(member, case, self.roster):
            self._tail(member).hint(msgspec.json.encode(hint), told_at)
        if case.own:
            self.roster = self.keeping.named(member, self.roster)

    def _act(self, case: Case, event: Event[Any], touched: Seq | None) -> tuple[Release, ...]:
        """What an event means to those who wait."""
        if case.kind == "SurpriseChosen":
            self._tail(event.author).go_listed()
        own = self.sightings[touched].get(event.author) if touched is not None else None
        releases = self.keeping.act(case, event, self.roster, own=own, seen=self._seen_by)
        for release in releases:
            self.roster = self.keeping.named(release.member, self.roster)
        return releases

    def _seen_by(self, member: MemberId) -> dict[Seq, Sighting]:
        """The member's own sightings, of those that are known here."""
        return {
            seq: known[member] for seq, known in self.sightings.items() if member in known and known[member].author == member
        }

    def release(self, release: Release, events: Mapping[Seq, tuple[Event[Any], bytes]], told_at: datetime) -> None:
        """Deliver what was freed: events with their commitments. The sightings that they change are known."""
        self._note_released(release)
        tail = self._tail(release.member)
        for stretch in feed.neighbours([case.seq for case in release.cases]):
            tail.tell_late(stretch[0], [events[seq][1] for seq in stretch], told_at, released=release.why)
        if self.keeps_sightings(release.member):
            for case in release.cases:
                if case.touches is not None:
                    self._step_sightings((release.member,), case.touches, events[case.seq][0])

    def _note_released(self, release: Release) -> None:
        """Note that a member was sent sortings after all."""
        seqs_by_thread: defaultdict[Seq, set[Seq]] = defaultdict(set)
        for case in release.cases:
            if case.kind == "Sorted":
                seqs_by_thread[case.thread].add(case.seq)
        for thread, seqs in seqs_by_thread.items():
            self.sortings[thread] = [
                Sorting(one.case, one.sent_to | {release.member}) if one.case.seq in seqs else one
                for one in self.sortings[thread]
            ]

    def place_of(self, member: MemberId) -> int:
        """The last place of a member's feed as folded so far; 0 for an empty one."""
        return self._tail(member).place

    def settle(self) -> None:
        """Append what was told since the last settling to the feeds."""
        for tail in self.tails.values():
            tail.settle()
        self._audiences.clear()

    def welcome(self, event: Event[Any], joiner: MemberId, history: History) -> tuple[Seq, ...]:
        """Deliver what `joiner`, whom a MemberJoined brings in, is told of the log so far; gives its seqs.

        What they have chosen before is held from them. Call it before the `step` of that event.
        """
        self.roster = roster.step(self.roster, event)
        waits = self.keeping.to_change(joiner) if joiner in self.keeping.waiting else None
        told = history_for(self.roster.members[joiner], history, self.roster, waits, self.keeping.waiting)
        self.roster = self.keeping.named(joiner, self.roster)
        for stretch in feed.neighbours(told):
            commitments = history.commitments[stretch[0] - 1 : stretch[-1]]
            self._tail(joiner).tell_late(stretch[0], commitments, event.received_at)
        if self.keeps_sightings(joiner):
            for seq in told:
                self._recall(joiner, history, seq)
        return told

    def _recall(self, member: MemberId, history: History, seq: Seq) -> None:
        then = history.past[seq - 1]
        target = history.past[then.target_seq - 1] if then.target_seq else None
        if (touched := first_saw.touched(kind=then.kind, seq=seq, target=target)) is not None:
            self._step_sightings((member,), touched, history.events[seq])

    def keeps_sightings(self, member: MemberId) -> bool:
        """Timelines are kept as rows for parents; for others they are folded when asked for."""
        return self.roster.members[member].role is Role.PARENT

    def _is_own_and_no_parents(self, kind: str, author: MemberId, target: Past | None) -> bool:
        """Whether a sighting is its author's own, whose timeline is no rows: theirs tell what they have met."""
        if self.roster.members[author].role is not Role.CAREGIVER:
            return False
        changes_one = kind in ("Amended", "Withdrawn") and target is not None and target.kind in SIGHTING_KINDS
        return kind in SIGHTING_KINDS or changes_one

    def last_runs(self) -> dict[MemberId, Run]:
        """The last run of every feed that is not empty."""
        return {member: tail.last for member, tail in self.tails.items() if tail.last is not None}

    def _tail(self, member: MemberId) -> Tail:
        if (tail := self.tails.get(member)) is None:
            tail = self.tails[member] = Tail(self.family, member, None)
        return tail

    def _step_sightings(self, members: Sequence[MemberId], seq: Seq, event: Event[Any]) -> None:
        """Fold an event into what these members know of one sighting; most often all of them know the same."""
        known, changed = self.sightings[seq], self.changed_sightings[seq]
        if not known and members and (fresh := first_saw.step(None, event)) is not None:
            known.update(dict.fromkeys(members, fresh))
            changed.update(known)
            return
        folded: dict[int, Sighting | None] = {}
        for member in members:
            before = known.get(member)
            if id(before) not in folded:
                folded[id(before)] = first_saw.step(before, event)
            after = changed[member] = folded[id(before)]
            if after is None:
                known.pop(member, None)
            else:
                known[member] = after


