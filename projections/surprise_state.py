"""Holds all that the surprise rule needs to know of one member: their wishes, what they have met, and what is held from them.

Exists only for members who have chosen something, so that it costs nothing for others.
"""

from datetime import date
from typing import Any

from events.ids import ChildId, MemberId
from projections.holds import Holds
from projections.met import Met
from projections.subjects import Subject
from projections.wishes import NO_WISHES, Choice, Wishes


class SurpriseState:
    """The state of one member. Changed in place by the fold that owns it; never copied."""

    __slots__ = ("_wishes", "hinted", "holds", "kept", "member", "met")

    def __init__(self, member: MemberId, wishes: Wishes = NO_WISHES) -> None:
        self.member = member
        self._wishes = wishes
        self.met = Met()
        self.holds = Holds()
        self.hinted: dict[tuple[ChildId, str], date] = {}
        """Child and domain -> the day of the last hint."""
        self.kept: dict[Subject, tuple[tuple[Subject, Choice], ...]] = {}
        """The cache of `visibility_fast` for these wishes."""

    @property
    def wishes(self) -> Wishes:
        """The member's choices that are in force."""
        return self._wishes

    @wishes.setter
    def wishes(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self.kept.clear()

    def __repr__(self) -> str:
        fields: dict[str, Any] = {"member": self.member, "choices": len(self._wishes.choices), "held": len(self.holds.events)}
        return f"SurpriseState({', '.join(f'{name}={value}' for name, value in fields.items())})"
