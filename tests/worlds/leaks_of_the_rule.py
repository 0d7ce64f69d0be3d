"""Leaks in the rule itself, each by one kind of event: told although it is held, hinted at, or delivered wrongly at the end."""

from typing import Any

import msgspec
import pytest

import projections.fold
import projections.holds
import projections.roster
import projections.surprise_state
import projections.visibility
from events.event import Audience
from projections.fold import Folding
from projections.holds import Keeping
from projections.roster import Roster
from projections.visibility import Verdict, meant_for
from tests.worlds.histories import STEPS, TEN_STEPS, Hidden, History, Said
from tests.worlds.leaks import RICH, leak, only

SEEN = {"type": "MilestoneObserved", "child": "mia", "milestone": STEPS}


def _telling(patch: pytest.MonkeyPatch, *kinds: str) -> None:
    """Tell events of these kinds to everybody for whom they are meant, whoever waits."""
    decide = projections.visibility.decide

    def careless(case: Any, *, kind: str, author: Any, audience: Any, roster: Roster, **more: Any) -> Verdict:
        if kind in kinds:
            return Verdict(meant_for(kind, author, audience, roster))
        return decide(case, kind=kind, author=author, audience=audience, roster=roster, **more)

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
    patch.setattr(projections.surprise_state, "told_by", lambda subject: iter((subject,)))


@leak("an everyday note of a helper is told", only(RICH, wish="unsorted, too", hidden=(
    Hidden(2, Said("h0", "sam", {"type": "NoteWritten", "child": "mia", "text": "guess what"})),),
    visible=(RICH.visible[0], RICH.visible[2], RICH.visible[4])))  # fmt: skip
def _(patch: pytest.MonkeyPatch) -> None:
    case_of = vars(projections.holds)["case_of"]
    patch.setattr(
        projections.holds, "case_of", lambda *what, **more: msgspec.structs.replace(case_of(*what, **more), is_unsorted=False)
    )


def _hinting(patch: pytest.MonkeyPatch) -> None:
    hints_for, hold = projections.visibility.hints_for, Keeping.hold

    def asking(self: Keeping, member: Any, case: Any, roster: Roster) -> Any:
        self.waiting[member].asks_for_hints = True
        return hold(self, member, case, roster)

    def always(case: Any, waits: Any, roster: Roster) -> Any:
        found = [(child, projections.visibility.domain_of(milestone, roster)) for child, milestone in case.subjects]
        return hints_for(case, waits, roster) or found

    patch.setattr(projections.visibility, "hints_for", always)
    patch.setattr(Keeping, "hold", asking)


@leak("a hint for whoever wished none", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    _hinting(patch)


_HINTED: History = only(
    RICH, wish="a hint", visible=(Said("v9", "sam", SEEN), *RICH.visible), common=frozenset({"v9"}),
    hidden=(Hidden(3, Said("h0", "gran", SEEN)), Hidden(4, Said("h1", "gran", SEEN | {"milestone": TEN_STEPS}))),
)  # fmt: skip


@leak("a second hint on one day", _HINTED)
def _(patch: pytest.MonkeyPatch) -> None:
    hold = Keeping.hold

    def forgetful(self: Keeping, member: Any, case: Any, roster: Roster) -> Any:
        self.waiting[member].hinted.clear()
        return hold(self, member, case, roster)

    patch.setattr(Keeping, "hold", forgetful)


@leak("a word for one home is told in the other", only(RICH, "h9"))
def _(patch: pytest.MonkeyPatch) -> None:
    _meaning(patch, Audience.HOUSEHOLD)


@leak("a word for nobody else is told", only(RICH, "h10"))
def _(patch: pytest.MonkeyPatch) -> None:
    _meaning(patch, Audience.ME)


def _meaning(patch: pytest.MonkeyPatch, everybodys: Audience) -> None:
    meant = projections.visibility.meant_for

    def wider(kind: str, author: Any, audience: Any, roster: Roster) -> Any:
        is_private_choice = kind in ("SurpriseChosen", "EnvelopeOpened")
        return meant(kind, author, Audience.FAMILY if audience is everybodys and not is_private_choice else audience, roster)

    patch.setattr(projections.visibility, "meant_for", wider)


@leak("a daycare's key is told of everything")
def _(patch: pytest.MonkeyPatch) -> None:
    meant = projections.visibility.meant_for

    def everybody(kind: str, author: Any, audience: Any, roster: Roster) -> Any:
        found = meant(kind, author, audience, roster)
        return roster.present if audience is Audience.FAMILY and found and kind not in ("SurpriseChosen",) else found

    patch.setattr(projections.visibility, "meant_for", everybody)


@leak("a release that loses its first event")
def _(patch: pytest.MonkeyPatch) -> None:
    release = Folding.release

    def short(self: Folding, what: Any, *more: Any, **named: Any) -> None:
        release(self, msgspec.structs.replace(what, cases=what.cases[1:]), *more, **named)

    patch.setattr(Folding, "release", short)


@leak("a release that tells twice", only(RICH, "h0", "h1"))
def _(patch: pytest.MonkeyPatch) -> None:
    release = Folding.release

    def twice(self: Folding, *what: Any, **named: Any) -> None:
        release(self, *what, **named)
        release(self, *what, **named)

    patch.setattr(Folding, "release", twice)


@leak("what was withdrawn while it was held comes in the end", only(RICH, "h11", "h12", "h13"))
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keeping, "drop_withdrawn", lambda self, case: None)


@leak("a release without its mark", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    freed = Keeping.let_go

    def unmarked(self: Keeping, member: Any, why: str, *more: Any, **named: Any) -> Any:
        return tuple(msgspec.structs.replace(one, why="time") for one in freed(self, member, why, *more, **named))

    patch.setattr(Keeping, "let_go", unmarked)
