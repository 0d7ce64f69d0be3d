"""What was seen and said: observations, a parent's own first sight, notes, cheers, and milestones of a family's own."""

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from events.catalogue import Domain
from events.event import ANYONE_PRESENT, AS_TARGET, PARENTS, PERSONS, Audience, Body, FewWords, LongText, Name, ShortText
from events.ids import ChildId, EventId, MilestoneKey, OwnMilestoneKey


class How(StrEnum):
    """By what means a parent saw it."""

    IN_PERSON = "in_person"
    LIVE_VIDEO = "live_video"
    CLIP = "clip"


class MilestoneObserved(Body, frozen=True, kw_only=True):
    """Somebody saw the child do it. Says nothing of whether it was anyone's first time.

    Version 2 may say that nobody named the milestone, but that it was found in a daycare's words.
    """

    version: ClassVar = 2
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    child: ChildId
    milestone: MilestoneKey
    note: ShortText | None = None
    again: bool = False
    found_in_prose: bool = False
    """Nobody named the milestone: the service read it out of a daycare's words, so a parent may amend or withdraw it."""
    tells_of: Annotated[tuple[MilestoneKey, ...], msgspec.Meta(max_length=16)] = ()
    """What else the note tells of: whoever keeps one of these is kept from all of it. The service fills this in."""


class ParentFirstSaw(Body, frozen=True, kw_only=True):
    """A parent saw it for the first time, by their own account. Theirs alone unless they share it.

    Version 1 had `seen`: `in_person` or `video`; version 2 tells a live video from a clip.
    """

    version: ClassVar = 2
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.ME
    refers: ClassVar = "observation"
    child: ChildId
    milestone: MilestoneKey
    how: How
    feelings: ShortText | None = None
    observation: EventId | None = None


class NoteWritten(Body, frozen=True, kw_only=True):
    """Words about the child's day, or about another event.

    Version 2 may name milestones that a daycare's words perhaps tell of.
    """

    version: ClassVar = 2
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = "about"
    child: ChildId
    text: LongText
    about: EventId | None = None
    may_tell_of: Annotated[tuple[MilestoneKey, ...], msgspec.Meta(max_length=16)] = ()
    """Milestones of which a daycare's words perhaps tell: not sure enough to be recorded, sure enough to be held from a member
    who keeps one of them. The service fills this in."""


class Cheered(Body, frozen=True, kw_only=True):
    """A cheer for something that somebody wrote."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "about"
    about: EventId
    words: FewWords | None = None


class MilestoneNamed(Body, frozen=True, kw_only=True):
    """A milestone of the family's own got its title and domain. Naming it again renames it."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    milestone: OwnMilestoneKey
    title: Name
    domain: Domain
