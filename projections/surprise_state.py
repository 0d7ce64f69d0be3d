"""What one member wishes not to be told, what they have met themselves, and what is held from them.

Owns the state that the rule asks and its small steps. Decides nothing: the rule is `visibility`'s. Kept only for members who
have chosen something, so that nobody else pays for it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import msgspec

from events.catalogue import CATALOGUE
from events.event import Audience, Event
from events.ids import ChildId, EventId, MemberId, Seq
from events.surprise import Mode, SurpriseChosen
from projections.first_saw import Sighting
from projections.subjects import Case, Subject


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that stands."""

    child: ChildId | None
    """None: every child."""
    scope: str
    mode: Mode
    hold_unsorted: bool
    at_most_days: int | None
    chosen_at: datetime
    """When it was recorded: of two the later one counts, in whatever order they arrive."""
    chosen_by: EventId


class About:
    """A subject, as far as it concerns one member: one object for it, so that it is looked up once for all that tells of it."""

    __slots__ = ("held", "keeps", "met", "met_at_home", "met_by_all", "subject", "tells")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.tells: tuple[About, ...] = ()
        """Itself and all that whoever saw it has seen, once that was asked."""
        self.keeps: tuple[tuple[About, Choice], ...] | None = None
        """Which of that is kept by which choice, met or not, if it was asked since the last choice."""
        self.met = 0
        """By how many own sightings: of it, or of what implies it."""
        self.met_at_home = 0
        """By how many of these the member's household may know."""
        self.met_by_all = 0
        """By how many of these the family may know."""
        self.held = 0
        """How many held events would tell of it."""

    def see(self, audience: Audience, by: int) -> None:
        """Count an own sighting, or count it no more."""
        self.met += by
        if audience is not Audience.ME:
            self.met_at_home += by
        if audience is Audience.FAMILY:
            self.met_by_all += by


class Waiting:
    """The state of one member, changed in place: whoever folds has taken it, and gives it back once that is committed."""

    __slots__ = (
        "_about", "_asked", "_last", "asks_for_hints", "choices", "dropped", "held", "hinted", "holds_unsorted",
        "is_changed", "is_rewritten", "is_whole", "member", "own", "put", "unnamed",
    )  # fmt: skip

    def __init__(self, member: MemberId) -> None:
        self.member = member
        self.choices: dict[tuple[ChildId | None, str], Choice] = {}
        self.asks_for_hints = False
        self.holds_unsorted = False
        self.own: dict[Seq, tuple[Subject, Audience]] = {}
        """The member's own sightings, as they stand, as far as they are known here."""
        self._about: dict[Subject, About] = {}
        nothing: Subject = (None, "")
        self._last = nothing, About(nothing)
        """What was asked for last, and is most often asked for again: an id's hash is not free."""
        self.held: dict[Seq, Case] = {}
        """In the order of the log."""
        self.is_whole = True
        """Whether all that is held and met is known here; else names, what happened since this was read, and what was asked."""
        self._asked: set[Subject] = set()
        """The subjects of which is known how far they are met, where not all is."""
        self.hinted: dict[tuple[ChildId, str], date] = {}
        """Child and domain -> the day of the last hint."""
        self.unnamed: Counter[str] = Counter()
        """The family's own milestones whose first names are held."""
        self.is_changed = False
        """Whether anything below may say so."""
        self.is_rewritten = False
        self.put: dict[Seq, Case] = {}
        """Held since the last writing."""
        self.dropped: set[Seq] = set()
        """Held no more since the last writing."""

    def choose(self, event: Event[SurpriseChosen]) -> None:
        """Let a choice stand, unless one that was recorded later stands already."""
        chosen = event.event
        chosen_at, chosen_by = event.order
        before = self.choices.get((chosen.child, chosen.scope))
        if before is not None and (before.chosen_at, before.chosen_by) > (chosen_at, chosen_by):
            return
        self.stand(
            Choice(
                child=chosen.child,
                scope=chosen.scope,
                mode=chosen.mode,
                hold_unsorted=bool(chosen.hold_unsorted),
                at_most_days=chosen.at_most_days,
                chosen_at=chosen_at,
                chosen_by=chosen_by,
            )
        )
        self.is_rewritten = True

    def stand(self, choice: Choice) -> None:
        """Let a choice stand in the place of an earlier one about the same."""
        self.choices[choice.child, choice.scope] = choice
        wishes = self.choices.values()
        self.asks_for_hints = any(one.mode is Mode.HINT for one in wishes)
        self.holds_unsorted = any(one.hold_unsorted and one.mode is not Mode.TELL for one in wishes)
        for about in self._about.values():
            about.keeps = None

    def of(self, subject: Subject) -> About:
        """What there is to know of a subject."""
        asked, about = self._last
        if subject is asked:
            return about
        found = self._about.get(subject)
        if found is None:
            found = self._about[subject] = About(subject)
        self._last = subject, found
        return found

    def told_by(self, subject: Subject) -> tuple[About, ...]:
        """A subject and all that whoever saw it has seen."""
        about = self.of(subject)
        if not about.tells:
            about.tells = tuple([self.of(one) for one in told_by(subject)])
        return about.tells

    def ask(self, subject: Subject) -> list[Subject]:
        """The subjects whose own sightings have to be read before it is asked whether this one is kept: none if they were."""
        if self.is_whole or subject in self._asked:
            return []
        self._asked.add(subject)
        child, milestone = subject
        told = (milestone, *CATALOGUE.implied_by(milestone))
        return [(child, key) for key in sorted({telling for one in told for telling in (one, *CATALOGUE.implying(one))})]

    def see(self, seq: Seq, sighting: Sighting | None) -> list[Subject]:
        """Take note of an own sighting as it stands, None once withdrawn; gives what is met by it and was not before."""
        met_before: tuple[About, ...] = ()
        if (before := self.own.pop(seq, None)) is not None:
            met_before = self.told_by(before[0])
            for about in met_before:
                about.see(before[1], -1)
        if sighting is None:
            return []
        subject, audience = (sighting.child, sighting.milestone), sighting.audience
        self.own[seq] = subject, audience
        fresh = []
        for about in self.told_by(subject):
            if not about.met and about not in met_before:
                fresh.append(about.subject)
            about.see(audience, 1)
        return fresh

    def fill(self, cases: Iterable[Case]) -> None:
        """Hold these and no others: all that is held, as it was written. All own sightings have been seen."""
        for counted in (self.held, self.unnamed):
            counted.clear()
        for about in self._about.values():
            about.held = 0
        for case in cases:
            self.held[case.seq] = case
            self._count(case, 1)
        self.is_whole = True

    def hold(self, case: Case) -> None:
        """Hold an event, or hold it as something else than before. Events come in the order of the log."""
        if (before := self.held.get(case.seq)) is not None:
            self._count(before, -1)
        self.held[case.seq] = case
        self._count(case, 1)
        self.put[case.seq] = case

    def let_go(self, seq: Seq) -> None:
        """Hold an event no more."""
        if (case := self.held.pop(seq, None)) is not None:
            self._count(case, -1)
            self.put.pop(seq, None)
            self.dropped.add(seq)

    def _count(self, case: Case, by: int) -> None:
        for subject in case.subjects:
            for about in self.told_by(subject):
                about.held += by
        if case.kind == "MilestoneNamed" and case.names_first:
            for own in case.own:
                _count(self.unnamed, own, by)

    def written(self) -> None:
        """Forget what changed: it stands in rows now."""
        self.is_changed = False
        self.is_rewritten = False
        self.put.clear()
        self.dropped.clear()

    def hanging_from(self, seq: Seq) -> list[Seq]:
        """Returns a held event and all that refer to it, directly or not, in order; nothing if it is not held."""
        found = {seq} if seq in self.held else set()
        for case in self.held.values() if found else ():
            if case.target_seq in found:
                found.add(case.seq)
        return [held for held in self.held if held in found]


def _count(counter: Counter[Any], key: Any, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


def told_by(subject: Subject) -> Iterator[Subject]:
    """A subject and all that whoever saw it has seen."""
    child, milestone = subject
    yield subject
    for implied in CATALOGUE.implied_by(milestone):
        yield child, implied
