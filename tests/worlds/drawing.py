"""Holds one history while it is drawn, and what later steps may refer to."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.worlds.histories import WISHES, Hidden, Step, Subject, step

PERSONS = ("ada", "ben", "sam", "gran")
HELPERS = ("sam", "gran", "duck")
CHILDREN = ("mia", "noah")


class Drawing:
    """One history, while it is drawn. Methods for one kind of step return None where there is nothing to refer to."""

    def __init__(self, draw: DrawFn, *, protected: str, wish_name: str) -> None:
        self.draw = draw
        self.protected = protected
        self.wish = WISHES[wish_name]
        self.others = tuple(name for name in (*PERSONS, "duck") if name != protected)
        self.persons = tuple(name for name in PERSONS if name != protected)
        self.visible: list[Step] = []
        self.hidden: list[Hidden] = []
        self.delivered: list[Step] = []
        """The visible steps that a later one may refer to."""
        self.held: list[Step] = []
        """The held steps that a later held one may refer to."""
        self.at: dict[str, int] = {}
        """By name, the numbers of visible steps and the slots of held ones."""
        self.apart: set[str] = set()
        """Names of visible steps that the second world may amend or sort."""
        self.withdrawn: set[str] = set()
        self.common: set[str] = set()
        self.waiting: set[str] = set()
        """Parents who wait themselves. They may not be sent what others are, and then cannot refer to it."""
        self.own_is_named = False

    def one_of(self, options: Any) -> Any:
        return self.draw(st.sampled_from(tuple(options)))

    def any_of(self, steps: list[Step]) -> Step | None:
        """Returns one of the steps, or None where there are none."""
        chosen: Step | None = self.one_of(steps) if steps else None
        return chosen

    def yes(self) -> bool:
        return bool(self.draw(st.booleans()))

    def sighting(self, name: str, who: str, subject: Subject, note: str) -> Step:
        child, milestone = subject
        return step(name, who, "MilestoneObserved", child=child, milestone=milestone, note=note)

    def withdrawal(self, name: str, target: Step) -> Step:
        self.withdrawn.add(target.name)
        return step(name, target.who, "Withdrawn", target=target.name)

    def deliver(self, visible: Step, number: int, *, is_apart: bool = False) -> Step:
        self.delivered.append(visible)
        self.at[visible.name] = number
        self.apart |= {visible.name} if is_apart else set()
        return visible

    def of(self, steps: list[Step], *kinds: str) -> list[Step]:
        """Returns the steps of some types, or of all, that were not withdrawn."""
        return [one for one in steps if one.name not in self.withdrawn and (not kinds or one.event["type"] in kinds)]

    def is_everyday(self, who: str) -> bool:
        """Checks whether notes of this author are held as everyday notes."""
        return self.wish.holds_unsorted and who in HELPERS

    def hold(self, held: Step, slot: int) -> Step:
        self.held.append(held)
        self.at[held.name] = slot
        return held

    def held_before(self, slot: int, *kinds: str) -> list[Step]:
        return [one for one in self.of(self.held, *kinds) if self.at[one.name] < slot + (one.name[0] == "h")]

    def apart_before(self, slot: int, kind: str) -> list[Step]:
        return [one for one in self.of(self.delivered, kind) if one.name in self.apart and self.at[one.name] < slot]

    def not_waiting(self) -> list[str]:
        return [name for name in self.persons if name not in self.waiting]
