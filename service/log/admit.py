"""Decides whether a draft may become an event. Pure: the family's state, the target and the time are arguments.

Owns the rules of authorship and reference. Knows nothing of ids that were seen before: the append does.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE
from events.clips import ClipAttached
from events.errors import (
    AudienceNotAllowed,
    CompletedByService,
    DomainIsChosen,
    FieldInvalid,
    NotAmendable,
    NotTheAuthor,
    RoleMayNot,
    TimeOutOfRange,
    UnknownChild,
    UnknownClip,
    UnknownMilestone,
    UnknownTarget,
)
from events.event import AsTarget, Audience, Body, Draft, Precision, Role
from events.ids import MemberId
from events.observations import MilestoneNamed, MilestoneObserved, NoteWritten
from events.surprise import Sorted
from projections.acts import may_sort
from projections.logged_event import LoggedEvent
from projections.roster import Member, Roster
from projections.surprise_state import SurpriseState
from projections.visibility import audience_of
from projections.wishes import asks_to_wait

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 9998
"""An offset from UTC, or a correction, may carry a time of year 9999 beyond what a datetime holds."""
AHEAD_MAX: Final = timedelta(days=1)
CLOCK_OFF_BY: Final = timedelta(minutes=1)
"""A device's clock is corrected from this much on; below it a push may simply have been slow."""
BY_CLOCK_WITHIN: Final = timedelta(minutes=2)
"""A time of minute precision this close to `recorded_at` came from the device's clock; any other was told by hand."""

AMENDABLE: Final[Mapping[str, frozenset[str]]] = {
    "MilestoneObserved": frozenset({"occurred_at", "precision", "child", "milestone", "note", "again"}),
    "ParentFirstSaw": frozenset({"occurred_at", "precision", "child", "milestone", "how", "feelings"}),
    "NoteWritten": frozenset({"occurred_at", "precision", "child", "text"}),
    "Cheered": frozenset({"words"}),
}
"""Type -> the fields that its author may amend."""
WITHDRAWABLE: Final = frozenset({*AMENDABLE, "ClipAttached"})
ABOUT: Final[Mapping[str, frozenset[str]]] = {
    "ParentFirstSaw": frozenset({"MilestoneObserved"}),
    "ClipAttached": frozenset({"MilestoneObserved", "ParentFirstSaw", "NoteWritten"}),
    "NoteWritten": frozenset({"MilestoneObserved", "ParentFirstSaw", "NoteWritten", "ClipAttached"}),
    "Cheered": frozenset({"MilestoneObserved", "ParentFirstSaw", "NoteWritten", "ClipAttached"}),
    "Sorted": frozenset({"NoteWritten", "ClipAttached"}),
}
"""Type -> the types that it may be about."""
READ_FROM_PROSE: Final[Mapping[type[Body], tuple[str, ...]]] = {
    MilestoneObserved: ("found_in_prose", "tells_of"),
    NoteWritten: ("may_tell_of",),
}
"""Type -> the fields that the service fills in from a daycare's words."""
HAS_ONE_AUDIENCE: Final = frozenset({"MilestoneNamed", "SurpriseChosen", "EnvelopeOpened"})
"""A name shows in everybody's timeline, so everybody is told of it; a wish not to be told is its author's alone."""


class AdmittedDraft(msgspec.Struct, frozen=True, gc=False):
    """What the log adds to a draft's own words."""

    audience: Audience
    occurred_at: datetime
    claimed_at: datetime | None


def referred_to(body: Body) -> UUID | None:
    """The id of the event that a body is about, if it names one."""
    named: UUID | None = getattr(body, body.refers) if body.refers else None
    return named


def admit(
    draft: Draft[Any],
    *,
    author: Member,
    roster: Roster,
    target: LoggedEvent | None,
    surprises: Mapping[MemberId, SurpriseState],
    unnamed: Collection[str],
    clock_off: timedelta,
    latest: datetime,
    is_completed: bool = False,
    imported_by: MemberId | None = None,
) -> AdmittedDraft:
    """Admit a draft, or refuse it.

    `target` is the event that the draft refers to, if there is one and its author was sent it. `surprises`: the members who have
    chosen anything. `unnamed`: the family's own milestones whose names are held from the author. `imported_by`: the parent whose
    file brought the target. `clock_off`: how far the server's clock is ahead of the device's. `latest`: the latest time that a
    draft may have. `is_completed`: the service has filled in what it fills in.

    Raises:
        Refused: with the path of the field within the draft.
    """
    body = draft.event
    if author.role not in body.authors:
        raise RoleMayNot(f"A {author.role} cannot author {type(body).__name__}.", at="event.type")
    _require_audience(body, draft.audience)
    _require_target(body, author, target, imported_by)
    if type(body) is Sorted and target is not None:
        _require_sorter(author, target, roster, surprises)
    _require_subject(body, roster, unnamed)
    if type(body) is MilestoneNamed:
        _require_domain(body, roster, unnamed)
    if type(body) is ClipAttached:
        _require_clip(body)
    if not is_completed:
        _require_uncompleted(body)
    occurred_at = _occurred(draft, clock_off, latest)
    return AdmittedDraft(
        audience=audience_of(type(body), requested=draft.audience, target=target),
        occurred_at=occurred_at,
        claimed_at=None if occurred_at is draft.occurred_at else draft.occurred_at,
    )


def _require_audience(body: Body, asked: Audience | None) -> None:
    kind = type(body).__name__
    if asked is None:
        return
    if isinstance(body.audience, AsTarget):
        raise AudienceNotAllowed(f"{kind} is for those who were told of its target: leave the audience out.", at="audience")
    if kind in HAS_ONE_AUDIENCE and asked is not body.audience:
        raise AudienceNotAllowed(f"{kind} is for {body.audience} alone: leave the audience out.", at="audience")


def _require_target(body: Body, author: Member, target: LoggedEvent | None, imported_by: MemberId | None) -> None:
    if body.refers is None or referred_to(body) is None:
        return
    at, kind = f"event.{body.refers}", type(body).__name__
    if target is None:
        raise UnknownTarget("No event with this id was told to its author.", at=at)
    if isinstance(body, Amended | Withdrawn):
        if target.author != author.member and not _may_correct(author, body, target, imported_by):
            raise NotTheAuthor("Only its author may amend or withdraw an event.", at=at)
        if target.kind not in (AMENDABLE if isinstance(body, Amended) else WITHDRAWABLE):
            raise NotAmendable(f"{target.kind} stands as it was written.", at=at)
    elif target.kind not in ABOUT[kind] and not (kind == "Sorted" and target.is_found):
        raise UnknownTarget(f"{kind} cannot be about {target.kind}.", at=at)
    if isinstance(body, Amended):
        _require_changes(body, target)


def _require_sorter(
    author: Member, target: LoggedEvent, roster: Roster, surprises: Mapping[MemberId, SurpriseState]
) -> None:
    """Refuse to sort a parent's own words, and what is said in the thread of a member who waits: nothing there is held from them.

    Choices are declared, so that others can keep quiet: to say so tells nobody anything new.
    """
    if not may_sort(author.member, target.author, roster):
        raise NotTheAuthor("A parent's own words are sorted by nobody else.", at="event.target")
    began = target.thread_author
    state = surprises.get(began)
    if began != author.member and state is not None and any(map(asks_to_wait, state.wishes.choices.values())):
        raise NotTheAuthor("A thread is sorted by nobody else, if the member who began it waits for firsts.", at="event.target")


def _may_correct(author: Member, body: Amended | Withdrawn, target: LoggedEvent, imported_by: MemberId | None) -> bool:
    """Whether somebody may say what was found in a daycare's words better: a parent, and not the words.

    What a parent's file brought is that parent's: nobody else takes it back (law 20).
    """
    is_about_words = isinstance(body, Amended) and body.changes.note is not UNSET
    is_theirs = author.role is Role.PARENT and imported_by in (None, author.member)
    return target.is_found and is_theirs and not is_about_words


def _require_changes(body: Amended, target: LoggedEvent) -> None:
    named = body.changes.named()
    if not named:
        raise FieldInvalid("An amendment changes at least one field.", at="event.changes")
    for name in named:
        if name not in AMENDABLE[target.kind]:
            raise NotAmendable(f"{target.kind} has no {name} to amend.", at=f"event.changes.{name}")


def _require_subject(body: Body, roster: Roster, unnamed: Collection[str]) -> None:
    """The child and the milestone that a body names, itself or in its changes, are the family's, as far as its author knows."""
    said, at = (body.changes, "event.changes") if type(body) is Amended else (body, "event")
    child = getattr(said, "child", None)
    if isinstance(child, UUID) and child not in roster.children:
        raise UnknownChild("This family has no child with this id.", at=f"{at}.child")
    milestone = getattr(said, "milestone", None)
    if isinstance(milestone, str) and type(body) is not MilestoneNamed and not _is_known(milestone, roster, unnamed):
        raise UnknownMilestone(f"Neither the catalogue nor this family has {milestone}.", at=f"{at}.milestone")
    scope = getattr(said, "scope", "")
    kind, _, key = scope.partition(":")
    if kind == "milestone" and not _is_known(key, roster, unnamed):
        raise UnknownMilestone(f"Neither the catalogue nor this family has {key}.", at=f"{at}.scope")


def _is_known(milestone: str, roster: Roster, unnamed: Collection[str]) -> bool:
    """Returns whether the catalogue has a milestone, or this family as far as the author was sent its name."""
    return milestone in CATALOGUE.by_key or (milestone in roster.own_milestones and milestone not in unnamed)


def _require_domain(body: MilestoneNamed, roster: Roster, unnamed: Collection[str]) -> None:
    """Refuse to bring a milestone of the family's own, as far as its author knows it, into another domain.

    A member may wait for that domain: then the name would wait, and the same milestone would be in one domain to some and in
    another to others.
    """
    if not _is_known(body.milestone, roster, unnamed):
        return
    domain = roster.own_milestones[body.milestone].domain
    if body.domain is not domain:
        raise DomainIsChosen(f"This milestone is in {domain}: name another one for {body.domain}.", at="event.domain")


def _require_uncompleted(body: Body) -> None:
    """Refuse a device's draft that fills in what the service reads out of a daycare's words."""
    for name in READ_FROM_PROSE.get(type(body), ()):
        if getattr(body, name):
            raise CompletedByService("The service fills this in from what a daycare wrote.", at=f"event.{name}")


def _require_clip(body: ClipAttached) -> None:
    for name in ("media_type", "length_bytes", "sha256"):
        if getattr(body, name) is not None:
            raise CompletedByService("The service fills this in from the upload.", at=f"event.{name}")
    # Uploads come with the clips part; until then there is no finished one that an event could name (I-30).
    raise UnknownClip("No finished upload of yours has this id.", at="event.clip")


def _occurred(draft: Draft[Any], clock_off: timedelta, latest: datetime) -> datetime:
    """When it happened by the server's clock, where the device's was off and the time came from that clock.

    The very object of the draft, where nothing was corrected.
    """
    require_sane(draft.occurred_at, at="occurred_at")
    require_sane(draft.recorded_at, at="recorded_at")
    occurred_at, recorded_at = draft.occurred_at, draft.recorded_at
    if abs(clock_off) > CLOCK_OFF_BY:
        is_by_clock = draft.precision is Precision.MINUTE and abs(recorded_at - occurred_at) <= BY_CLOCK_WITHIN
        try:
            occurred_at = occurred_at + clock_off if is_by_clock else occurred_at
            recorded_at = recorded_at + clock_off
        except OverflowError:
            raise TimeOutOfRange("The device's clock is too far off to be corrected.", at="occurred_at") from None
        require_sane(occurred_at, at="occurred_at")
    _require_not_ahead(occurred_at, latest, at="occurred_at")
    _require_not_ahead(recorded_at, latest, at="recorded_at")
    if type(draft.event) is Amended and isinstance(told := draft.event.changes.occurred_at, datetime):
        require_sane(told, at="event.changes.occurred_at")
        _require_not_ahead(told, latest, at="event.changes.occurred_at")
    return occurred_at


def require_sane(time: datetime, *, at: str) -> None:
    """Refuse a time that no family means, and with it those that a database cannot turn to UTC.

    Raises:
        TimeOutOfRange
    """
    if not EARLIEST_YEAR <= time.year <= LATEST_YEAR:
        raise TimeOutOfRange(f"A time lies between the years {EARLIEST_YEAR} and {LATEST_YEAR}.", at=at)


def _require_not_ahead(time: datetime, latest: datetime, *, at: str) -> None:
    if time > latest:
        raise TimeOutOfRange("A time lies at most a day ahead of now.", at=at)
