"""Histories, chosen by Hypothesis: a visible schedule first, then what the second world adds to it, at any point.

Owns what may stand in a visible schedule, so that it is the same in both worlds: nothing in it refers to what is held in one
world alone, and nothing that the protected member says there meets what they wait for.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.worlds.histories import IMPORTED, OWN, PLAIN, VERSIONS_HELD, WISHES, Hidden, History, Step, Subject, Wish

PERSONS = ("ada", "ben", "sam", "gran")
PARENTS = ("ada", "ben")
HELPERS = ("sam", "gran", "duck")

VISIBLE = ("note", "seen", "seen", "mine", "mine", "about", "amend", "withdraw", "common", "wish", "file")
HELD = (
    *("seen",) * 3, "first", "about", "about", "amend", "withdraw", "bring", "sort", "private", "own", "unsorted", *("file",) * 2,
)  # fmt: skip


@dataclass
class Told:
    """Something that a later draft may be about."""

    step: Step
    at: int
    """The step, or the slot."""
    is_apart: bool = False
    """What the second world may amend or sort."""
    is_withdrawn: bool = False


class Choosing:
    """One history, while it is drawn."""

    def __init__(self, draw: DrawFn, *, protected: str, wish_name: str) -> None:
        self.draw = draw
        self.protected = protected
        self.wish: Wish = WISHES[wish_name]
        self.others = tuple(name for name in (*PERSONS, "duck") if name != protected)
        self.visible: list[Step] = []
        self.told: list[Told] = []
        self.held: list[Told] = []
        self.hidden: list[Hidden] = []
        self.common: set[str] = set()
        self.wishful: set[str] = set()
        """Who waits for something themselves: whoever is not told of a thing cannot refer to it."""
        self.own_is_named = False
        self.kinds: tuple[tuple[str, ...], tuple[str, ...]] = VISIBLE, HELD

    def one_of(self, options: Any) -> Any:
        return self.draw(st.sampled_from(tuple(options)))

    def yes(self) -> bool:
        return bool(self.draw(st.booleans()))

    # -- what both worlds see

    def see(self, number: int) -> None:
        """Add a visible step, of a kind for which there is something to go by; else a note."""
        name = f"v{number}"
        self.visible.append(
            getattr(self, f"_visible_{self.one_of(self.kinds[0])}")(name, number) or self._visible_note(name, number)
        )

    def _tell(self, said: Step, number: int, *, is_apart: bool = False) -> Step:
        self.told.append(Told(said, number, is_apart))
        return said

    def _open(self, *kinds: str) -> list[Told]:
        return [one for one in self.told if not one.is_withdrawn and (not kinds or one.step.event["type"] in kinds)]

    def _note_writers(self) -> list[str]:
        # Where everyday notes are held, those of helpers are no part of what both worlds see.
        return [name for name in self.others if not (self.wish.holds_unsorted and name in HELPERS)]

    def _visible_note(self, name: str, number: int) -> Step:
        event = {"type": "NoteWritten", "child": self.one_of(("mia", "noah")), "text": f"A day like others, {name}."}
        return self._tell(Step(name, self.one_of(self._note_writers()), event), number, is_apart=self.yes())

    def _visible_seen(self, name: str, number: int) -> Step:
        child, milestone = self.one_of(self.wish.told)
        event = {"type": "MilestoneObserved", "child": child, "milestone": milestone, "note": f"seen in {name}"}
        return self._tell(Step(name, self.one_of(self.others), event), number, is_apart=self.yes())

    def _visible_mine(self, name: str, number: int) -> Step:
        child, milestone = self.one_of(self.wish.told)
        said: dict[str, Any] = {"type": "MilestoneObserved", "child": child, "milestone": milestone}
        if self.protected in PARENTS and self.yes():
            said = {"type": "ParentFirstSaw", "child": child, "milestone": milestone, "how": "in_person", "feelings": "oh!"}
        elif self.yes():
            said = {"type": "NoteWritten", "child": child, "text": f"my own {name}"}
        audience = self.one_of((None, "me", "household", "family"))
        mine = Step(name, self.protected, said, audience)
        if audience == "me" or said["type"] == "ParentFirstSaw":
            return mine
        return self._tell(mine, number)

    def _visible_about(self, name: str, number: int) -> Step | None:
        targets = [one for one in self._open() if one.step.audience != "household"]
        if not targets:
            return None
        target: Told = self.one_of(targets)
        who = self.one_of(name for name in (*PARENTS, self.protected) if name not in self.wishful)
        if self.yes():
            return Step(name, who, {"type": "Cheered", "about": target.step.name, "words": "hooray"})
        event = {"type": "NoteWritten", "child": target.step.event.get("child", "mia"), "text": f"to {name}"}
        return self._tell(Step(name, who, event | {"about": target.step.name}), number)

    def _visible_amend(self, name: str, number: int) -> Step | None:
        targets = [one for one in self._open("NoteWritten") if not (self.wish.holds_unsorted and one.step.who in HELPERS)]
        if not targets:
            return None
        target: Told = self.one_of(targets)
        event = {"type": "Amended", "target": target.step.name, "changes": {"text": f"better words, {name}"}}
        return Step(name, target.step.who, event)

    def _visible_withdraw(self, name: str, number: int) -> Step | None:
        targets = [one for one in self.told if not one.is_withdrawn]
        if not targets:
            return None
        target: Told = self.one_of(targets)
        target.is_withdrawn = True
        return Step(name, target.step.who, {"type": "Withdrawn", "target": target.step.name})

    def _visible_common(self, name: str, number: int) -> Step:
        said = Step(name, self.one_of(self.others), self._sighting(self.one_of(self.wish.kept), name))
        self.common.add(name)
        self.held.append(Told(said, number))
        return said

    def _visible_wish(self, name: str, number: int) -> Step | None:
        others = [name for name in PARENTS if name != self.protected and name not in self.wishful]
        if not others:
            return None
        who = self.one_of(others)
        self.wishful.add(who)
        return Step(name, who, {"type": "SurpriseChosen", "scope": self.one_of(("all", "domain:talking")), "mode": "keep"})

    def _visible_file(self, name: str, number: int) -> Step | None:
        """A file of their own: what it says is held from them as well, and may be what the other parent's file has said."""
        said = {"type": IMPORTED, "version": self.one_of((*VERSIONS_HELD, PLAIN))}
        return Step(name, self.protected, said) if self.protected in PARENTS else None

    # -- what one world sees alone

    def hide(self, number: int, slot: int, *, is_last: bool) -> None:
        """Add a draft that is held, of a kind for which there is something to go by; else an observation."""
        name = f"h{number}"
        said = getattr(self, f"_held_{self.one_of(self.kinds[1])}")(name, slot) or self._held_seen(name, slot)
        self.hidden.append(Hidden(slot, said, races=is_last and self.yes()))

    def _known(self, slot: int, *kinds: str) -> list[Told]:
        there = [one for one in self.held if one.at < slot + (one.step.name[0] == "h") and not one.is_withdrawn]
        return [one for one in there if not kinds or one.step.event["type"] in kinds]

    def _sighting(self, subject: Subject, name: str) -> dict[str, Any]:
        return {"type": "MilestoneObserved", "child": subject[0], "milestone": subject[1], "note": f"held in {name}"}

    def _hold(self, said: Step, slot: int) -> Step:
        self.held.append(Told(said, slot))
        return said

    def _held_seen(self, name: str, slot: int) -> Step:
        return self._hold(Step(name, self.one_of(self.others), self._sighting(self.one_of(self.wish.kept), name)), slot)

    def _held_first(self, name: str, slot: int) -> Step | None:
        child, milestone = self.one_of(self.wish.kept)
        who = self.one_of(name for name in PARENTS if name != self.protected)
        event = {"type": "ParentFirstSaw", "child": child, "milestone": milestone, "how": "in_person", "feelings": "tears"}
        seen = self._known(slot, "MilestoneObserved")
        if seen and who not in self.wishful and self.yes():
            event["observation"] = self.one_of(seen).step.name
        return self._hold(Step(name, who, event, "family"), slot)

    def _held_about(self, name: str, slot: int) -> Step | None:
        targets = self._known(slot)
        if not targets:
            return None
        target: Told = self.one_of(targets)
        who = self.one_of(name for name in PERSONS if name != self.protected and name not in self.wishful)
        if self.yes():
            return Step(name, who, {"type": "Cheered", "about": target.step.name})
        event = {"type": "NoteWritten", "child": "mia", "text": f"how wonderful, {name}", "about": target.step.name}
        return self._hold(Step(name, who, event), slot)

    def _held_amend(self, name: str, slot: int) -> Step | None:
        targets = self._known(slot, "MilestoneObserved")
        if not targets:
            return None
        target: Told = self.one_of(targets)
        changes: dict[str, Any] = {"note": f"six steps, {name}"}
        if self.yes():
            changes["milestone"] = self.one_of([kept for child, kept in self.wish.kept if child == target.step.event["child"]])
        return Step(name, target.step.who, {"type": "Amended", "target": target.step.name, "changes": changes})

    def _held_withdraw(self, name: str, slot: int) -> Step | None:
        targets = self._known(slot)
        if not targets:
            return None
        target: Told = self.one_of(targets)
        target.is_withdrawn = True
        return Step(name, target.step.who, {"type": "Withdrawn", "target": target.step.name})

    def _apart(self, slot: int, kind: str) -> list[Told]:
        return [
            one for one in self.told
            if one.is_apart and one.at < slot and one.step.event["type"] == kind and not one.is_withdrawn
        ]  # fmt: skip

    def _held_bring(self, name: str, slot: int) -> Step | None:
        """An amendment that would bring what was told to something that is kept."""
        targets = self._apart(slot, "MilestoneObserved")
        if not targets:
            return None
        target: Told = self.one_of(targets)
        child, milestone = self.one_of(self.wish.kept)
        event = {"type": "Amended", "target": target.step.name, "changes": {"milestone": milestone}}
        return Step(name, target.step.who, event) if child == target.step.event["child"] else None

    def _held_sort(self, name: str, slot: int) -> Step | None:
        targets = self._apart(slot, "NoteWritten")
        others = [name for name in PERSONS if name != self.protected and name not in self.wishful]
        if not targets:
            return None
        target: Told = self.one_of(targets)
        child, milestone = self.one_of(self.wish.kept)
        event = {"type": "Sorted", "target": target.step.name, "child": child, "milestone": milestone}
        # A parent's own words are sorted by nobody else.
        return Step(name, target.step.who if target.step.who in PARENTS else self.one_of(others), event)

    def _held_private(self, name: str, slot: int) -> Step:
        who = self.one_of(self.others)
        is_elsewhere = (who == "ben") != (self.protected == "ben")
        event = {"type": "NoteWritten", "child": "mia", "text": f"for no other eyes, {name}"}
        return Step(name, who, event, self.one_of(("me", "household")) if is_elsewhere else "me")

    def _held_own(self, name: str, slot: int) -> Step | None:
        if not self.wish.own_is_kept:
            return None
        who = self.one_of(name for name in PERSONS if name != self.protected)
        if not self.own_is_named:
            self.own_is_named = True
            return Step(name, who, {"type": "MilestoneNamed", "milestone": OWN, "title": "Says moon", "domain": "movement"})
        if who in self.wishful:
            return None
        return self._hold(Step(name, who, self._sighting((self.one_of(("mia", "noah")), OWN), name)), slot)

    def _held_file(self, name: str, slot: int) -> Step:
        said = {"type": IMPORTED, "version": self.one_of(VERSIONS_HELD)}
        return Step(name, self.one_of(one for one in PARENTS if one != self.protected), said)

    def _held_unsorted(self, name: str, slot: int) -> Step | None:
        if not self.wish.holds_unsorted:
            return None
        who = self.one_of(name for name in HELPERS if name != self.protected)
        event = {"type": "NoteWritten", "child": "mia", "text": f"guess what, {name}"}
        told = [
            one for one in self.told
            if one.at < slot and one.step.who != self.protected and one.step.audience != "household"
            and one.step.event["type"] == "NoteWritten" and "about" not in one.step.event
        ]  # fmt: skip
        if told and who != "duck" and self.yes():  # a daycare is sent no notes, so it refers to none
            event["about"] = self.one_of(told).step.name
        return self._hold(Step(name, who, event), slot)


@st.composite
def histories(draw: DrawFn, *, protected: tuple[str, ...] = ("ada", "ben", "gran"), files_alone: bool = False) -> History:
    """A history of both worlds, and what is held in one of them. `files_alone`: what both parents import, and little else."""
    wish_name = draw(st.sampled_from(tuple(WISHES)))
    choosing = Choosing(draw, protected=draw(st.sampled_from(protected)), wish_name=wish_name)
    choosing.kinds = (("note", "file", "file"), ("file",)) if files_alone else (VISIBLE, HELD)
    if choosing.wish.hints:
        for number, child in enumerate(("mia", "noah")):
            said = Step(f"v{number}", choosing.others[0], choosing._sighting((child, choosing.wish.kept[0][1]), "a hint"))
            choosing.visible.append(said)
            choosing.common.add(said.name)
            choosing.held.append(Told(said, number))
    count = draw(st.integers(2, 8))
    for number in range(len(choosing.visible), len(choosing.visible) + count):
        choosing.see(number)
    slots = sorted(draw(st.lists(st.integers(2 if choosing.wish.hints else 0, len(choosing.visible)), min_size=1, max_size=6)))
    for number, slot in enumerate(slots):
        choosing.hide(number, slot, is_last=number + 1 == len(slots) or slots[number + 1] != slot)
    return History(
        protected=choosing.protected,
        wish=wish_name,
        visible=tuple(choosing.visible),
        hidden=tuple(choosing.hidden),
        ending=draw(st.sampled_from(("opened", "own_first", "told"))),
        probe=sha256(str((choosing.visible, choosing.hidden)).encode()).digest()[0],
        common=frozenset(choosing.common),
    )
