"""What happens in both worlds, and what happens in one of them alone: kept from the protected member.

Owns the shape of a history and the families' wishes. A draft names children and events by words; ids come later, from the words
alone, so that they are the same in both worlds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.worlds.copied_families import Household
from tests.worlds.seeded import uuid_of

Subject = tuple[str, str]
"""A child and a milestone."""

STEPS, TEN_STEPS, RUNS = "movement.first-steps", "movement.ten-steps", "movement.runs"
MOMENT, PULLS_UP, ROLLS = (
    "movement.stands-for-a-moment", "movement.pulls-to-stand", "movement.rolls-over",
)  # fmt: skip
OWN = f"own.{uuid_of('a milestone of their own', version=4)}"
REFERENCES = ("about", "target", "observation")
IMPORTED = "Imported"
"""The `type` of a step that is no draft: a file that a parent imports, in one of its `version`s."""
FIRST, LATER, GONE, PLAIN = "first", "later", "gone", "plain"
VERSIONS_HELD = (FIRST, FIRST, LATER, GONE)
"""Versions of which the protected member is told nothing: what they keep, the same said otherwise, and that it is taken back."""


@dataclass(frozen=True)
class Wish:
    """What the protected member chose, and what follows from it for a few milestones."""

    choices: tuple[Mapping[str, Any], ...]
    kept: tuple[Subject, ...]
    told: tuple[Subject, ...]
    own_is_kept: bool = False
    holds_unsorted: bool = False
    hints: bool = False


def _of(child: str, *milestones: str) -> tuple[Subject, ...]:
    return tuple((child, milestone) for milestone in milestones)


def _of_both(*milestones: str) -> tuple[Subject, ...]:
    return _of("mia", *milestones) + _of("noah", *milestones)


TALKS = "talking.first-word"
ALL_KEPT = _of_both(STEPS, TEN_STEPS, MOMENT)

WISHES: Mapping[str, Wish] = {
    "everything": Wish(({"scope": "all", "mode": "keep"},), ALL_KEPT, _of_both(PULLS_UP, ROLLS), own_is_kept=True),
    "movement": Wish(
        ({"scope": "domain:movement", "mode": "keep", "at_most_days": 3_650},),
        ALL_KEPT,
        _of_both(PULLS_UP, TALKS),
        own_is_kept=True,
    ),
    "one milestone": Wish(
        ({"scope": f"milestone:{STEPS}", "mode": "keep"},), _of_both(STEPS, TEN_STEPS, RUNS), _of_both(MOMENT, TALKS)
    ),
    "one child": Wish(
        ({"child": "mia", "scope": "all", "mode": "keep"},), _of("mia", STEPS, TEN_STEPS, MOMENT), _of("noah", STEPS, TALKS)
    ),
    "all but talking": Wish(
        ({"scope": "all", "mode": "keep"}, {"scope": "domain:talking", "mode": "tell"}), ALL_KEPT, _of_both(TALKS, ROLLS)
    ),
    "a safety note by name": Wish(
        ({"scope": f"milestone:{PULLS_UP}", "mode": "keep"},), _of_both(PULLS_UP), _of_both(STEPS, ROLLS)
    ),
    "unsorted, too": Wish(
        ({"scope": "all", "mode": "keep", "hold_unsorted": True},), ALL_KEPT, _of_both(PULLS_UP, ROLLS),
        own_is_kept=True, holds_unsorted=True,
    ),
    "a hint": Wish(({"scope": "domain:movement", "mode": "hint"},), ALL_KEPT, _of_both(PULLS_UP, TALKS), hints=True),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One draft: `name` is what its id is made of."""

    name: str
    who: str
    event: Mapping[str, Any]
    audience: str | None = None

    @property
    def id(self) -> str:
        return str(uuid_of(self.name, version=7))

    @property
    def refers(self) -> str | None:
        """The name of the draft that this one is about."""
        return next((self.event[one] for one in REFERENCES if one in self.event), None)

    def draft(self, household: Household, now: datetime) -> dict[str, Any]:
        """The draft as it is pushed."""
        event = {name: self._resolved(name, value, household) for name, value in self.event.items()}
        happened = (now - timedelta(minutes=5)).isoformat(timespec="milliseconds")
        audience = {} if self.audience is None else {"audience": self.audience}
        times = {"occurred_at": happened, "precision": "minute", "recorded_at": happened}
        return {"id": self.id, **times, **audience, "event": event}

    def _resolved(self, name: str, value: Any, household: Household) -> Any:
        if name == "child":
            return household.children[value]
        if name in REFERENCES:
            return str(uuid_of(value, version=7))
        return value


def step(name: str, who: str, kind: str, *, audience: str | None = None, **fields: Any) -> Step:
    """Returns the step in which a member pushes an event of this type."""
    return Step(name, who, {"type": kind, **fields}, audience)


@dataclass(frozen=True)
class Hidden:
    """A draft of the second world: before the visible step `slot`, or at the same time."""

    slot: int
    step: Step
    races: bool = False


@dataclass(frozen=True)
class History:
    """One history of both worlds."""

    protected: str
    wish: str
    visible: tuple[Step, ...]
    hidden: tuple[Hidden, ...]
    ending: str = "opened"
    """How the protected member ends the surprise: `own_first`, `opened` or `told`."""
    probe: int = 0
    """Which of the exercises that change something are tried."""
    common: frozenset[str] = field(default_factory=frozenset)
    """Names of the visible drafts that are held in both worlds."""

    @property
    def imports(self) -> bool:
        """Whether a parent imports a file."""
        return any(one.event["type"] == IMPORTED for one in (*self.visible, *(one.step for one in self.hidden)))

    @property
    def chosen(self) -> tuple[Mapping[str, Any], ...]:
        return WISHES[self.wish].choices


def rows_of_file(history: History, now: datetime, version: str) -> list[str]:
    """The rows of a plain file that are about what the protected member waits for, but for the version that tells of a nap."""
    child, kept = WISHES[history.wish].kept[0]
    assert child == "mia"
    at = f"{now:%Y-%m-%d}T0{1 if version == LATER else 0}:00"
    tells = "She took her first steps today!" if (child, STEPS) in WISHES[history.wish].kept else "A quiet day."
    words = {FIRST: tells, LATER: f"{tells} Hooray.", PLAIN: "Napped well.", GONE: ""}[version]
    gone = "yes" if version == GONE else ""
    rows = [f"kept,m,{at},,{'' if gone else kept},{gone}"]
    return rows if tells == "A quiet day." else [*rows, f"told,m,{at},{words},,{gone}"]


def bytes_of_file(rows: list[str]) -> bytes:
    """The body of an import."""
    return "\n".join(("id,child,occurred_at,text,milestone,gone", *rows)).encode()


def bytes_of_push(drafts: list[dict[str, Any]], sent_at: datetime) -> bytes:
    """The body of a push."""
    return json.dumps({"sent_at": sent_at.isoformat(timespec="milliseconds"), "drafts": drafts}).encode()
