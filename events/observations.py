"""Defines the events about a child's days: observations, a parent's own first sight, notes, cheers, a family's own milestones."""

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from events.catalogue import Domain
from events.event import ANYONE_PRESENT, AS_TARGET, PARENTS, PERSONS, Audience, Body, Effect, FewWords, LongText, Name, ShortText
from events.ids import ChildId, EventId, MilestoneKey, OwnMilestoneKey


class How(StrEnum):
    """The way in which a parent saw a milestone."""

    IN_PERSON = "in_person"
    LIVE_VIDEO = "live_video"
    CLIP = "clip"


class MilestoneObserved(Body, frozen=True, kw_only=True):
    """A member saw the child reach a milestone. The event does not state whether this was the first time.

    Version 2 has `found_in_prose`: whether the service found the milestone in a daycare's text.
    """

    version: ClassVar = 2
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = ("occurred_at", "precision", "child", "milestone", "note", "again")
    completed: ClassVar = ("found_in_prose", "tells_of")
    effects: ClassVar = Effect.MAKES_SIGHTING | Effect.TELLS_OF_SUBJECT | Effect.SURPRISE_ACT | Effect.FREES
    child: ChildId
    milestone: MilestoneKey
    note: ShortText | None = None
    again: bool = False
    found_in_prose: bool = False
    """Whether the service found the milestone in a daycare's text. If so, a parent may amend or withdraw the observation."""
    tells_of: Annotated[tuple[MilestoneKey, ...], msgspec.Meta(max_length=16)] = ()
    """Other milestones that the note mentions, set by the service. The event is held from members who keep one of them."""


class ParentFirstSaw(Body, frozen=True, kw_only=True):
    """A parent saw a milestone for the first time. The event is visible to that parent alone, unless the parent shares it.

    Version 1 had the field `seen` (`in_person` or `video`). Version 2 has `how`, which distinguishes a live video from a clip.
    """

    version: ClassVar = 2
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.ME
    refers: ClassVar = "observation"
    refers_to: ClassVar = ("MilestoneObserved",)
    amendable: ClassVar = ("occurred_at", "precision", "child", "milestone", "how", "feelings")
    completed: ClassVar = ()
    effects: ClassVar = Effect.MAKES_SIGHTING | Effect.TELLS_OF_SUBJECT | Effect.SURPRISE_ACT | Effect.FREES
    child: ChildId
    milestone: MilestoneKey
    how: How
    feelings: ShortText | None = None
    observation: EventId | None = None


class NoteWritten(Body, frozen=True, kw_only=True):
    """A member wrote a note about the child's day, or about another event.

    Version 2 has `may_tell_of`: the milestones that a daycare's text may mention.
    """

    version: ClassVar = 2
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = "about"
    refers_to: ClassVar = ("MilestoneObserved", "ParentFirstSaw", "NoteWritten", "ClipAttached")
    amendable: ClassVar = ("occurred_at", "precision", "child", "text")
    completed: ClassVar = ("may_tell_of",)
    effects: ClassVar = Effect.MAY_TELL | Effect.EVERYDAY
    child: ChildId
    text: LongText
    about: EventId | None = None
    may_tell_of: Annotated[tuple[MilestoneKey, ...], msgspec.Meta(max_length=16)] = ()
    """Milestones that a daycare's text may mention, set by the service. They are too uncertain for an observation, but the note
    is held from members who keep one of them."""


class Cheered(Body, frozen=True, kw_only=True):
    """A member cheered for another event."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "about"
    refers_to: ClassVar = ("MilestoneObserved", "ParentFirstSaw", "NoteWritten", "ClipAttached")
    amendable: ClassVar = ("words",)
    completed: ClassVar = ()
    effects: ClassVar = Effect.NONE
    about: EventId
    words: FewWords | None = None


class MilestoneNamed(Body, frozen=True, kw_only=True):
    """A member gave one of the family's own milestones a title and a domain. A second event for this milestone renames it."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.CHANGES_ROSTER | Effect.TELLS | Effect.SURPRISE_ACT | Effect.FREES | Effect.FIXED_AUDIENCE
    milestone: OwnMilestoneKey
    title: Name
    domain: Domain
