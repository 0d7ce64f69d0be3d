"""Decides whether and when one member may see one event: the surprise rule.

Knows no rows, routes or clocks: every fact that the rule needs is an argument. The rule is applied when an event is written, and
again when an act may release events that are held. Reads filter nothing (law 6). `visibility_fast` gives the same results
sooner.

    An event is held from a member in its audience
        if it refers to a held event, or names a milestone of the family's own whose name is held,
        or if it reveals a subject that a choice of the member keeps and that the member has not met,
        or if it is an everyday note, and a choice of the member keeps everyday notes.
    The member's own words and roster facts are never held. A reply in a thread that the member began is never held
    for what the reply itself reveals.
"""

import math
from collections.abc import Callable, Container, Iterable, Mapping

import msgspec

from events.event import AsTarget, Audience, Body
from events.family import Sees
from events.ids import ChildId, MemberId, Seq
from events.kinds import ROSTER_FACTS, UNDELIVERED
from events.surprise import Mode
from projections.logged_event import Content, DescribedEvent, LoggedEvent, Subject
from projections.roster import Member, Roster, is_reader
from projections.surprise_state import (
    Choice,
    SurpriseState,
    Wishes,
    asks_to_wait,
    choice_for,
    has_safety_note,
    implied_by,
)

Kept = tuple[tuple[Subject, Choice], ...]
KeptOf = Callable[[Subject], Kept]
IsHeld = Callable[[DescribedEvent, SurpriseState, Roster], bool]


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The members to whom an event is delivered now, and the members from whom it is held. No member is in both lists."""

    delivered: tuple[MemberId, ...]
    held: tuple[MemberId, ...] = ()


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A reason to hold an event: a choice, and the subject that the choice keeps; for an everyday note, a choice alone."""

    subject: Subject | None
    choice: Choice


def audience_of(body: type[Body], *, requested: Audience | None, target: LoggedEvent | None) -> Audience:
    """Returns the audience of an event: its target's if its type requires that, else the requested one or the type's default."""
    if isinstance(body.audience, AsTarget):
        assert target is not None, f"{body.__name__} follows its target"
        return target.audience
    return requested or body.audience


def readers_of(kind: str, author: MemberId, audience: Audience, roster: Roster) -> tuple[MemberId, ...]:
    """Returns all members in the audience of an event, including those from whom it is held."""
    if kind in ROSTER_FACTS:
        return roster.present
    readers = roster.readers.get(author)
    if readers is None or kind in UNDELIVERED:
        return ()  # a choice made before its author joined is delivered once they have joined
    return readers[audience]


def is_history_for(joiner: Member, logged: LoggedEvent, roster: Roster, known: Container[Seq]) -> bool:
    """Returns whether a joining member may know an event from before the joining. `known`: the older events that they may know.

    Everybody may know roster facts and their own events. A member who sees `all` may know the events that have them in the
    audience, except events that refer to an event which they may not know.
    """
    if logged.kind in ROSTER_FACTS or logged.author == joiner.member:
        return True
    if joiner.sees is not Sees.ALL or not (logged.target_seq is None or logged.target_seq in known):
        return False
    return is_reader(joiner, logged.audience, author=roster.members[logged.author])


# ---- Held events


def is_held(described: DescribedEvent, state: SurpriseState, roster: Roster) -> bool:
    """Returns whether an event by another author is held from a member in its audience."""
    if described.takes_back:
        return False
    return is_bound(described, state.holds.events, state.holds.unnamed) or bool(reasons(described, state, roster))


def is_bound(described: DescribedEvent, held: Container[Seq], unnamed: Container[str]) -> bool:
    """Returns whether an event is held because its target is held, or the name of a milestone that it uses."""
    return described.logged.target_seq in held or any(own in unnamed for own in described.content.own_milestones)


def reasons(
    described: DescribedEvent,
    state: SurpriseState,
    roster: Roster,
    *,
    met: Container[Subject] | None = None,
    look_up: KeptOf | None = None,
) -> list[Reason]:
    """Returns the reasons to hold an event from a member for its own content; none for a reply in the member's thread (law 20).

    `met`: the subjects that count as met; None: all that the member has met. A receipt passes only those that its author may know
    of. `look_up`: a faster `kept_of` for the member's wishes.
    """
    if is_answer_to(state.member, described):
        return []
    return reasons_of(described.content, state.wishes, roster, state.met.subjects if met is None else met, look_up)


def is_answer_to(member: MemberId, described: DescribedEvent) -> bool:
    """Returns whether an event is a reply in a thread that a member began."""
    return described.logged.target_seq is not None and described.logged.thread_author == member


def reasons_of(
    content: Content, wishes: Wishes, roster: Roster, met: Container[Subject], look_up: KeptOf | None = None
) -> list[Reason]:
    """Returns the reasons to hold an event with this content: one for each choice that keeps what the event reveals."""

    def kept_by(subject: Subject) -> list[Choice]:
        if subject[0] is None:
            return kept_for_every_child(subject[1], roster, kept_by, wishes)
        kept = kept_of(subject, wishes, roster) if look_up is None else look_up(subject)
        return [choice for one, choice in kept if one not in met]

    found = [Reason(subject, choice) for subject in content.subjects for choice in kept_by(subject)]
    if content.is_everyday:
        found += [Reason(None, choice) for choice in everyday_choices(content.child, wishes)]
    return found


def everyday_choices(child: ChildId | None, wishes: Wishes) -> list[Choice]:
    """Returns the choices that keep an everyday note about a child; `child` is None if the note is about every child."""
    if not wishes.holds_everyday:
        return []
    keeping = [choice for choice in wishes.choices.values() if choice.hold_unsorted and asks_to_wait(choice)]
    return [choice for choice in keeping if choice.child is None or child is None or choice.child == child]


def kept_of(subject: Subject, wishes: Wishes, roster: Roster) -> Kept:
    """Returns, for a subject and all subjects that it implies, those that wishes keep, each with the choice that keeps it.

    Subjects that the member has met are included.
    """
    child, milestone = subject
    if has_safety_note(milestone) and not asks_to_wait(choice_for(child, milestone, wishes, roster)):
        return ()
    found = [(one, choice_for(child, one[1], wishes, roster)) for one in implied_by(subject)]
    return tuple([(one, choice) for one, choice in found if choice is not None and asks_to_wait(choice)])


def kept_for_every_child(
    milestone: str, roster: Roster, kept_by: Callable[[Subject], list[Choice]], wishes: Wishes
) -> list[Choice]:
    """Returns the choice that keeps a milestone's name, as a list of at most one.

    A name is about no single child, so it is kept only while the milestone is kept for every child. Once events about the
    milestone may be delivered for one child, a held name would hold these back, too. Therefore the choice with the fewest days
    counts.
    """
    if not roster.children:
        choice = choice_for(None, milestone, wishes, roster)
        return [choice] if choice is not None and asks_to_wait(choice) else []
    by_child = [kept_by((child, milestone)) for child in roster.children]
    soonest = sorted((choice for kept in by_child for choice in kept), key=lambda choice: choice.at_most_days or math.inf)
    return soonest[:1] if all(by_child) else []


# ---- Recipients of a new event


def decide(
    described: DescribedEvent | None,
    *,
    kind: str,
    author: MemberId,
    audience: Audience,
    target: LoggedEvent | None,
    roster: Roster,
    surprises: Mapping[MemberId, SurpriseState],
    is_held: IsHeld = is_held,
) -> Verdict:
    """Decides to which members an event is delivered, and from which members it is held.

    Authors always get their own words. Another member gets an event only if they were sent the event to which it refers. An event
    that its author withdraws while it is held is never delivered, nor is the withdrawal. `described`: None if no member waits.
    `roster`: the roster after the event.
    """
    readers = readers_of(kind, author, audience, roster)
    sent = readers
    if target is not None and target.delivered_to is not readers:
        sent = tuple([one for one in readers if one in target.delivered_to or one == author])
    if described is None or kind in ROSTER_FACTS:
        return Verdict(sent)
    held: list[MemberId] = []
    for member, state in surprises.items():
        if member in sent:
            if member != author and is_held(described, state, roster):
                at = sent.index(member)
                sent = sent[:at] + sent[at + 1 :]
                held.append(member)
        elif described.logged.target_seq in state.holds.events and not described.takes_back and member in readers:
            held.append(member)
    return Verdict(sent, tuple(held))


def hints_for(described: DescribedEvent, state: SurpriseState, roster: Roster) -> list[tuple[ChildId, str]]:
    """Returns the children and domains for which a member may get a hint when this event is held.

    A hint is given only if all reasons to hold the event are choices of the mode `hint`. There is none for a subject of another
    event that is held already, and none for an event whose words only may reveal its subjects.
    """
    if described.content.is_possible or is_bound(described, state.holds.events, state.holds.unnamed):
        return []
    why = reasons(described, state, roster)
    if any(reason.subject is None or reason.choice.mode is not Mode.HINT for reason in why):
        return []
    kept = (reason.subject for reason in why if reason.subject is not None)
    new = [one for one in kept if not any(one in held.content.subjects for held in state.holds.events.values())]
    return list(dict.fromkeys((child, roster.domain_of(milestone)) for child, milestone in new if child is not None))


# ---- Events that an act releases


def released(
    state: SurpriseState, roster: Roster, *, is_lifted: Callable[[DescribedEvent, Reason], bool] | None = None
) -> list[DescribedEvent]:
    """Returns the held events that an act releases to a member, in the order of the log.

    `is_lifted`: whether the act lifts a reason. The rule is the same as when an event is written: an event stays held if the
    event to which it refers stays held.
    """
    return released_by(state.holds.events.values(), lambda one: all(
        is_lifted is not None and is_lifted(one, reason) for reason in reasons(one, state, roster)
    ))  # fmt: skip


def released_by(
    events: Iterable[DescribedEvent], has_no_reason: Callable[[DescribedEvent], bool]
) -> list[DescribedEvent]:
    """Returns the held events for which there is no reason any more, and which do not refer to anything that stays held.

    `events`: all events that are held from a member, in the order of the log. The result has the same order.
    """
    held: set[Seq] = set()
    unnamed: set[str] = set()
    found = []
    for described in events:
        if not is_bound(described, held, unnamed) and has_no_reason(described):
            found.append(described)
            continue
        held.add(described.seq)
        if described.is_first_name:
            unnamed.update(described.content.own_milestones)
    return found
