"""Tests that `visibility_fast`, the fast twin of the surprise rule, gives the same results as the rule in `visibility`."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from events.catalogue import CATALOGUE
from events.event import Audience, Precision
from events.ids import EventId, MemberId, Seq
from events.observations import How
from events.surprise import EnvelopeOpened, Mode
from projections import visibility, visibility_fast
from projections.acts import IsLifted, opened_by, passed_at
from projections.first_saw import Sighting
from projections.logged_event import Content, DescribedEvent, LoggedEvent, Subject
from projections.roster import OwnMilestone, Roster
from projections.surprise_state import Choice, SurpriseState, wishes_of
from tests.families import Family
from tests.histories import NOON, Told
from tests.surprise.story import CRAWLED, PONY, STEPPED, STOOD, TEN_STEPS, WALKED

FAMILY = Family()
BEN = FAMILY.ben
CHILDREN = (FAMILY.child, None)
# Steps that imply each other, milestones with a safety note, and one of the family's own.
MILESTONES = (STOOD, STEPPED, WALKED, TEN_STEPS, CRAWLED, "movement.rolls-over", "talking.first-word", PONY)
SCOPES = ("all", "domain:movement", "domain:talking", "domain:life", *(f"milestone:{key}" for key in MILESTONES))
SUBJECTS = st.tuples(st.just(FAMILY.child), st.sampled_from(MILESTONES))


def roster_with_an_own_milestone() -> Roster:
    roster = Told.of_everybody(FAMILY).folded.roster
    own = OwnMilestone(
        milestone=PONY, title="Rides a pony", domain=CATALOGUE.by_key[STOOD].domain, named_at=NOON, named_by=EventId(FAMILY.ada)
    )  # fmt: skip
    return msgspec.structs.replace(roster, own_milestones={PONY: own})


ROSTER = roster_with_an_own_milestone()


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    return Choice(
        child=draw(st.sampled_from(CHILDREN)), scope=draw(st.sampled_from(SCOPES)), mode=draw(st.sampled_from(list(Mode))),
        hold_unsorted=draw(st.booleans()), at_most_days=draw(st.sampled_from((None, 1, 3))), chosen_at=NOON,
        chosen_by=EventId(FAMILY.ada),
    )  # fmt: skip


@st.composite
def described(draw: st.DrawFn, seq: int) -> DescribedEvent:
    kind = draw(st.sampled_from(("MilestoneObserved", "NoteWritten", "MilestoneNamed", "Cheered")))
    target = draw(st.sampled_from((None, *range(1, seq)))) if seq > 1 else None
    subjects: tuple[Subject, ...] = tuple(draw(st.lists(SUBJECTS, max_size=2)))
    if kind == "MilestoneNamed":
        subjects = ((None, PONY),)
    own = tuple({key for _, key in subjects if key == PONY})
    began: MemberId = draw(st.sampled_from((FAMILY.ada, BEN)))
    return DescribedEvent(
        LoggedEvent(
            Seq(seq), FAMILY.ada, kind, Audience.FAMILY, None if target is None else Seq(target), Seq(target or seq), kind, began
        ),
        Content(
            subjects=subjects, own_milestones=own, stated=subjects, is_everyday=draw(st.booleans()),
            child=draw(st.sampled_from(CHILDREN)),
        ),
        NOON - timedelta(days=draw(st.integers(0, 5))),
        takes_back=draw(st.booleans()) if target is not None else False,
        naming=draw(st.sampled_from(("first", "again"))),
    )  # fmt: skip


def saw(milestone: str) -> Sighting:
    return Sighting(
        event=EventId(FAMILY.ada), author=BEN, child=FAMILY.child, milestone=milestone, occurred_at=NOON,
        precision=Precision.DAY, how=How.IN_PERSON,
    )  # fmt: skip


LIFTS: tuple[IsLifted | None, ...] = (
    None,
    passed_at(NOON),
    *(opened_by(EnvelopeOpened(scope=scope), ROSTER) for scope in ("domain:movement", "all")),
)  # fmt: skip


@given(st.data())
def test_the_fast_twin_gives_the_rules_answers(data: st.DataObject) -> None:
    """The fast twin and the rule give the same results after each change of wishes and sightings. No cache is out of date."""
    state = SurpriseState(BEN)
    for number in range(1, data.draw(st.integers(1, 4)) + 1):
        state.wishes = wishes_of(data.draw(st.lists(choices(), max_size=4)))
        state.met.see(Seq(1_000 + number), saw(data.draw(st.sampled_from(MILESTONES))))
        events = [data.draw(described(seq)) for seq in range(1, 6)]
        state.holds.fill(data.draw(st.lists(st.sampled_from(events), unique_by=lambda one: one.seq).map(by_seq)))
        for one in events:
            assert visibility_fast.reasons(one, state, ROSTER) == visibility.reasons(one, state, ROSTER)
            assert visibility_fast.is_kept(one, state, ROSTER) == bool(visibility.reasons(one, state, ROSTER))
            assert visibility_fast.is_held(one, state, ROSTER) == visibility.is_held(one, state, ROSTER)
        for lifts in LIFTS:
            assert visibility_fast.released(state, ROSTER, is_lifted=lifts) == visibility.released(state, ROSTER, is_lifted=lifts)


def by_seq(events: list[DescribedEvent]) -> list[DescribedEvent]:
    return sorted(events, key=lambda one: one.seq)
