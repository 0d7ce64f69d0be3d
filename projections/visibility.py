"""Decides what one member may see of one event, and from when.

Owns the rule, whole. Knows no rows, routes or clocks: every fact it needs is an argument, so the rule that keeps a secret
can be read on one page. It is asked once, when an event is written, and again when somebody's own act may free what was
held from them; reads filter nothing (law 6).
"""

import math
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Final

import msgspec

from events.catalogue import CATALOGUE
from events.event import AsTarget, Audience, Body
from events.family import ROSTER_FACTS, Sees
from events.ids import ChildId, MemberId, Seq
from events.surprise import Mode
from projections.logged_event import Past, Target
from projections.roster import Member, Roster
from projections.subjects import Case, Subject
from projections.surprise_state import About, Choice, Waiting

ROSTER_KINDS: Final = frozenset(fact.__name__ for fact in ROSTER_FACTS)
TOLD_TO_NOBODY: Final = frozenset({"TimePassed"})

FAMILY: Final = Audience.FAMILY
HOUSEHOLD: Final = Audience.HOUSEHOLD
HasMet = Callable[[About], object]
MET: Final = attrgetter("met")


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Who is told of an event now, and from whom it is held until their own act releases it. Nobody is in both."""

    told: tuple[MemberId, ...]
    held: tuple[MemberId, ...] = ()


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why an event is held by itself: a choice, and the subject that it keeps; none for an everyday note."""

    subject: Subject | None
    choice: Choice


def audience_of(body: type[Body], *, asked: Audience | None, target: Target | None) -> Audience:
    """The audience of an event: as the draft asked, else the default beside its type; its target's where it follows one."""
    if isinstance(body.audience, AsTarget):
        assert target is not None, f"{body.__name__} follows its target"
        return target.audience
    return asked or body.audience


def decide(
    case: Case | None,
    *,
    kind: str,
    author: MemberId,
    audience: Audience,
    target: Target | None,
    roster: Roster,
    waiting: Mapping[MemberId, Waiting],
) -> Verdict:
    """Decide who is told of an event, given the roster as the event leaves it.

    An author is always told of their own words. A member who sees an event has seen what it refers to. A member who waits is
    not told of what the rule holds from them. What an author takes back while it is held is gone, and so is the withdrawal.
    Where nobody waits, no case needs to be made.
    """
    meant = meant_for(kind, author, audience, roster)
    told = meant
    if target is not None and target.told is not meant:
        told = tuple([one for one in meant if one in target.told or one == author])
    if case is None or kind in ROSTER_KINDS:
        return Verdict(told)
    held: list[MemberId] = []
    for one, waits in waiting.items():
        if one in told:
            if one != author and is_held(case, waits, roster):
                at = told.index(one)
                told = told[:at] + told[at + 1 :]
                held.append(one)
        elif case.target_seq in waits.held and not case.takes_back and one in meant:
            held.append(one)
    return Verdict(told, tuple(held))


def meant_for(kind: str, author: MemberId, audience: Audience, roster: Roster) -> tuple[MemberId, ...]:
    """Everybody for whom an event is meant, whoever waits."""
    if kind in ROSTER_KINDS:
        return roster.present
    readers = roster.readers.get(author)
    if readers is None or kind in TOLD_TO_NOBODY:  # who chooses before they join is told of it when they have joined
        return ()
    if audience is FAMILY:
        return readers.family
    return readers.household if audience is HOUSEHOLD else readers.me


def is_held(case: Case, waits: Waiting, roster: Roster) -> bool:
    """Say whether an event of others, of which a member would be told, is held from them."""
    if case.target_seq is None and not case.own:  # most: bound to nothing
        return is_kept(case, waits, roster)
    return not case.takes_back and (_bound(case, waits.held, waits.unnamed) or is_kept(case, waits, roster))


def _bound(case: Case, held: Collection[Seq], unnamed: Collection[str]) -> bool:
    """Whether an event is held because something else is: what it refers to, or the name of what it speaks of."""
    return case.target_seq in held or (case.own != () and any(own in unnamed for own in case.own))


def _answers(case: Case, waits: Waiting) -> bool:
    """Whether an event belongs to a thread that the member began: nothing is kept of the answers to one's own words (law 20)."""
    return case.target_seq is not None and case.began == waits.member


def reasons(case: Case, waits: Waiting, roster: Roster, *, has_met: HasMet = MET) -> list[Reason]:
    """Why an event is held by itself. `has_met` stands in for what the member has met, where others may not know all of it."""
    if _answers(case, waits):
        return []
    why = [Reason(subject, choice) for subject in case.subjects for choice in _kept_by(subject, waits, roster, has_met)]
    return why + [Reason(None, choice) for choice in _unsorted(case, waits)] if case.is_unsorted else why


def is_kept(case: Case, waits: Waiting, roster: Roster, has_met: HasMet = MET) -> bool:
    """Whether there is any of its `reasons`, without listing them: this is asked at every event."""
    if _answers(case, waits):
        return False
    if case.is_unsorted and _unsorted(case, waits):
        return True
    for subject in case.subjects:
        if subject[0] is None:
            return bool(reasons(case, waits, roster, has_met=has_met))
        for about, _ in waits.of(subject).keeps or _keeps_of(subject, waits, roster):
            if not has_met(about):
                return True
    return False


def _unsorted(case: Case, waits: Waiting) -> list[Choice]:
    """The choices that keep an everyday note."""
    keeping = [one for one in waits.choices.values() if one.hold_unsorted and asks_to_wait(one)] if waits.holds_unsorted else []
    return [choice for choice in keeping if choice.child is None or case.child is None or choice.child == case.child]


def _kept_by(subject: Subject, waits: Waiting, roster: Roster, has_met: HasMet) -> list[Choice]:
    """The choices that keep a subject: its own, and those of what it implies, as far as that is not met."""
    if subject[0] is None:
        return _kept_for_every_child(subject[1], waits, roster, has_met)
    return [choice for about, choice in _keeps_of(subject, waits, roster) if not has_met(about)]


def _keeps_of(subject: Subject, waits: Waiting, roster: Roster) -> tuple[tuple[About, Choice], ...]:
    """What of all that a subject of a child tells is kept, by which choice, whether or not it is met."""
    asked, (child, milestone) = waits.of(subject), subject
    if asked.keeps is not None:
        return asked.keeps
    wishes = [(about, choice_for(child, about.subject[1], waits, roster)) for about in waits.told_by(subject)]
    if _is_safety(milestone) and not asks_to_wait(choice_for(child, milestone, waits, roster)):
        wishes = []
    keeps = tuple([(about, choice) for about, choice in wishes if choice is not None and asks_to_wait(choice)])
    if milestone in CATALOGUE.by_key:  # the domain of a family's own may change
        asked.keeps = keeps
    return keeps


def _kept_for_every_child(milestone: str, waits: Waiting, roster: Roster, has_met: HasMet) -> list[Choice]:
    """A name tells of no child: it is kept by whoever keeps what it names of every child there is.

    And no longer: once what it names may be told of one child, the name would hold that back.
    """
    if not roster.children:
        choice = choice_for(None, milestone, waits, roster)
        return [choice] if choice is not None and asks_to_wait(choice) else []
    by_child = [_kept_by((child, milestone), waits, roster, has_met) for child in roster.children]
    soonest = sorted((choice for kept in by_child for choice in kept), key=lambda choice: choice.at_most_days or math.inf)
    return soonest[:1] if all(by_child) else []


def choice_for(child: ChildId | None, milestone: str, waits: Waiting, roster: Roster) -> Choice | None:
    """The choice that says how a member wishes to hear of a milestone: the most specific one.

    The milestone by its name goes before its domain, and that before all; within one of them, the child before every child.
    What has a safety note is told, unless it was chosen by its name.
    """
    scopes = [f"milestone:{milestone}"]
    if not _is_safety(milestone):
        scopes += [f"domain:{domain_of(milestone, roster)}", "all"]
    asked = (waits.choices.get((whose, scope)) for scope in scopes for whose in (child, None))
    return next((choice for choice in asked if choice is not None), None)


def asks_to_wait(choice: Choice | None) -> bool:
    """Whether a choice is one not to be told."""
    return choice is not None and choice.mode is not Mode.TELL


def _is_safety(milestone: str) -> bool:
    listed = CATALOGUE.by_key.get(milestone)
    return listed is not None and listed.safety is not None


def domain_of(milestone: str, roster: Roster) -> str:
    """The domain of a milestone of the catalogue, or of the family's own."""
    listed = CATALOGUE.by_key.get(milestone)
    return listed.domain if listed is not None else roster.own_milestones[milestone].domain


# What was held is let go: in the order of the log, each event by the same rule as when it was written.


def freed(
    waits: Waiting,
    roster: Roster,
    *,
    is_lifted: Callable[[Case, Reason], bool] | None = None,
    among: frozenset[Subject] | None = None,
) -> list[Case]:
    """What is held from a member no longer, in the order of the log; `is_lifted` says which reasons their act lifts.

    `among`: the act changes nothing of other subjects than these, so that what is held by itself for others stays held unasked.
    """
    held: set[Seq] = set()
    unnamed: set[str] = set()
    free = []
    for case in waits.held.values():
        is_alone = case.target_seq is None and not case.own
        if among is not None and is_alone and among.isdisjoint(case.subjects):
            held.add(case.seq)
            continue
        if not _bound(case, held, unnamed):
            why = reasons(case, waits, roster)
            if all(is_lifted is not None and is_lifted(case, reason) for reason in why):
                free.append(case)
                continue
        held.add(case.seq)
        if case.kind == "MilestoneNamed" and case.names_first:
            unnamed.update(case.own)
    return free


def hints_for(case: Case, waits: Waiting, roster: Roster) -> list[tuple[ChildId, str]]:
    """The (child, domain) of which a member may hear that there is something new, when this event is held from them.

    Only where nothing but a wish for hints holds it, and once for each subject; never for what words only perhaps tell of.
    """
    if not waits.asks_for_hints or case.is_perhaps or _bound(case, waits.held, waits.unnamed):
        return []
    why = reasons(case, waits, roster)
    if any(reason.subject is None or reason.choice.mode is not Mode.HINT for reason in why):
        return []
    kept = (reason.subject for reason in why if reason.subject is not None)
    new = [subject for subject in kept if not any(subject in held.subjects for held in waits.held.values())]
    return list(dict.fromkeys((child, domain_of(milestone, roster)) for child, milestone in new if child is not None))


def is_history_for(joiner: Member, event: Past, roster: Roster, told: Collection[Seq]) -> bool:
    """Say whether a member who joins is meant to know an event of the log so far; `told`: what of it they are told.

    Names come with the roster facts, which everybody is told. The rest is for those who see all; a private word of another
    member is for nobody else, and what refers to something untold stays untold.
    """
    if event.kind in ROSTER_KINDS or event.author == joiner.member:
        return True
    if joiner.sees is not Sees.ALL or not (event.target_seq is None or event.target_seq in told):
        return False
    match event.audience:
        case Audience.ME:
            return False
        case Audience.HOUSEHOLD:
            return roster.members[event.author].household == joiner.household
        case Audience.FAMILY:
            return True
