"""Defines a planted leak: its name, what it changes in the running service, and a history in which it is noticed.

Owns the list of all leaks, which the files `leaks_of_*.py` fill, and the ways to plant a leak. A leak changes the text of a
query, or runs in place of a function of the service.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import pytest

import service.log.append
from service.feed.notifier import LocalNotifier
from service.postgres.queries import Queries
from tests.worlds.histories import MOMENT, OWN, STEPS, TALKS, TEN_STEPS, Hidden, History, Step, step

Plant = Callable[[pytest.MonkeyPatch], None]
Function = TypeVar("Function", bound=Callable[..., Any])


def _seen(name: str, who: str, milestone: str, *, child: str = "mia") -> Step:
    return step(name, who, "MilestoneObserved", child=child, milestone=milestone, note=f"look, {name}")


def _note(name: str, who: str, audience: str | None = None, **more: str) -> Step:
    return step(name, who, "NoteWritten", audience=audience, child="mia", text=f"dear all, {name}", **more)


_FIRST = {"child": "mia", "milestone": STEPS, "how": "in_person", "observation": "h0"}
_NAMED = step("h5", "gran", "MilestoneNamed", milestone=OWN, title="Says moon", domain="movement")

RICH = History(
    protected="ada",
    wish="movement",
    visible=(
        _note("v0", "ben"), _seen("v1", "sam", TALKS), _note("v2", "ada"), _note("v3", "gran"),
        step("v4", "ben", "Cheered", about="v2"),
    ),
    hidden=(
        Hidden(1, _seen("h0", "sam", STEPS)),
        Hidden(2, step("h1", "ben", "Cheered", about="h0")),
        Hidden(2, _note("h2", "gran", about="h0")),
        Hidden(3, step("h3", "sam", "Amended", target="h0", changes={"note": "six of them"})),
        Hidden(3, step("h4", "ben", "ParentFirstSaw", audience="family", **_FIRST)),
        Hidden(4, _NAMED),
        Hidden(4, _seen("h6", "gran", OWN)),
        Hidden(4, step("h7", "sam", "Amended", target="v1", changes={"milestone": STEPS})),
        Hidden(5, step("h8", "ben", "Sorted", target="v3", child="mia", milestone=STEPS)),
        Hidden(5, _note("h9", "ben", "household")),
        Hidden(5, _note("h10", "sam", "me")),
        Hidden(5, _seen("h11", "gran", MOMENT, child="noah")),
        Hidden(5, _note("h12", "ben", about="h11")),
        Hidden(5, step("h13", "ben", "Withdrawn", target="h12")),
        Hidden(5, _seen("h14", "sam", TEN_STEPS), races=True),
    ),
)  # fmt: skip
"""A history with each kind of held step once. All held steps are in the second world alone; in the first, nothing is held."""


def only(*names: str, **changed: Any) -> History:
    """Returns `RICH` with only the named held drafts, so that no other draft makes a leak visible. `changed` replaces fields."""
    return replace(RICH, hidden=tuple(one for one in RICH.hidden if one.step.name in names), **changed)


BEN_WAITS_TOO = replace(
    RICH,
    visible=(*RICH.visible[:4], step("v4", "ben", "SurpriseChosen", scope="all", mode="keep")),
    hidden=(Hidden(5, _seen("h0", "ben", STEPS)), Hidden(5, _NAMED)),
)
"""A history in which Ben waits too, and has seen the first steps. The protected member may not learn that Ben has seen them."""


@dataclass(frozen=True)
class Leak:
    """One way in which the service could show that something is held."""

    name: str
    plants: tuple[Plant, ...]
    history: History
    with_webhooks: bool = False
    """Whether only the receiver of a webhook can notice the leak."""

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        for plant in self.plants:
            plant(patch)


LEAKS: list[Leak] = []


def leak(name: str, *plants: Plant, history: History = RICH, with_webhooks: bool = False) -> None:
    """Adds a leak to the list."""
    LEAKS.append(Leak(name, plants, history, with_webhooks))


def leak_around(
    name: str, owner: Any, attribute: str, *plants: Plant, history: History = RICH, with_webhooks: bool = False
) -> Callable[[Function], Function]:
    """Adds a leak to the list. The decorated function runs in place of a function or method of the service, like in `around`."""

    def add(leaking: Function) -> Function:
        leak(name, around(owner, attribute, leaking), *plants, history=history, with_webhooks=with_webhooks)
        return leaking

    return add


def around(owner: Any, attribute: str, leaking: Callable[..., Any]) -> Plant:
    """Returns a plant that runs `leaking` in place of a function or method. `leaking` gets the original as its first argument."""
    assert not attribute.startswith("_"), "a leak in a private name breaks, or plants nothing, at every change of shape"

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, attribute)
        patch.setattr(owner, attribute, lambda *args, **named: leaking(original, *args, **named))

    return plant


def rewritten(queries: Queries, name: str, old: str, new: str) -> Plant:
    """Returns a plant that replaces `old` by `new` in the text of a query. The plant fails if the text does not contain `old`."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        text = queries[name]
        assert old in text, f"{name} does not contain {old!r}"
        patch.setitem(queries.text_by_name, name, text.replace(old, new))

    return plant


def _notify_everybody(entries_delivered: Any, self: LocalNotifier, family: Any, members: Any) -> None:
    entries_delivered(self, family, {member for other, member in self._by_member if other == family})


EVERYBODY_READS = around(LocalNotifier, "entries_delivered", _notify_everybody)
"""A plant: after each commit every listener of the family reads its feed, even if nothing was delivered to that listener."""


@dataclass(frozen=True)
class Log:
    """The state of a family's log. No response may depend on this state."""

    seq: int
    """The `seq` of the last event."""
    held: int
    """The number of events that are held, counted once for each member from whom they are held."""
    latest: datetime
    """The time at which the last event was received."""


async def log_of(pool: Any, family: Any) -> Log:
    """Reads the state of a family's log, like a careless route would."""
    return Log(
        *await pool.fetchrow(
            "SELECT last_seq, (SELECT count(*) FROM held WHERE family_id = $1),"
            " (SELECT max(received_at) FROM event WHERE family_id = $1) FROM family WHERE family_id = $1",
            family,
        )
    )


HELD_COUNT = "(SELECT count(*) FROM held WHERE held.family_id = $1 AND held.member_id = $2)"
"""An SQL expression: the number of events that are held from member $2 of family $1."""

_recorded: Counter[int] = Counter()
"""The number of events that a service has recorded, by the id of its thread."""


def recorded_count() -> int:
    """Returns the number of events that this thread's service has recorded since `count_recorded` was planted."""
    return _recorded[threading.get_ident()]


def count_recorded(patch: pytest.MonkeyPatch) -> None:
    """Counts the events that each service records, like a metric would."""

    def counting(fold: Any, *args: Any) -> Any:
        _recorded[threading.get_ident()] += 1
        return fold(*args)

    _recorded.clear()
    around(service.log.append, "fold", counting)(patch)
