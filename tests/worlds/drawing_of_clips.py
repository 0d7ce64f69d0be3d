"""Draws the steps that upload and attach clips."""

from tests.worlds.copied_families import PARENTS
from tests.worlds.drawing import Drawing
from tests.worlds.histories import UPLOAD_STATES, UPLOADED, Step, step

CLIPPED = ("NoteWritten", "MilestoneObserved")
"""The types of the events that a clip is attached to."""


class DrawingOfClips(Drawing):
    """Steps with clips. A method returns None where there is nothing to attach a clip to."""

    def visible_clip(self, name: str, number: int) -> Step | None:
        """A clip of a parent, or of the protected member: a helper's may be held as an everyday one."""
        targets = [one for one in self.of(self.delivered, *CLIPPED) if one.audience != "household"]
        target = self.any_of(targets)
        if target is None:
            return None
        who = self.one_of(name for name in (*PARENTS, self.protected) if name not in self.waiting)
        return self.deliver(step(name, who, "ClipAttached", target=target.name, clip=name), number)

    def held_clip(self, name: str, slot: int) -> Step | None:
        """A clip of what is held."""
        target = self.any_of(self.held_before(slot, *CLIPPED))
        if target is None:
            return None
        who = self.one_of(self.not_waiting())
        return self.hold(step(name, who, "ClipAttached", target=target.name, clip=name), slot)

    def held_again(self, name: str, slot: int) -> Step | None:
        """A clip that was delivered already, attached to what is held by its uploader."""
        seen = [one for one in self.of(self.delivered, "ClipAttached") if self.at[one.name] < slot]
        clip, target = self.any_of(seen), self.any_of(self.held_before(slot, *CLIPPED))
        if clip is None or target is None or clip.who not in self.not_waiting():
            return None
        return self.hold(step(name, clip.who, "ClipAttached", target=target.name, clip=clip.name), slot)

    def held_upload(self, name: str, slot: int) -> Step:
        """An upload that is attached to nothing."""
        return step(name, self.one_of(self.others), UPLOADED, state=self.one_of(UPLOAD_STATES))
