"""Draws histories with Hypothesis: first the visible steps, then the held steps that the second world adds anywhere between them.

Owns which steps may be visible. A visible step must be possible in both worlds, so it never refers to an event that is held in
the second world alone. In no visible step does the protected member record a milestone that they keep.
"""

from hashlib import sha256

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.worlds.copied_families import PARENTS
from tests.worlds.drawing import CHILDREN, HELPERS
from tests.worlds.drawing_of_clips import DrawingOfClips
from tests.worlds.histories import IMPORTED, OWN, PLAIN, UPLOADED, VERSIONS_HELD, WISHES, Hidden, History, Step, step

VISIBLE = ("note", "seen", "seen", "mine", "mine", "about", "clip", "amend", "withdraw", "common", "wish", "file")
HELD = (
    *("seen",) * 3, "first", "about", "about", "amend", "withdraw", "bring", "sort", "private", "own", "unsorted", *("file",) * 2,
    *("clip",) * 4, "again", "upload",
)  # fmt: skip


class Schedule(DrawingOfClips):
    """Draws the steps of both worlds, and the held ones."""

    # -- what both worlds see

    def add_visible(self, number: int, kinds: tuple[str, ...]) -> None:
        """Adds a visible step of one of the kinds, or a note if that kind is not possible."""
        name = f"v{number}"
        drawn = getattr(self, f"visible_{self.one_of(kinds)}")(name, number)
        self.visible.append(drawn or self.visible_note(name, number))

    def add_common(self, sighting: Step, number: int) -> Step:
        """Marks a visible step as held in both worlds, and returns it."""
        self.common.add(sighting.name)
        return self.hold(sighting, number)

    def visible_note(self, name: str, number: int) -> Step:
        child, who = self.one_of(CHILDREN), self.one_of(name for name in self.others if not self.is_everyday(name))
        note = step(name, who, "NoteWritten", child=child, text=f"A day like others, {name}.")
        return self.deliver(note, number, is_apart=self.yes())

    def visible_seen(self, name: str, number: int) -> Step:
        subject, who = self.one_of(self.wish.delivered), self.one_of(self.others)
        return self.deliver(self.sighting(name, who, subject, f"seen in {name}"), number, is_apart=self.yes())

    def visible_mine(self, name: str, number: int) -> Step:
        child, milestone = self.one_of(self.wish.delivered)
        kind, fields = "MilestoneObserved", {"milestone": milestone}
        if self.protected in PARENTS and self.yes():
            kind, fields = "ParentFirstSaw", {"milestone": milestone, "how": "in_person", "feelings": "oh!"}
        elif self.yes():
            kind, fields = "NoteWritten", {"text": f"my own {name}"}
        audience = self.one_of((None, "me", "household", "family"))
        mine = step(name, self.protected, kind, audience=audience, child=child, **fields)
        return mine if audience == "me" or kind == "ParentFirstSaw" else self.deliver(mine, number)

    def visible_about(self, name: str, number: int) -> Step | None:
        target = self.any_of([one for one in self.of(self.delivered) if one.audience != "household"])
        if target is None:
            return None
        who = self.one_of(name for name in (*PARENTS, self.protected) if name not in self.waiting)
        if self.yes():
            return step(name, who, "Cheered", about=target.name, words="hooray")
        child = target.event.get("child", "mia")
        return self.deliver(step(name, who, "NoteWritten", child=child, text=f"to {name}", about=target.name), number)

    def visible_amend(self, name: str, number: int) -> Step | None:
        target = self.any_of([one for one in self.of(self.delivered, "NoteWritten") if not self.is_everyday(one.who)])
        changes = {"text": f"better words, {name}"}
        return target and step(name, target.who, "Amended", target=target.name, changes=changes)

    def visible_withdraw(self, name: str, number: int) -> Step | None:
        target = self.any_of(self.of(self.delivered))
        return target and self.withdrawal(name, target)

    def visible_common(self, name: str, number: int) -> Step:
        who, subject = self.one_of(self.others), self.one_of(self.wish.kept)
        return self.add_common(self.sighting(name, who, subject, f"held in {name}"), number)

    def visible_wish(self, name: str, number: int) -> Step | None:
        others = [name for name in PARENTS if name != self.protected and name not in self.waiting]
        if not others:
            return None
        who = self.one_of(others)
        self.waiting.add(who)
        return step(name, who, "SurpriseChosen", scope=self.one_of(("all", "domain:talking")), mode="keep")

    def visible_file(self, name: str, number: int) -> Step | None:
        """Returns the import of a file by the protected member; None if they are no parent.

        The file's records are held from the importing member too. In the second world the other parent may import the same file.
        """
        version = self.one_of((*VERSIONS_HELD, PLAIN))
        return step(name, self.protected, IMPORTED, version=version) if self.protected in PARENTS else None

    # -- what one world sees alone

    def add_hidden(self, number: int, slot: int, kinds: tuple[str, ...], *, is_last: bool) -> None:
        """Adds a held step of one of the kinds, or an observation if that kind is not possible.

        The last held step of a slot may race with the visible step.
        """
        name = f"h{number}"
        drawn = getattr(self, f"held_{self.one_of(kinds)}")(name, slot)
        held = drawn or self.held_seen(name, slot)
        self.hidden.append(Hidden(slot, held, races=is_last and held.event["type"] != UPLOADED and self.yes()))

    def held_seen(self, name: str, slot: int) -> Step:
        who, subject = self.one_of(self.others), self.one_of(self.wish.kept)
        return self.hold(self.sighting(name, who, subject, f"held in {name}"), slot)

    def held_first(self, name: str, slot: int) -> Step | None:
        child, milestone = self.one_of(self.wish.kept)
        who = self.one_of(name for name in PARENTS if name != self.protected)
        fields = {"child": child, "milestone": milestone, "how": "in_person", "feelings": "tears"}
        seen = self.held_before(slot, "MilestoneObserved")
        if seen and who not in self.waiting and self.yes():
            fields["observation"] = self.one_of(seen).name
        return self.hold(step(name, who, "ParentFirstSaw", audience="family", **fields), slot)

    def held_about(self, name: str, slot: int) -> Step | None:
        target = self.any_of(self.held_before(slot))
        if target is None:
            return None
        who = self.one_of(self.not_waiting())
        if self.yes():
            return step(name, who, "Cheered", about=target.name)
        note = step(name, who, "NoteWritten", child="mia", text=f"how wonderful, {name}", about=target.name)
        return self.hold(note, slot)

    def held_amend(self, name: str, slot: int) -> Step | None:
        target = self.any_of(self.held_before(slot, "MilestoneObserved"))
        if target is None:
            return None
        changes = {"note": f"six steps, {name}"}
        if self.yes():
            changes["milestone"] = self.one_of(kept for child, kept in self.wish.kept if child == target.event["child"])
        return step(name, target.who, "Amended", target=target.name, changes=changes)

    def held_withdraw(self, name: str, slot: int) -> Step | None:
        target = self.any_of(self.held_before(slot))
        return target and self.withdrawal(name, target)

    def held_bring(self, name: str, slot: int) -> Step | None:
        """An amendment that makes a delivered observation one of a milestone that they keep."""
        target = self.any_of(self.apart_before(slot, "MilestoneObserved"))
        if target is None:
            return None
        child, milestone = self.one_of(self.wish.kept)
        amended = step(name, target.who, "Amended", target=target.name, changes={"milestone": milestone})
        return amended if child == target.event["child"] else None

    def held_sort(self, name: str, slot: int) -> Step | None:
        target = self.any_of(self.apart_before(slot, "NoteWritten"))
        if target is None:
            return None
        child, milestone = self.one_of(self.wish.kept)
        # A parent's own words are sorted by nobody else.
        who = target.who if target.who in PARENTS else self.one_of(self.not_waiting())
        return step(name, who, "Sorted", target=target.name, child=child, milestone=milestone)

    def held_private(self, name: str, slot: int) -> Step:
        who = self.one_of(self.others)
        is_elsewhere = (who == "ben") != (self.protected == "ben")
        audience = self.one_of(("me", "household")) if is_elsewhere else "me"
        return step(name, who, "NoteWritten", audience=audience, child="mia", text=f"for no other eyes, {name}")

    def held_own(self, name: str, slot: int) -> Step | None:
        """Returns the event that names the family's own milestone; in later calls, an observation of this milestone."""
        if not self.wish.own_is_kept:
            return None
        who = self.one_of(self.persons)
        if not self.own_is_named:
            self.own_is_named = True
            return step(name, who, "MilestoneNamed", milestone=OWN, title="Says moon", domain="movement")
        if who in self.waiting:
            return None
        return self.hold(self.sighting(name, who, (self.one_of(CHILDREN), OWN), f"held in {name}"), slot)

    def held_file(self, name: str, slot: int) -> Step:
        version, who = self.one_of(VERSIONS_HELD), self.one_of(one for one in PARENTS if one != self.protected)
        return step(name, who, IMPORTED, version=version)

    def held_unsorted(self, name: str, slot: int) -> Step | None:
        """Returns an everyday note of a helper. Sometimes it replies to a note that was delivered."""
        if not self.wish.holds_unsorted:
            return None
        who = self.one_of(name for name in HELPERS if name != self.protected)
        fields = {"child": "mia", "text": f"guess what, {name}"}
        notes = [
            one.name for one in self.delivered
            if self.at[one.name] < slot and one.who != self.protected and one.audience != "household"
            and one.event["type"] == "NoteWritten" and "about" not in one.event
        ]  # fmt: skip
        if notes and who != "duck" and self.yes():  # a daycare is sent no notes, so it refers to none
            fields["about"] = self.one_of(notes)
        return self.hold(step(name, who, "NoteWritten", **fields), slot)


@st.composite
def histories(draw: DrawFn, *, protected: tuple[str, ...] = ("ada", "ben", "gran"), files_alone: bool = False) -> History:
    """Draws a history. With `files_alone`, the history consists of imports by both parents, and of notes."""
    wish_name = draw(st.sampled_from(tuple(WISHES)))
    drawing = Schedule(draw, protected=draw(st.sampled_from(protected)), wish_name=wish_name)
    visible_kinds, held_kinds = (("note", "file", "file"), ("file",)) if files_alone else (VISIBLE, HELD)
    if drawing.wish.hints:
        # One event that gives a hint for each child, in both worlds.
        for number, child in enumerate(CHILDREN):
            hinted = drawing.sighting(f"v{number}", drawing.others[0], (child, drawing.wish.kept[0][1]), "held in a hint")
            drawing.visible.append(drawing.add_common(hinted, number))
    count = draw(st.integers(2, 8))
    for number in range(len(drawing.visible), len(drawing.visible) + count):
        drawing.add_visible(number, visible_kinds)
    slots = sorted(draw(st.lists(st.integers(2 if drawing.wish.hints else 0, len(drawing.visible)), min_size=1, max_size=6)))
    for number, slot in enumerate(slots):
        drawing.add_hidden(number, slot, held_kinds, is_last=number + 1 == len(slots) or slots[number + 1] != slot)
    return History(
        protected=drawing.protected,
        wish=wish_name,
        visible=tuple(drawing.visible),
        hidden=tuple(drawing.hidden),
        ending=draw(st.sampled_from(("opened", "own_first", "told"))),
        probe=sha256(str((drawing.visible, drawing.hidden)).encode()).digest()[0],
        common=frozenset(drawing.common),
    )
