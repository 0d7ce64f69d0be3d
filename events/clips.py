"""Defines the event that attaches a clip (a picture or a video). The log stores the clip's hash and length, not its bytes."""

from typing import Annotated, ClassVar

import msgspec

from events.event import ANYONE_PRESENT, AS_TARGET, Body, Effect
from events.ids import ClipId, EventId

Sha256Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class ClipAttached(Body, frozen=True, kw_only=True):
    """A clip was attached to an observation or a note. A device sends `target` and `clip`; the service fills in the rest."""

    version: ClassVar = 2
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "target"
    refers_to: ClassVar = ("MilestoneObserved", "ParentFirstSaw", "NoteWritten")
    amendable: ClassVar = ()
    completed: ClassVar = ("media_type", "length_bytes", "sha256", "width", "height", "length_ms")
    effects: ClassVar = Effect.CHANGES_SIGHTING | Effect.EVERYDAY
    target: EventId
    clip: ClipId
    media_type: str | None = None
    length_bytes: int | None = None
    sha256: Sha256Hex | None = None
    width: int | None = None
    height: int | None = None
    length_ms: int | None = None
