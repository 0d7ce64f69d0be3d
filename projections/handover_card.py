"""The hand-over card: for each member who waits, and each child, what they know, what not to mention, and a safe phrase.

Owns what the card says. It is made of what its reader was told and of what others have declared that they wish, and of nothing
else: not of what another member saw alone, opened or read (law 14), nor of anything that is held from the reader (law 8).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from events.catalogue import CATALOGUE
from events.event import Audience, Event
from events.family import Sees
from events.ids import ChildId, EventId, MemberId, Seq
from events.surprise import Mode
from projections.first_saw import Sighting
from projections.lifting import passed_at
from projections.roster import Child, Roster
from projections.subjects import Case, Subject
from projections.surprise_state import Choice, Waiting, told_by
from projections.timeline import named
from projections.visibility import reasons

PHRASE: Final = "{child} is as busy as ever. Have fun together, and keep the camera handy."
"""The same every day and to everybody: a phrase that was kept for special days would tell of them."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """That a child did something, as the card's reader was told."""

    subject: tuple[ChildId, str]
    author: MemberId
    audience: Audience
    is_seen: bool
    """Its author saw it; else they said it of a note or a clip."""
    since: datetime | None
    """When the log received it, where anybody waits for so many days at most."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone on a card."""

    milestone: str
    title: str
    domain: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What to keep quiet from one member about one child. The lists are in order of domain and title."""

    member: MemberId
    name: str
    child: ChildId
    child_name: str
    knows: tuple[Line, ...]
    not_to_mention: tuple[Line, ...]
    notes_too: bool
    """They wait for everyday notes and pictures of helpers as well."""
    phrase: str


def told_of(
    sightings: Iterable[Sighting], sortings: Iterable[Event[Any]], received: Mapping[tuple[MemberId, EventId], datetime]
) -> list[Told]:
    """What a reader was told that children did: by sightings, and by what notes and clips were said to be about.

    `sortings` are of Sorted: of two about the same note or clip, the one recorded later counts. `received`: author and event ->
    when the log received it; may lack what nobody asks for.
    """
    told = [
        Told(
            subject=(sighting.child, sighting.milestone),
            author=sighting.author,
            audience=sighting.audience,
            is_seen=True,
            since=max((received[key] for key in said_in(sighting) if key in received), default=None),
        )
        for sighting in sightings
    ]
    by_target = {event.event.target: event for event in sorted(sortings, key=lambda event: event.order)}
    told += [
        Told(
            subject=(event.event.child, event.event.milestone),
            author=event.author,
            audience=event.audience,
            is_seen=False,
            since=event.received_at,
        )
        for event in by_target.values()
        if event.event.milestone is not None
    ]
    return told


def said_in(sighting: Sighting) -> list[tuple[MemberId, EventId]]:
    """Returns author and id of the events that say what a sighting is of, as it is now."""
    amended = [
        (sighting.changed_by.get(field, sighting.author), EventId(sighting.changed[field][1]))
        for field in ("child", "milestone")
        if field in sighting.changed
    ]
    return [(sighting.author, sighting.event), *amended]


def cards(
    wishes: Mapping[MemberId, Waiting],
    told: Collection[Told],
    names: Collection[str],
    *,
    reader: MemberId,
    roster: Roster,
    as_of: datetime,
) -> Iterator[Card]:
    """The cards of those who wait, in order of their ids and their children's; never of the reader themselves.

    Of `wishes` only the choices are asked. `names`: the family's own milestones of whose names the reader was told. Whom time
    has told by `as_of` waits no more.
    """
    known = {*names, *(one.subject[1] for one in told), *CATALOGUE.by_key}
    said_by_child: defaultdict[ChildId, defaultdict[str, list[Told]]] = defaultdict(lambda: defaultdict(list))
    for one in told:
        said_by_child[one.subject[0]][one.subject[1]].append(one)
    for member in sorted(wishes):
        if member == reader or member not in roster.present:
            continue
        met = frozenset(subject for one in told if one.is_seen and one.author == member for subject in told_by(one.subject))
        waits = _as_far_as_named(wishes[member], known)
        for child in sorted(roster.children):
            if choices := _choices_about(child, waits):
                said = said_by_child[child]
                yield _card(roster.children[child], waits, choices, said, met, roster=roster, as_of=as_of)


def _as_far_as_named(waits: Waiting, known: Collection[str]) -> Waiting:
    """A member's wishes without those that name what the reader has not heard of: that there is such a thing may be held."""
    named = Waiting(waits.member)
    for choice in waits.choices.values():
        kind, _, milestone = choice.scope.partition(":")
        if kind != "milestone" or milestone in known:
            named.stand(choice)
    return named


def _choices_about(child: ChildId, waits: Waiting) -> list[Choice]:
    """A member's wishes not to be told of a child."""
    return [choice for choice in waits.choices.values() if choice.mode is not Mode.TELL and choice.child in (None, child)]


def _card(
    child: Child,
    waits: Waiting,
    choices: list[Choice],
    said: Mapping[str, list[Told]],
    met: Collection[Subject],
    *,
    roster: Roster,
    as_of: datetime,
) -> Card:
    knows, not_to_mention = [], []
    for milestone, by_whom in said.items():
        subject = (child.child, milestone)
        title, domain = named(milestone, roster.own_milestones)
        line = Line(milestone=milestone, title=title, domain=domain)
        meant = [one for one in by_whom if _is_meant_for(waits.member, one, roster)]
        if _is_waited_for(subject, waits, meant, met, roster=roster, as_of=as_of):
            not_to_mention.append(line)
        elif meant or subject in met:
            knows.append(line)
    return Card(
        member=waits.member,
        name=roster.members[waits.member].name,
        child=child.child,
        child_name=child.name,
        knows=_in_order(knows),
        not_to_mention=_in_order(not_to_mention),
        notes_too=any(choice.hold_unsorted for choice in choices),
        phrase=PHRASE.format(child=child.name),
    )


def _in_order(lines: list[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (line.domain, line.title, line.milestone)))


def _is_meant_for(member: MemberId, told: Told, roster: Roster) -> bool:
    if told.author == member:
        return True
    reader = roster.members[member]
    if reader.sees is Sees.OWN:
        return False
    match told.audience:
        case Audience.ME:
            return False
        case Audience.HOUSEHOLD:
            return roster.members[told.author].household == reader.household
        case Audience.FAMILY:
            return True


def _is_waited_for(
    subject: Subject, waits: Waiting, meant: list[Told], met: Collection[Subject], *, roster: Roster, as_of: datetime
) -> bool:
    """Ask the rule, with what the reader knows of what the member has met in place of what they have."""
    since = min((one.since for one in meant if one.since is not None), default=as_of)
    case = Case(
        seq=Seq(0), kind="MilestoneObserved", thread=Seq(0), target_seq=None, touches=None, subjects=(subject,), own=(),
        is_unsorted=False, child=None, since=since,
    )  # fmt: skip
    has_passed = passed_at(as_of)
    why = reasons(case, waits, roster, has_met=lambda about: about.subject in met)
    return any(not has_passed(case, reason) for reason in why)
