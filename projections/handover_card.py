"""Makes the hand-over cards. A card is about one waiting member and one child: what the member knows, what not to mention to
them, and a safe phrase.

Owns the content of a card. It depends on nothing but what the card's reader was sent, and the choices that others have declared.
It does not depend on what another member saw alone, opened or read (law 14), nor on what is held from the reader (law 8).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from events.catalogue import CATALOGUE
from events.event import Audience, Event
from events.ids import ChildId, EventId, MemberId
from projections.first_saw import Sighting
from projections.logged_event import Content, Subject
from projections.roster import Child, Roster, is_reader, milestone_of
from projections.surprise_state import Choice, Wishes, asks_to_wait, implied_by, wishes_of
from projections.visibility import reasons_of

PHRASE: Final = "{child} is as busy as ever. Have fun together, and keep the camera handy."
"""The safe phrase of every card. It is the same every day and for everybody: a phrase for special days would reveal the days."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that the card's reader was sent: a child did something."""

    subject: tuple[ChildId, str]
    author: MemberId
    audience: Audience
    is_seen: bool
    """Whether the author saw the milestone. If not, the author sorted a note or a clip to it."""
    since: datetime | None
    """When the log received the fact. It may be None if no member waits for a limited number of days."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone on a card."""

    milestone: str
    title: str
    domain: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The milestones of one child that a member knows, and those not to mention to them. Both are sorted by domain and title."""

    member: MemberId
    name: str
    child: ChildId
    child_name: str
    knows: tuple[Line, ...]
    not_to_mention: tuple[Line, ...]
    notes_too: bool
    """Whether the member also waits for everyday notes and pictures by helpers."""
    phrase: str


def told_of(
    sightings: Iterable[Sighting], sortings: Iterable[Event[Any]], received: Mapping[tuple[MemberId, EventId], datetime]
) -> list[Told]:
    """Returns the facts about children that a reader was sent: sightings, and notes and clips that were sorted to a milestone.

    `sortings`: Sorted events. Of two about the same note or clip, the one that was recorded later counts. `received`: author and
    id of an event -> when the log received the event. Times on which no member's wish depends may be left out.
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
    """Returns the author and id of each event that states the present child and milestone of a sighting."""
    amended = [
        (sighting.changed_by.get(field, sighting.author), EventId(sighting.changed[field][1]))
        for field in ("child", "milestone")
        if field in sighting.changed
    ]
    return [(sighting.author, sighting.event), *amended]


def cards(
    wishes: Mapping[MemberId, Wishes],
    told: Collection[Told],
    names: Collection[str],
    *,
    reader: MemberId,
    roster: Roster,
    as_of: datetime,
) -> Iterator[Card]:
    """Yields the cards of all waiting members except the reader, in order of member id and child id.

    `names`: the family's own milestones whose names the reader was sent. A member no longer waits for a subject if at `as_of` the
    days of the member's choice have passed.
    """
    known = {*names, *(one.subject[1] for one in told), *CATALOGUE.by_key}
    said_by_child: defaultdict[ChildId, defaultdict[str, list[Told]]] = defaultdict(lambda: defaultdict(list))
    for one in told:
        said_by_child[one.subject[0]][one.subject[1]].append(one)
    for member in sorted(wishes):
        if member == reader or member not in roster.present:
            continue
        met = frozenset(subject for one in told if one.is_seen and one.author == member for subject in implied_by(one.subject))
        named_wishes = _as_far_as_named(wishes[member], known)
        for child in sorted(roster.children):
            choices = [one for one in named_wishes.choices.values() if asks_to_wait(one) and one.child in (None, child)]
            if choices:
                said = said_by_child[child]
                yield _card(member, roster.children[child], named_wishes, choices, said, met, roster=roster, as_of=as_of)


def _as_far_as_named(wishes: Wishes, known: Collection[str]) -> Wishes:
    """Returns a member's wishes without choices of milestones that the reader may not know, because their names are held.

    `known`: the milestones that the reader may know.
    """
    scopes = {f"milestone:{milestone}" for milestone in known}
    return wishes_of(
        choice for choice in wishes.choices.values() if not choice.scope.startswith("milestone:") or choice.scope in scopes
    )


def _card(
    member: MemberId,
    child: Child,
    wishes: Wishes,
    choices: list[Choice],
    said: Mapping[str, list[Told]],
    met: Collection[Subject],
    *,
    roster: Roster,
    as_of: datetime,
) -> Card:
    knows, not_to_mention = [], []
    for line in sorted((_line(key, roster) for key in said), key=lambda line: (line.domain, line.title, line.milestone)):
        subject, waiting = (child.child, line.milestone), roster.members[member]
        meant = [one for one in said[line.milestone] if is_reader(waiting, one.audience, author=roster.members[one.author])]
        if _is_waited_for(subject, wishes, meant, met, roster=roster, as_of=as_of):
            not_to_mention.append(line)
        elif meant or subject in met:
            knows.append(line)
    return Card(
        member=member,
        name=roster.members[member].name,
        child=child.child,
        child_name=child.name,
        knows=tuple(knows),
        not_to_mention=tuple(not_to_mention),
        notes_too=any(choice.hold_unsorted for choice in choices),
        phrase=PHRASE.format(child=child.name),
    )


def _line(key: str, roster: Roster) -> Line:
    milestone = milestone_of(key, roster.own_milestones)
    return Line(milestone=key, title=milestone.title, domain=milestone.domain)


def _is_waited_for(
    subject: Subject, wishes: Wishes, meant: list[Told], met: Collection[Subject], *, roster: Roster, as_of: datetime
) -> bool:
    """Returns whether a member waits for a subject, as far as the card's reader may know.

    `met`: the subjects that the member has met, as far as the reader knows. `meant`: the facts about this subject that have the
    member in their audience.
    """
    since = min((one.since for one in meant if one.since is not None), default=as_of)
    why = reasons_of(Content(subjects=(subject,)), wishes, roster, met)
    return any(not reason.choice.has_passed(since=since, now=as_of) for reason in why)
