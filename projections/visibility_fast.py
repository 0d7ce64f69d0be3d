"""Applies the surprise rule faster than `visibility`, with the same results: caches for each subject what a member's wishes keep.

Owns the cache, and no part of the rule. The cache helps because thousands of held events are about the same few subjects.
tests/projections/test_visibility_fast.py compares the results of both modules.
"""

from collections.abc import Callable, Container

from events.catalogue import CATALOGUE
from projections import visibility
from projections.logged_event import DescribedEvent, Subject
from projections.roster import Roster
from projections.surprise_state import SurpriseState
from projections.visibility import Kept, Reason


def is_held(described: DescribedEvent, state: SurpriseState, roster: Roster) -> bool:
    """Returns the same result as `visibility.is_held`, with the cache."""
    if described.takes_back:
        return False
    return visibility.is_bound(described, state.holds.events, state.holds.unnamed) or is_kept(described, state, roster)


def is_kept(
    described: DescribedEvent, state: SurpriseState, roster: Roster, met: Container[Subject] | None = None
) -> bool:
    """Returns whether `visibility.reasons` would return any reason. Stops at the first reason that it finds."""
    if visibility.is_answer_to(state.member, described):
        return False
    content = described.content
    if content.is_everyday and visibility.everyday_choices(content.child, state.wishes):
        return True
    met = state.met.subjects if met is None else met
    for subject in content.subjects:
        if subject[0] is None:
            return bool(reasons(described, state, roster, met))
        for one, _ in _kept_of(subject, state, roster):
            if one not in met:
                return True
    return False


def reasons(
    described: DescribedEvent, state: SurpriseState, roster: Roster, met: Container[Subject] | None = None
) -> list[Reason]:
    """Returns the same result as `visibility.reasons`, with the cache."""
    return visibility.reasons(described, state, roster, met=met, look_up=lambda subject: _kept_of(subject, state, roster))


def released(
    state: SurpriseState,
    roster: Roster,
    *,
    is_lifted: Callable[[DescribedEvent, Reason], bool] | None = None,
    among: frozenset[Subject] | None = None,
) -> list[DescribedEvent]:
    """Returns the same result as `visibility.released`, with the cache.

    `among`: the only subjects about which the act changes anything. An event that refers to no event, uses no own milestone and
    reveals none of these subjects stays held, and its reasons are not looked up.
    """

    def has_no_reason(described: DescribedEvent) -> bool:
        content = described.content
        is_alone = described.logged.target_seq is None and not content.own_milestones
        if among is not None and is_alone and among.isdisjoint(content.subjects):
            return False
        return all(is_lifted is not None and is_lifted(described, reason) for reason in reasons(described, state, roster))

    return visibility.released_by(state.holds.events.values(), has_no_reason)


def _kept_of(subject: Subject, state: SurpriseState, roster: Roster) -> Kept:
    if state.kept_for is not state.wishes:
        state.kept, state.kept_for = {}, state.wishes
    kept = state.kept.get(subject)
    if kept is None:
        kept = visibility.kept_of(subject, state.wishes, roster)
        if subject[1] in CATALOGUE.by_key:  # the domain of a family's own milestone may change
            state.kept[subject] = kept
    return kept
