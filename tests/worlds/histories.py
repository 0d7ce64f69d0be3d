"""Defines a history: the steps of both worlds, and the steps of the second world alone, which are held from the protected member.

Owns the wishes that are tried. A step names children and events by words. Ids follow from these words alone, so that the ids are
the same in both worlds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.families import Draft, drafted
from tests.worlds.copied_families import Household
from tests.worlds.seeded import clip_of, uuid_of

Subject = tuple[str, str]
"""A child and a milestone."""

STEPS, TEN_STEPS, RUNS = "movement.first-steps", "movement.ten-steps", "movement.runs"
MOMENT, PULLS_UP, ROLLS = "movement.stands-for-a-moment", "movement.pulls-to-stand", "movement.rolls-over"
TALKS = "talking.first-word"
OWN = f"own.{uuid_of('a milestone of their own', version=4)}"
REFERENCES = ("about", "target", "observation")
IMPORTED = "Imported"
"""The `type` of a step that is no draft: a parent imports a file. The field `version` of the step names the file's version."""
UPLOADED = "Uploaded"
"""The `type` of a step that is no draft: an upload that nobody attaches. Its `state` is one of `UPLOAD_STATES`."""
UPLOAD_STATES = ("created", "open", "whole", "cleaned", "refused", "ended")
FIRST, LATER, GONE, PLAIN = "first", "later", "gone", "plain"
VERSIONS_HELD = (FIRST, FIRST, LATER, GONE)
"""Versions of a file whose records are held: the first records, the same records in other words, and their withdrawal."""


@dataclass(frozen=True)
class Wish:
    """The choices of the protected member, with some milestones that these choices keep, and some that they do not keep."""

    choices: tuple[Mapping[str, Any], ...]
    kept: tuple[Subject, ...]
    delivered: tuple[Subject, ...]
    own_is_kept: bool = False
    """Whether the family's own milestone, whose domain is movement, is kept too."""
    holds_unsorted: bool = False
    hints: bool = False


def _of(*milestones: str, children: tuple[str, ...] = ("mia", "noah")) -> tuple[Subject, ...]:
    return tuple((child, milestone) for child in children for milestone in milestones)


def _keep(scope: str, **more: Any) -> dict[str, Any]:
    return {"scope": scope, "mode": "keep", **more}


FIRSTS = (STEPS, TEN_STEPS, MOMENT)
MOVEMENT = "domain:movement"

WISHES: Mapping[str, Wish] = {
    "everything": Wish((_keep("all"),), _of(*FIRSTS), _of(PULLS_UP, ROLLS), own_is_kept=True),
    "movement": Wish((_keep(MOVEMENT, at_most_days=3_650),), _of(*FIRSTS), _of(PULLS_UP, TALKS), own_is_kept=True),
    "one milestone": Wish((_keep(f"milestone:{STEPS}"),), _of(STEPS, TEN_STEPS, RUNS), _of(MOMENT, TALKS)),
    "one child": Wish((_keep("all", child="mia"),), _of(*FIRSTS, children=("mia",)), _of(STEPS, TALKS, children=("noah",))),
    "all but talking": Wish((_keep("all"), {"scope": "domain:talking", "mode": "tell"}), _of(*FIRSTS), _of(TALKS, ROLLS)),
    "a safety note by name": Wish((_keep(f"milestone:{PULLS_UP}"),), _of(PULLS_UP), _of(STEPS, ROLLS)),
    "unsorted, too": Wish(
        (_keep("all", hold_unsorted=True),), _of(*FIRSTS), _of(PULLS_UP, ROLLS), own_is_kept=True, holds_unsorted=True
    ),
    "a hint": Wish(({"scope": MOVEMENT, "mode": "hint"},), _of(*FIRSTS), _of(PULLS_UP, TALKS), hints=True),
}


@dataclass(frozen=True)
class Step:
    """A draft that somebody pushes, a file that somebody imports, or an upload. Its id follows from its name."""

    name: str
    who: str
    event: Mapping[str, Any]
    audience: str | None = None

    @property
    def id(self) -> str:
        return str(uuid_of(self.name, version=7))

    @property
    def refers(self) -> str | None:
        """The name of the step to which this step refers."""
        return next((self.event[one] for one in REFERENCES if one in self.event), None)

    def draft(self, household: Household, now: datetime) -> Draft:
        """Returns the draft that a device pushes for this step: with ids instead of names."""
        event = dict(self.event)
        if "child" in event:
            event["child"] = household.children[event["child"]]
        event |= {name: str(uuid_of(event[name], version=7)) for name in REFERENCES if name in event}
        if "clip" in event:
            event["clip"] = str(clip_of(event["clip"]))
        return drafted(event.pop("type"), id=self.id, at=now - timedelta(minutes=5), audience=self.audience, **event)


def step(name: str, who: str, kind: str, *, audience: str | None = None, **fields: Any) -> Step:
    """Returns the step in which a member pushes an event of this type."""
    return Step(name, who, {"type": kind, **fields}, audience)


@dataclass(frozen=True)
class Hidden:
    """A step of the second world alone. It happens before the visible step number `slot`; or, if it `races`, at the same time."""

    slot: int
    step: Step
    races: bool = False


@dataclass(frozen=True)
class History:
    """One history: its visible steps happen in both worlds, its hidden steps in the second world alone."""

    protected: str
    wish: str
    visible: tuple[Step, ...]
    hidden: tuple[Hidden, ...]
    ending: str = "opened"
    """The act by which the protected member ends the surprise: `own_first`, `opened` or `told`."""
    probe: int = 0
    """A number by which a history chooses some requests, if a history does not send all of them."""
    common: frozenset[str] = frozenset()
    """Names of the visible steps that are held in both worlds."""

    @property
    def imports(self) -> bool:
        """Whether a parent imports a file."""
        return any(one.event["type"] == IMPORTED for one in (*self.visible, *(one.step for one in self.hidden)))

    @property
    def with_clips(self) -> list[Step]:
        """The steps that upload a clip, or attach one."""
        steps = (*self.visible, *(one.step for one in self.hidden))
        return [one for one in steps if one.event["type"] in (UPLOADED, "ClipAttached")]

    @property
    def chosen(self) -> tuple[Mapping[str, Any], ...]:
        return WISHES[self.wish].choices

    @property
    def acts(self) -> list[Step]:
        """The steps by which the protected member ends the surprise. The last step opens the envelope of everything."""
        child, milestone = WISHES[self.wish].kept[0]
        opened = step("opened", self.protected, "EnvelopeOpened", scope="all")
        match self.ending:
            case "own_first":
                return [step("seen", self.protected, "MilestoneObserved", child=child, milestone=milestone), opened]
            case "told":
                choices = [{**one, "mode": "tell"} for one in self.chosen]
                told = [step(f"told{number}", self.protected, "SurpriseChosen", **one) for number, one in enumerate(choices)]
                return [*told, opened]
            case _:
                return [opened]


def rows_of_file(history: History, now: datetime, version: str) -> list[str]:
    """Returns the rows of a plain file. They record what the protected member waits for; in the version `PLAIN` also a nap."""
    child, kept = WISHES[history.wish].kept[0]
    assert child == "mia"
    at = f"{now:%Y-%m-%d}T0{1 if version == LATER else 0}:00"
    tells = "She took her first steps today!" if (child, STEPS) in WISHES[history.wish].kept else "A quiet day."
    words = {FIRST: tells, LATER: f"{tells} Hooray.", PLAIN: "Napped well.", GONE: ""}[version]
    gone = "yes" if version == GONE else ""
    rows = [f"kept,m,{at},,{'' if gone else kept},{gone}"]
    return rows if tells == "A quiet day." else [*rows, f"told,m,{at},{words},,{gone}"]


def bytes_of_file(rows: list[str]) -> bytes:
    """Returns the file of these rows with its header, as the body of an import."""
    return "\n".join(("id,child,occurred_at,text,milestone,gone", *rows)).encode()
