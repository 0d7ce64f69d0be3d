"""Decides whether a draft may become an event. Pure: the family's state, the target and the time are arguments.

Owns the rules of who may write what, and of what an event may refer to. Does not know which ids were sent before: `append`
checks that.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE
from events.errors import (
    AudienceNotAllowed,
    ClipNotReady,
    ClipRefused,
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
from events.event import AsTarget, Audience, Body, Draft, Effect, Precision, Role
from events.ids import MemberId
from events.observations import MilestoneNamed
from events.surprise import Sorted
from events.wire import BODY_BY_NAME
from projections.family import Family
from projections.logged_event import LoggedEvent
from projections.roster import Member, Roster, may_sort
from projections.surprise_state import asks_to_wait
from projections.visibility import audience_of
from service.log.store.read import OwnClip

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 9998
"""The latest year of a time. An offset from UTC, or a correction, can move a time of 9999 out of the range of `datetime`."""
AHEAD_MAX: Final = timedelta(days=1)
CLOCK_OFF_BY: Final = timedelta(minutes=1)
"""The smallest error of a device's clock that is corrected. A smaller difference may only mean that the push was slow."""
BY_CLOCK_WITHIN: Final = timedelta(minutes=2)
"""A time of minute precision came from the device's clock if it is this close to `recorded_at`; else a person entered it."""

class AdmittedDraft(msgspec.Struct, frozen=True, gc=False):
    """The fields that the log adds to a draft when it admits the draft."""

    audience: Audience
    occurred_at: datetime
    claimed_at: datetime | None


def referred_to(body: Body) -> UUID | None:
    """Returns the id of the event that a body refers to; None if the body refers to no event."""
    return cast("UUID | None", getattr(body, body.refers) if body.refers else None)


def admit(
    draft: Draft[Any],
    *,
    author: Member,
    family: Family,
    target: LoggedEvent | None,
    clock_off: timedelta,
    latest: datetime,
    is_completed: bool = False,
    imported_by: MemberId | None = None,
) -> AdmittedDraft:
    """Admits a draft, or refuses it.

    `target`: the event that the draft refers to; None if there is no such event, or if the draft's author was not sent it.
    `imported_by`: the parent whose file brought the target. `clock_off`: how far the server's clock is ahead of the device's.
    `latest`: the latest time that a draft may have. `is_completed`: the service has filled in the fields that only the service
    may fill in.

    Raises:
        Refused: the draft breaks a rule. The error has the path of the field within the draft.
    """
    body, roster, unnamed = draft.event, family.roster, family.unnamed_to(author.member)
    if author.role not in body.authors:
        raise RoleMayNot(f"A {author.role} cannot author {type(body).__name__}.", at="event.type")
    _require_audience(body, draft.audience)
    _require_target(body, author, target, imported_by)
    if type(body) is Sorted and target is not None:
        _require_sorter(author, target, family)
    _require_subject(body, roster, unnamed)
    if type(body) is MilestoneNamed:
        _require_domain(body, roster, unnamed)
    if not is_completed:
        _require_uncompleted(body)
    occurred_at = _occurred(draft, clock_off, latest)
    return AdmittedDraft(
        audience=audience_of(type(body), requested=draft.audience, target=target),
        occurred_at=occurred_at,
        claimed_at=None if occurred_at is draft.occurred_at else draft.occurred_at,
    )


def completed(draft: Draft[Any], clip: OwnClip | None) -> Draft[Any]:
    """Returns a draft that attaches a clip, with the fields that the service fills in. `clip`: the author's upload, or None.

    Raises:
        UnknownClip: the author has no such upload.
        ClipNotReady: it is not whole, or not cleaned yet.
        ClipRefused: it could not be cleaned.
    """
    if clip is None:
        raise UnknownClip("No upload of yours has this id.", at="event.clip")
    if clip.state == "refused":
        raise ClipRefused("Your upload with this id could not be cleaned. Its own page says why.", at="event.clip")
    if clip.state != "cleaned" or clip.sha256 is None:
        raise ClipNotReady("Your upload with this id is not ready yet. Send the draft again in a moment.", at="event.clip")
    event = msgspec.structs.replace(
        draft.event, media_type=clip.media_type, length_bytes=clip.length_bytes, sha256=clip.sha256.hex(), width=clip.width,
        height=clip.height, length_ms=clip.length_ms,
    )  # fmt: skip
    return msgspec.structs.replace(draft, event=event)


def _require_audience(body: Body, asked: Audience | None) -> None:
    kind = type(body).__name__
    if asked is None:
        return
    if isinstance(body.audience, AsTarget):
        raise AudienceNotAllowed(f"{kind} is for those who were told of its target: leave the audience out.", at="audience")
    if Effect.FIXED_AUDIENCE in body.effects and asked is not body.audience:
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
        amendable = BODY_BY_NAME[target.kind].amendable
        if amendable is None or (isinstance(body, Amended) and not amendable):
            raise NotAmendable(f"{target.kind} stands as it was written.", at=at)
    elif target.kind not in body.refers_to and not (target.is_found and Effect.REFERS_TO_FOUND in body.effects):
        raise UnknownTarget(f"{kind} cannot be about {target.kind}.", at=at)
    if isinstance(body, Amended):
        _require_changes(body, target)


def _require_sorter(author: Member, target: LoggedEvent, family: Family) -> None:
    """Refuses to sort another parent's words. Also refuses to sort events in the thread of another member who waits for firsts.

    Nothing in such a thread is held from the member who began it, so there is nothing to sort. The refusal shows that this member
    waits, which is no secret: choices are declared, so that others can keep quiet.
    """
    if not may_sort(author.member, target.author, family.roster):
        raise NotTheAuthor("A parent's own words are sorted by nobody else.", at="event.target")
    began = target.thread_author
    state = family.surprises.get(began)
    if began != author.member and state is not None and any(map(asks_to_wait, state.wishes.choices.values())):
        raise NotTheAuthor("A thread is sorted by nobody else, if the member who began it waits for firsts.", at="event.target")


def _may_correct(author: Member, body: Amended | Withdrawn, target: LoggedEvent, imported_by: MemberId | None) -> bool:
    """Returns whether a member may amend or withdraw a milestone that was found in a daycare's words.

    A parent may do so, but may not amend the daycare's words themselves. If the words came in an imported file, only the parent
    who imported that file may do so (law 20).
    """
    is_about_words = isinstance(body, Amended) and body.changes.note is not UNSET
    is_theirs = author.role is Role.PARENT and imported_by in (None, author.member)
    return target.is_found and is_theirs and not is_about_words


def _require_changes(body: Amended, target: LoggedEvent) -> None:
    named = body.changes.named()
    if not named:
        raise FieldInvalid("An amendment changes at least one field.", at="event.changes")
    for name in named:
        if name not in (BODY_BY_NAME[target.kind].amendable or ()):
            raise NotAmendable(f"{target.kind} has no {name} to amend.", at=f"event.changes.{name}")


def _require_subject(body: Body, roster: Roster, unnamed: Collection[str]) -> None:
    """Refuses a child or a milestone that does not exist in the family, or that does not exist as far as the author knows.

    The child or milestone may be in the body itself, or in the changes of an amendment.
    """
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
    """Returns whether a milestone is in the catalogue, or is one of the family's own whose name is not held from the author.

    `unnamed`: the milestones whose names are held from the author.
    """
    return milestone in CATALOGUE.by_key or (milestone in roster.own_milestones and milestone not in unnamed)


def _require_domain(body: MilestoneNamed, roster: Roster, unnamed: Collection[str]) -> None:
    """Refuses to move a milestone of the family's own to another domain, if the author knows the milestone.

    A member may wait for the new domain. Then the new name would be held from that member. So the milestone would be in the old
    domain for that member, and in the new one for all others.
    """
    if not _is_known(body.milestone, roster, unnamed):
        return
    domain = roster.own_milestones[body.milestone].domain
    if body.domain is not domain:
        raise DomainIsChosen(f"This milestone is in {domain}: name another one for {body.domain}.", at="event.domain")


def _require_uncompleted(body: Body) -> None:
    """Refuses a device's draft that fills in fields which only the service fills in, from a daycare's words or from an upload."""
    for name in body.completed:
        value = getattr(body, name)
        if value is not None and value is not False and value != ():
            raise CompletedByService("The service fills this in.", at=f"event.{name}")


def _occurred(draft: Draft[Any], clock_off: timedelta, latest: datetime) -> datetime:
    """Returns the time at which a draft's event happened.

    The time is corrected to the server's clock, if it came from the device's clock and that clock was wrong. Without a
    correction, the result is the same object as in the draft.
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
    """Refuses a time in a year that no family can mean. Every time that a database cannot convert to UTC is in such a year.

    Raises:
        TimeOutOfRange: the year is not between 1900 and 9998.
    """
    if not EARLIEST_YEAR <= time.year <= LATEST_YEAR:
        raise TimeOutOfRange(f"A time lies between the years {EARLIEST_YEAR} and {LATEST_YEAR}.", at=at)


def _require_not_ahead(time: datetime, latest: datetime, *, at: str) -> None:
    if time > latest:
        raise TimeOutOfRange("A time lies at most a day ahead of now.", at=at)
