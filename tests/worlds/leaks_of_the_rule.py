"""Leaks in the rule itself, each by one kind of event: told although it is held, hinted at, or delivered wrongly at the end."""

from typing import Any

import msgspec
import pytest

import projections.acts
import projections.family
import projections.fold
import projections.visibility
from events.event import Audience
from projections.family import Family
from projections.roster import Roster
from projections.visibility import Verdict, readers_of
from tests.worlds.histories import STEPS, TEN_STEPS, Hidden, History, Said
from tests.worlds.leaks import RICH, leak, only

SEEN = {"type": "MilestoneObserved", "child": "mia", "milestone": STEPS}


def _telling(patch: pytest.MonkeyPatch, *kinds: str) -> None:
    """Tell events of these kinds to everybody for whom they are meant, whoever waits."""
    decide = projections.visibility.decide

    def careless(described: Any, *, kind: str, author: Any, audience: Any, roster: Roster, **more: Any) -> Verdict:
        if kind in kinds:
            return Verdict(readers_of(kind, author, audience, roster))
        return decide(described, kind=kind, author=author, audience=audience, roster=roster, **more)

    patch.setattr(projections.visibility, "decide", careless)


@leak("a held observation is told", only(RICH, "h11"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "MilestoneObserved")


@leak("a cheer for what is held is told", only(RICH, "h0", "h1"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "Cheered")


@leak("a note about what is held is told", only(RICH, "h0", "h2"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "NoteWritten")


@leak("an amendment of what is held is told", only(RICH, "h0", "h3"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "Amended")


@leak("an amendment that brings to what is held is told", only(RICH, "h7"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "Amended")


@leak("the withdrawal of what is held is told", only(RICH, "h11", "h12", "h13"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "Withdrawn")


@leak("another parent's first is told", only(RICH, "h0", "h4"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "ParentFirstSaw")


@leak("the name of a held milestone is told", only(RICH, "h5"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "MilestoneNamed")


@leak("what a note is about is told", only(RICH, "h8"))
def _(patch: pytest.MonkeyPatch) -> None:
    _telling(patch, "Sorted")


@leak("what implies a kept milestone is told",
      only(RICH, wish="one milestone", hidden=(Hidden(3, Said("h0", "sam", SEEN | {"milestone": TEN_STEPS})),)))  # fmt: skip
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(projections.visibility, "implied_by", lambda subject: iter((subject,)))


@leak("an everyday note of a helper is told", only(RICH, wish="unsorted, too", hidden=(
    Hidden(2, Said("h0", "sam", {"type": "NoteWritten", "child": "mia", "text": "guess what"})),),
    visible=(RICH.visible[0], RICH.visible[2], RICH.visible[4])))  # fmt: skip
def _(patch: pytest.MonkeyPatch) -> None:
    describe = vars(projections.family)["describe"]

    def never_everyday(*what: Any, **more: Any) -> Any:
        described = describe(*what, **more)
        return msgspec.structs.replace(described, content=msgspec.structs.replace(described.content, is_everyday=False))

    patch.setattr(projections.family, "describe", never_everyday)


def _hinting(patch: pytest.MonkeyPatch) -> None:
    hints_for, hold = projections.visibility.hints_for, vars(projections.fold)["hold"]

    def asking(family: Family, member: Any, *more: Any) -> Any:
        state = family.surprises[member]
        state.wishes = msgspec.structs.replace(state.wishes, asks_for_hints=True)
        return hold(family, member, *more)

    def always(described: Any, state: Any, roster: Roster) -> Any:
        found = [(child, roster.domain_of(milestone)) for child, milestone in described.content.subjects]
        return hints_for(described, state, roster) or found

    patch.setattr(projections.visibility, "hints_for", always)
    patch.setattr(projections.fold, "hold", asking)


@leak("a hint for whoever wished none", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    _hinting(patch)


_HINTED: History = only(
    RICH, wish="a hint", visible=(Said("v9", "sam", SEEN), *RICH.visible), common=frozenset({"v9"}),
    hidden=(Hidden(3, Said("h0", "gran", SEEN)), Hidden(4, Said("h1", "gran", SEEN | {"milestone": TEN_STEPS}))),
)  # fmt: skip


@leak("a second hint on one day", _HINTED)
def _(patch: pytest.MonkeyPatch) -> None:
    hold = vars(projections.fold)["hold"]

    def forgetful(family: Family, member: Any, *more: Any) -> Any:
        family.surprises[member].hinted.clear()
        return hold(family, member, *more)

    patch.setattr(projections.fold, "hold", forgetful)


@leak("a word for one home is told in the other", only(RICH, "h9"))
def _(patch: pytest.MonkeyPatch) -> None:
    _meaning(patch, Audience.HOUSEHOLD)


@leak("a word for nobody else is told", only(RICH, "h10"))
def _(patch: pytest.MonkeyPatch) -> None:
    _meaning(patch, Audience.ME)


def _meaning(patch: pytest.MonkeyPatch, everybodys: Audience) -> None:
    meant = projections.visibility.readers_of

    def wider(kind: str, author: Any, audience: Any, roster: Roster) -> Any:
        is_private_choice = kind in ("SurpriseChosen", "EnvelopeOpened")
        return meant(kind, author, Audience.FAMILY if audience is everybodys and not is_private_choice else audience, roster)

    patch.setattr(projections.visibility, "readers_of", wider)


@leak("a daycare's key is told of everything")
def _(patch: pytest.MonkeyPatch) -> None:
    meant = projections.visibility.readers_of

    def everybody(kind: str, author: Any, audience: Any, roster: Roster) -> Any:
        found = meant(kind, author, audience, roster)
        return roster.present if audience is Audience.FAMILY and found and kind not in ("SurpriseChosen",) else found

    patch.setattr(projections.visibility, "readers_of", everybody)


@leak("a release that loses its first event")
def _(patch: pytest.MonkeyPatch) -> None:
    act = vars(projections.fold)["act"]

    def short(*what: Any) -> Any:
        found = [msgspec.structs.replace(freed, events=freed.events[1:]) for freed in act(*what)]
        return [freed for freed in found if freed.events]

    patch.setattr(projections.fold, "act", short)


@leak("a release that tells twice", only(RICH, "h0", "h1"))
def _(patch: pytest.MonkeyPatch) -> None:
    act = vars(projections.fold)["act"]
    patch.setattr(projections.fold, "act", lambda *what: [one for freed in act(*what) for one in (freed, freed)])


@leak("what was withdrawn while it was held comes in the end", only(RICH, "h11", "h12", "h13"))
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(projections.acts, "drop_withdrawn", lambda family, described: [])


@leak("a release without its mark", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    release = projections.acts.release

    def unmarked(family: Family, member: Any, why: str, *more: Any, **named: Any) -> Any:
        return release(family, member, "time", *more, **named)

    patch.setattr(projections.acts, "release", unmarked)
