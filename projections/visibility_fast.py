"""Applies the surprise rule faster than `visibility`, with the same results: it caches by subject what a member's wishes keep.

Owns the cache, and no part of the rule. The cache helps because thousands of held events are about the same few subjects.
tests/projections/test_visibility_fast.py compares both.
"""

from collections.abc import Callable, Container

from events.catalogue import CATALOGUE
from projections import visibility
from projections.logged_event import DescribedEvent, Subject
from projections.roster import Roster
from projections.surprise_state import SurpriseState
from projections.visibility import Kept, Reason


def is_held(described: DescribedEvent, state: SurpriseState, roster: Roster) -> bool:
    """Returns what `visibility.is_held` returns."""
    if described.takes_back:
        return False
    return visibility.is_bound(described, state.holds.events, state.holds.unnamed) or is_kept(described, state, roster)


def is_kept(
    described: DescribedEvent, state: SurpriseState, roster: Roster, met: Container[Subject] | None = None
) -> bool:
    """Returns whether `visibility.reasons` finds any reason, without listing them."""
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
    """Returns what `visibility.reasons` returns."""
    return visibility.reasons(described, state, roster, met=met, look_up=lambda subject: _kept_of(subject, state, roster))


def released(
    state: SurpriseState,
    roster: Roster,
    *,
    is_lifted: Callable[[DescribedEvent, Reason], bool] | None = None,
    among: frozenset[Subject] | None = None,
) -> list[DescribedEvent]:
    """Returns what `visibility.released` returns.

    `among`: the act changes nothing about other subjects than these. So an event that is bound to nothing and reveals none of
    them stays held, and its reasons are not looked up.
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
