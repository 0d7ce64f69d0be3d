"""Decides what one member may see of one event, and from when: the surprise rule.

Knows no rows, routes or clocks: every fact it needs is an argument. It is applied once, when an event is written, and again when
an act of a member may release what is held from them. Reads filter nothing (law 6). `visibility_fast` gives the same results
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
    """The members to whom an event is delivered now, and those from whom it is held. Nobody is in both."""

    delivered: tuple[MemberId, ...]
    held: tuple[MemberId, ...] = ()


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A reason to hold an event: a choice, and the subject that it keeps; no subject for an everyday note."""

    subject: Subject | None
    choice: Choice


def audience_of(body: type[Body], *, requested: Audience | None, target: LoggedEvent | None) -> Audience:
    """Returns the audience of an event: its target's where its type follows the target, else the requested one or the default."""
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
    """Returns whether a joining member may know an event of the log so far. `known`: the earlier events that they may know.

    Everybody may know the roster facts. A member who sees `all` may know the events that have them in the audience, except
    those that refer to an event that they may not know.
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
    """Returns whether an event is held because of something else that is held: its target, or a milestone's name that it uses."""
    return described.logged.target_seq in held or any(own in unnamed for own in described.content.own_milestones)


def reasons(
    described: DescribedEvent,
    state: SurpriseState,
    roster: Roster,
    *,
    met: Container[Subject] | None = None,
    look_up: KeptOf | None = None,
) -> list[Reason]:
    """Returns the reasons to hold an event for its own content; none for a reply in the member's own thread (law 20).

    `met` replaces the subjects that the member has met, where others may not know of all of them. `look_up` replaces `kept_of`
    for the member's wishes.
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
    """Returns the choices that keep what an event reveals, each with the subject that it keeps."""

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
    """Returns the choices that keep an everyday note about a child; None: about every child."""
    if not wishes.holds_everyday:
        return []
    keeping = [choice for choice in wishes.choices.values() if choice.hold_unsorted and asks_to_wait(choice)]
    return [choice for choice in keeping if choice.child is None or child is None or choice.child == child]


def kept_of(subject: Subject, wishes: Wishes, roster: Roster) -> Kept:
    """Returns the kept ones among a subject and all that it implies, each with the choice that keeps it, whether met or not."""
    child, milestone = subject
    if has_safety_note(milestone) and not asks_to_wait(choice_for(child, milestone, wishes, roster)):
        return ()
    found = [(one, choice_for(child, one[1], wishes, roster)) for one in implied_by(subject)]
    return tuple([(one, choice) for one, choice in found if choice is not None and asks_to_wait(choice)])


def kept_for_every_child(
    milestone: str, roster: Roster, kept_by: Callable[[Subject], list[Choice]], wishes: Wishes
) -> list[Choice]:
    """Returns the choice that keeps a milestone's name, at most one. A name is kept while its milestone is kept for every child.

    A name is about no single child. Once the milestone may be delivered for one child, a held name would hold that delivery
    back. So the choice with the fewest days counts.
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
    """Decides which members are sent an event, given the roster after the event.

    Authors are always sent their own words. A member is sent an event only if they were sent what it refers to. An event that
    its author takes back while it is held is never delivered, and neither is the withdrawal. Where nobody waits, no event needs
    to be described.
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
    """Returns the children and domains for which a member may get a hint that there is something new, when this event is held.

    A hint is given only where all reasons to hold the event are choices of mode `hint`, once for each subject, and never for
    a subject that the event's words only possibly reveal.
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
    """Returns the events that are no longer held from a member, in the order of the log. `is_lifted`: which reasons an act lifts.

    Each event is decided by the same rule as when it was written: an event that refers to one that stays held stays held.
    """
    return released_by(state.holds.events.values(), lambda one: all(
        is_lifted is not None and is_lifted(one, reason) for reason in reasons(one, state, roster)
    ))  # fmt: skip


def released_by(
    events: Iterable[DescribedEvent], has_no_reason: Callable[[DescribedEvent], bool]
) -> list[DescribedEvent]:
    """Returns the events, in the order of the log, that have no reason of their own and are bound to nothing that stays held."""
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
