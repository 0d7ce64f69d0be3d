"""Tests laws 19 and 20 by their words: nothing is lost by waiting, and no act of one member holds the words of another.

Owns no rule: the tests read held events from the fold, and do not compare with the oracle.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.amend import Withdrawn
from events.event import Audience, Effect, Event
from events.ids import EventId, MemberId
from events.observations import MilestoneNamed
from events.surprise import EnvelopeOpened, Mode, SurpriseChosen, TimePassed
from tests.surprise.folded import Folded
from tests.surprise.invented import FAMILY, histories
from tests.surprise.oracle import Oracle

CHOICES = (SurpriseChosen, EnvelopeOpened)
WISHES = (*CHOICES, TimePassed)
Log = Sequence[Event[Any]]

thoroughly = settings(
    max_examples=max(300, settings().max_examples),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    deadline=None,
)


def targets(log: Log) -> dict[int, int]:
    """Returns the seq of each event's target, by the seq of the event. Events without a target are left out."""
    found: dict[int, int] = {}
    first: dict[EventId, int] = {}
    for seq, event in enumerate(log, start=1):
        named = getattr(event.event, event.event.refers) if event.event.refers else None
        if named in first:
            found[seq] = first[named]
        first.setdefault(event.id, seq)
    return found


def above(seq: int, about: dict[int, int]) -> list[int]:
    """Returns the seqs of an event's target, of the target's target, and so on."""
    found = []
    while (up := about.get(seq)) is not None:
        found.append(seq := up)
    return found


def held_at_each_step(log: Log, member: MemberId) -> tuple[Folded, list[set[int]]]:
    """Folds a log. Returns the fold, and, after each event of the log, the seqs of the events that are held from a member."""
    folded, held = Folded(FAMILY, ()), []
    for event in log:
        folded.log.add(event)
        held.append(set(folded.held(member)))
    return folded, held


def ids(folded: Folded, member: MemberId) -> set[EventId]:
    return {folded.log.events[entry.what - 1].id for entry in folded.feed(member) if isinstance(entry.what, int)}


def opened(log: Log, member: MemberId) -> list[Event[Any]]:
    """Returns the log with acts of a member at its end: `tell` for each scope that they chose, and the opening of everything."""
    last = log[-1]
    chosen = {(one.event.child, one.event.scope) for one in log if isinstance(one.event, SurpriseChosen) and one.author == member}
    bodies: list[Any] = [SurpriseChosen(child=child, scope=scope, mode=Mode.TELL) for child, scope in sorted(chosen, key=str)]
    bodies.append(EnvelopeOpened(scope="all"))
    latest = max(one.recorded_at for one in log)
    return [
        *log,
        *(
            Event(
                id=EventId(UUID(int=1_000_000 + number)), author=member, occurred_at=latest,
                precision=last.precision, recorded_at=latest, received_at=last.received_at, audience=Audience.ME, event=body,
            )
            for number, body in enumerate(bodies)
        ),
    ]


@thoroughly
@given(histories())
def test_who_opens_everything_holds_what_a_member_who_never_chose_holds(one: Oracle) -> None:
    """Law 19: a member who opens everything and chooses `tell` has the same events as if they had never chosen.

    One exception is allowed: an event that its author withdrew while it was held, with all that refers to it.
    """
    log = [line.event for line in one.log]
    present = set(one.held) & {member for member in FAMILY.members if one.feeds.get(member)}
    for member in sorted(present):
        if not any(isinstance(event.event, SurpriseChosen) and event.author == member for event in log):
            continue
        after = opened(log, member)
        folded, held = held_at_each_step(after, member)
        about = targets(after)
        lost: set[int] = set()
        joined = next(seq for seq, event in enumerate(log, 1) if getattr(event.event, "member", None) == member)
        # A TimePassed can release events for every member. So it is not removed with the choices of the member for whom it was
        # written.
        never = [event for event in log if not (event.author == member and isinstance(event.event, CHOICES))]
        plain = Folded(FAMILY, never)
        told, expected = ids(folded, member), ids(plain, member)
        for seq, event in enumerate(log, 1):
            if not isinstance(event.event, Withdrawn) or seq not in about:
                continue
            target = about[seq]
            if log[target - 1].author != event.author:
                continue
            if target in held[seq - 2] or (seq < joined and log[target - 1].id not in told):
                lost |= {target, seq}
        lost |= {seq for seq in range(1, len(log) + 1) if lost & set(above(seq, about))}
        gone = {log[seq - 1].id for seq in lost}
        wished = {event.id for event in after if isinstance(event.event, CHOICES)}
        assert held[-1] == set()
        assert told - wished == expected - gone


def could_be_said(log: Log) -> bool:
    """Checks whether every event of a log refers only to events that its author was sent. The service refuses other drafts."""
    folded = Folded(FAMILY, ())
    about = targets(log)
    for seq, event in enumerate(log, 1):
        if event.event.refers and getattr(event.event, event.event.refers) and seq not in about:
            return False
        if seq in about and event.author not in folded.log.told[about[seq] - 1]:
            return False
        folded.log.add(event)
    return True


@thoroughly
@given(histories(), st.data())
def test_no_act_of_one_member_holds_the_words_of_another(one: Oracle, data: st.DataObject) -> None:
    """Law 20: a held event is also held if an act of a third member is left out. Nothing is held in a member's own thread."""
    log = [line.event for line in one.log]
    about = targets(log)
    held_by_member = {member: held_at_each_step(log, member)[1] for member in sorted(one.held)}
    held = [(member, seq) for member, at in held_by_member.items() for seq in range(1, len(log) + 1) if seq in at[seq - 1]]
    for member, seq in held:
        up = above(seq, about)
        assert not up or log[up[-1] - 1].author != member, f"{seq} is held from a member who began its thread"
    if not held:
        return
    member, seq = data.draw(st.sampled_from(held))
    up = above(seq, about)
    acts = [
        other
        for other, act in enumerate(log[: seq - 1], 1)
        if act.author not in (member, log[seq - 1].author) and other not in up
        and Effect.ROSTER_FACT not in act.event.effects
        and not isinstance(act.event, (MilestoneNamed, *WISHES))
    ]  # fmt: skip
    if not acts:
        return
    act = data.draw(st.sampled_from(acts))
    gone = {act} | {other for other in range(1, len(log) + 1) if act in above(other, about)}
    without = [event for other, event in enumerate(log[:seq], 1) if other not in gone]
    if not could_be_said(without):
        return
    _, held_without = held_at_each_step(without, member)
    assert len(without) in held_without[-1], f"{act} holds {seq} from a member"
