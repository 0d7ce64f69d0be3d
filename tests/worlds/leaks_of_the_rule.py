"""Plants leaks in the rule: each leak delivers a held event of one kind, gives a hint of it, or releases the event wrongly."""

from dataclasses import replace
from typing import Any

import msgspec

import projections.acts
import projections.family
import projections.fold
import projections.visibility
from events.event import Audience
from projections.family import Family
from projections.roster import Roster
from projections.visibility import Verdict, readers_of
from tests.worlds.histories import STEPS, TEN_STEPS, Hidden, step
from tests.worlds.leaks import RICH, Plant, around, leak, leak_around, only

SEEN = {"child": "mia", "milestone": STEPS}
TEN = {"child": "mia", "milestone": TEN_STEPS}

# A held event is delivered.


def delivering(leaked: str) -> Plant:
    """Returns a plant that delivers events of this type to everybody in their audience, including members who wait."""

    def careless(decide: Any, described: Any, *, kind: str, author: Any, audience: Any, roster: Roster, **more: Any) -> Any:
        if kind == leaked:
            return Verdict(readers_of(kind, author, audience, roster))
        return decide(described, kind=kind, author=author, audience=audience, roster=roster, **more)

    return around(projections.visibility, "decide", careless)


leak("a held observation is told", delivering("MilestoneObserved"), history=only("h11"))
leak("a cheer for what is held is told", delivering("Cheered"), history=only("h0", "h1"))
leak("a note about what is held is told", delivering("NoteWritten"), history=only("h0", "h2"))
leak("an amendment of what is held is told", delivering("Amended"), history=only("h0", "h3"))
leak("an amendment that brings to what is held is told", delivering("Amended"), history=only("h7"))
leak("the withdrawal of what is held is told", delivering("Withdrawn"), history=only("h11", "h12", "h13"))
leak("another parent's first is told", delivering("ParentFirstSaw"), history=only("h0", "h4"))
leak("the name of a held milestone is told", delivering("MilestoneNamed"), history=only("h5"))
leak("what a note is about is told", delivering("Sorted"), history=only("h8"))
leak(
    "what implies a kept milestone is told",
    around(projections.visibility, "implied_by", lambda implied_by, subject: iter((subject,))),
    history=replace(RICH, wish="one milestone", hidden=(Hidden(3, step("h0", "sam", "MilestoneObserved", **TEN)),)),
)

_EVERYDAY_NOTE = replace(
    RICH,
    wish="unsorted, too",
    visible=(RICH.visible[0], RICH.visible[2], RICH.visible[4]),
    hidden=(Hidden(2, step("h0", "sam", "NoteWritten", child="mia", text="guess what")),),
)


@leak_around("an everyday note of a helper is told", projections.family, "describe", history=_EVERYDAY_NOTE)
def _(describe: Any, *args: Any, **named: Any) -> Any:
    described = describe(*args, **named)
    return msgspec.structs.replace(described, content=msgspec.structs.replace(described.content, is_everyday=False))


# A hint is given although the rule forbids it.


def _hint_always(hints_for: Any, described: Any, state: Any, roster: Roster) -> Any:
    found = [(child, roster.domain_of(milestone)) for child, milestone in described.content.subjects]
    return hints_for(described, state, roster) or found


def _ask_for_hints(hold: Any, family: Family, member: Any, *more: Any) -> Any:
    state = family.surprises[member]
    state.wishes = msgspec.structs.replace(state.wishes, asks_for_hints=True)
    return hold(family, member, *more)


leak(
    "a hint for whoever wished none",
    around(projections.visibility, "hints_for", _hint_always),
    around(projections.fold, "hold", _ask_for_hints),
    history=only("h0"),
)

_HINTED = replace(
    RICH,
    wish="a hint",
    visible=(step("v9", "sam", "MilestoneObserved", **SEEN), *RICH.visible),
    hidden=(
        Hidden(3, step("h0", "gran", "MilestoneObserved", **SEEN)),
        Hidden(4, step("h1", "gran", "MilestoneObserved", **TEN)),
    ),
    common=frozenset({"v9"}),
)


@leak_around("a second hint on one day", projections.fold, "hold", history=_HINTED)
def _(hold: Any, family: Family, member: Any, *more: Any) -> Any:
    family.surprises[member].hinted.clear()
    return hold(family, member, *more)


# An event is delivered beyond its audience.


def widening(narrow: Audience) -> Plant:
    """Returns a plant that delivers events of this audience to the whole family, except choices and opened envelopes."""

    def wider(readers_of: Any, kind: str, author: Any, audience: Any, roster: Roster) -> Any:
        is_choice = kind in ("SurpriseChosen", "EnvelopeOpened")
        return readers_of(kind, author, Audience.FAMILY if audience is narrow and not is_choice else audience, roster)

    return around(projections.visibility, "readers_of", wider)


leak("a word for one home is told in the other", widening(Audience.HOUSEHOLD), history=only("h9"))
leak("a word for nobody else is told", widening(Audience.ME), history=only("h10"))


@leak_around("a daycare's key is told of everything", projections.visibility, "readers_of")
def _(readers_of: Any, kind: str, author: Any, audience: Any, roster: Roster) -> Any:
    found = readers_of(kind, author, audience, roster)
    return roster.present if audience is Audience.FAMILY and found and kind != "SurpriseChosen" else found


# A release is wrong.


@leak_around("a release that loses its first event", projections.fold, "act")
def _(act: Any, *args: Any) -> Any:
    shortened = [msgspec.structs.replace(released, events=released.events[1:]) for released in act(*args)]
    return [released for released in shortened if released.events]


leak(
    "a release that tells twice",
    around(projections.fold, "act", lambda act, *args: [twice for released in act(*args) for twice in (released, released)]),
    history=only("h0", "h1"),
)
leak(
    "what was withdrawn while it was held comes in the end",
    around(projections.acts, "drop_withdrawn", lambda drop_withdrawn, family, described: []),
    history=only("h11", "h12", "h13"),
)
leak(
    "a release without its mark",
    around(
        projections.acts,
        "release",
        lambda release, family, member, why, *more, **named: release(family, member, "time", *more, **named),
    ),
    history=only("h0"),
)
