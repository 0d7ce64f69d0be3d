"""What makes a planted leak: a name, and patches to the running service.

Owns the list, which the other files of leaks fill, and what they read to leak it: how long a family's log is, and how much of
it is held.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.worlds.histories import MOMENT, OWN, STEPS, TALKS, TEN_STEPS, Hidden, History, Said

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Leak:
    """One way to tell."""

    name: str
    plant: Patch
    history: History
    listens: bool = False
    """It can be heard at the receiver of a webhook alone."""


def _seen(name: str, who: str, child: str, milestone: str) -> Said:
    return Said(name, who, {"type": "MilestoneObserved", "child": child, "milestone": milestone, "note": f"look, {name}"})


def _note(name: str, who: str, audience: str | None = None, **more: str) -> Said:
    return Said(name, who, {"type": "NoteWritten", "child": "mia", "text": f"dear all, {name}", **more}, audience)


_FIRST = {"type": "ParentFirstSaw", "child": "mia", "milestone": STEPS, "how": "in_person", "observation": "h0"}
_NAMED = {"type": "MilestoneNamed", "milestone": OWN, "title": "Says moon", "domain": "movement"}

RICH = History(
    protected="ada",
    wish="movement",
    visible=(
        _note("v0", "ben"), _seen("v1", "sam", "mia", TALKS), _note("v2", "ada"), _note("v3", "gran"),
        Said("v4", "ben", {"type": "Cheered", "about": "v2"}),
    ),
    hidden=(
        Hidden(1, _seen("h0", "sam", "mia", STEPS)),
        Hidden(2, Said("h1", "ben", {"type": "Cheered", "about": "h0"})),
        Hidden(2, _note("h2", "gran", about="h0")),
        Hidden(3, Said("h3", "sam", {"type": "Amended", "target": "h0", "changes": {"note": "six of them"}})),
        Hidden(3, Said("h4", "ben", _FIRST, "family")),
        Hidden(4, Said("h5", "gran", _NAMED)),
        Hidden(4, _seen("h6", "gran", "mia", OWN)),
        Hidden(4, Said("h7", "sam", {"type": "Amended", "target": "v1", "changes": {"milestone": STEPS}})),
        Hidden(5, Said("h8", "ben", {"type": "Sorted", "target": "v3", "child": "mia", "milestone": STEPS})),
        Hidden(5, _note("h9", "ben", "household")),
        Hidden(5, _note("h10", "sam", "me")),
        Hidden(5, _seen("h11", "gran", "noah", MOMENT)),
        Hidden(5, _note("h12", "ben", about="h11")),
        Hidden(5, Said("h13", "ben", {"type": "Withdrawn", "target": "h12"})),
        Hidden(5, _seen("h14", "sam", "mia", TEN_STEPS), races=True),
    ),
)  # fmt: skip
"""Everything that can be held, once. Nothing of it in both worlds, so that in the first one nothing at all is held."""


def only(history: History = RICH, *names: str, **changed: Any) -> History:
    """The history with these held drafts alone, so that a leak is caught by nothing else."""
    kept = tuple(one for one in history.hidden if one.said.name in names) if names else history.hidden
    fields = {name: getattr(history, name) for name in History.__dataclass_fields__}
    return History(**fields | {"hidden": kept} | changed)


BEN_WAITS_TOO = only(
    RICH,
    visible=(*RICH.visible[:4], Said("v4", "ben", {"type": "SurpriseChosen", "scope": "all", "mode": "keep"})),
    hidden=(Hidden(5, _seen("h0", "ben", "mia", STEPS)), Hidden(5, Said("h5", "gran", _NAMED))),
)
"""The other parent waits as well, and has met it, which the protected one may not know."""

LEAKS: list[Leak] = []


def leak(name: str, history: History = RICH, *, listens: bool = False) -> Callable[[Patch], Patch]:
    """Plant this."""

    def note(plant: Patch) -> Patch:
        LEAKS.append(Leak(name, plant, history, listens))
        return plant

    return note


@dataclass(frozen=True)
class Log:
    """What no answer may depend on."""

    seq: int
    """The last place of the family's log."""
    held: int
    """How many events are held from anybody."""
    latest: Any
    """When the last event was received."""


async def log_of(pool: Any, family: Any) -> Log:
    """A family's log, as a careless route would ask for it."""
    return Log(
        *await pool.fetchrow(
            "SELECT last_seq, (SELECT count(*) FROM held WHERE family_id = $1),"
            " (SELECT max(received_at) FROM event WHERE family_id = $1) FROM family WHERE family_id = $1",
            family,
        )
    )


def rewrite(patch: pytest.MonkeyPatch, queries: Any, name: str, old: str, new: str) -> None:
    """Change the text of a query. A text that is not there any more plants nothing, and is noticed."""
    before = queries[name]
    assert old in before, f"{name} does not say {old!r}"
    patch.setitem(queries.text_by_name, name, before.replace(old, new))
