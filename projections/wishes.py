"""Holds a member's wishes to wait for news, as a value made of SurpriseChosen events. Decides nothing about any event."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from events.catalogue import CATALOGUE
from events.event import Event
from events.ids import ChildId, EventId
from events.surprise import Mode, SurpriseChosen
from projections.roster import Roster

ChoiceKey = tuple[ChildId | None, str]
"""Child and scope. A newer choice with the same key replaces the older one."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One choice of a member that is in force."""

    child: ChildId | None
    """None: every child."""
    scope: str
    mode: Mode
    hold_unsorted: bool
    at_most_days: int | None
    chosen_at: datetime
    """When it was recorded. Of two choices with the same key the later one counts, in any order of arrival."""
    chosen_by: EventId


class Wishes(msgspec.Struct, frozen=True):
    """All choices of one member that are in force. Made by `wishes_of`."""

    choices: Mapping[ChoiceKey, Choice]
    asks_for_hints: bool
    holds_everyday: bool
    """Whether at least one choice keeps everyday notes as well."""


def wishes_of(choices: Iterable[Choice]) -> Wishes:
    """Returns the wishes of one member, made of their choices."""
    by_key = {(choice.child, choice.scope): choice for choice in choices}
    return Wishes(
        by_key,
        any(choice.mode is Mode.HINT for choice in by_key.values()),
        any(choice.hold_unsorted and asks_to_wait(choice) for choice in by_key.values()),
    )


NO_WISHES = wishes_of(())


def wishes_after(wishes: Wishes, event: Event[SurpriseChosen]) -> Wishes:
    """Returns a member's wishes after one more choice; the same object where a later recorded choice is in force already."""
    chosen, (chosen_at, chosen_by) = event.event, event.order
    before = wishes.choices.get((chosen.child, chosen.scope))
    if before is not None and (before.chosen_at, before.chosen_by) > (chosen_at, chosen_by):
        return wishes
    choice = Choice(
        child=chosen.child,
        scope=chosen.scope,
        mode=chosen.mode,
        hold_unsorted=bool(chosen.hold_unsorted),
        at_most_days=chosen.at_most_days,
        chosen_at=chosen_at,
        chosen_by=chosen_by,
    )
    return wishes_of({**wishes.choices, (choice.child, choice.scope): choice}.values())


def choice_for(child: ChildId | None, milestone: str, wishes: Wishes, roster: Roster) -> Choice | None:
    """Returns the choice that decides how a member wishes to learn of a milestone: the most specific one.

    A choice of the milestone's key comes before a choice of its domain, and the domain before `all`. Within each of these, a
    choice for this child comes before one for every child. A milestone that has a safety note is delivered, unless it was
    chosen by its key.
    """
    scopes = [f"milestone:{milestone}"]
    if not has_safety_note(milestone):
        scopes += [f"domain:{roster.domain_of(milestone)}", "all"]
    found = (wishes.choices.get((one, scope)) for scope in scopes for one in (child, None))
    return next((choice for choice in found if choice is not None), None)


def asks_to_wait(choice: Choice | None) -> bool:
    """Returns whether a choice is one to wait for the news."""
    return choice is not None and choice.mode is not Mode.TELL


def has_safety_note(milestone: str) -> bool:
    """Returns whether a milestone of the catalogue has a safety note."""
    listed = CATALOGUE.by_key.get(milestone)
    return listed is not None and listed.safety is not None
