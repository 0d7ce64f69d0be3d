"""Tests which roles may author which event types, from the push to the log."""

from typing import Any
from uuid import uuid4

import pytest

from events.event import Role
from events.ids import MemberId
from events.wire import BODY_BY_NAME
from service.log.log import Log
from tests.families import WALKED, Draft, Family, drafted, found, note, outcomes, push

EVERYONE = frozenset(Role)
PERSONS = frozenset({Role.PARENT, Role.CAREGIVER})
NOBODY: frozenset[Role] = frozenset()

# By type: the roles whose devices may draft it
MAY_DRAFT = {
    "MilestoneObserved": EVERYONE,
    "ParentFirstSaw": frozenset({Role.PARENT}),
    "ClipAttached": EVERYONE,
    "NoteWritten": EVERYONE,
    "Cheered": PERSONS,
    "MilestoneNamed": PERSONS,
    "SurpriseChosen": PERSONS,
    "EnvelopeOpened": PERSONS,
    "Sorted": EVERYONE,
    "Amended": EVERYONE,
    "Withdrawn": EVERYONE,
    # Written by the service alone: a draft of such a type is unreadable.
    "FamilyFounded": NOBODY,
    "HouseholdOpened": NOBODY,
    "ChildAdded": NOBODY,
    "MemberJoined": NOBODY,
    "ChildCorrected": NOBODY,
    "MemberRenamed": NOBODY,
    "HouseholdRenamed": NOBODY,
    "MemberLeft": NOBODY,
    "TimePassed": NOBODY,
    "Erased": NOBODY,
}
NO_CLIPS_YET = "event.unknown_clip"
"""The refusal of a ClipAttached that is valid otherwise, because the service accepts no clips yet."""


def good_draft(kind: str, family: Family, about: Draft) -> Draft:
    """Returns a draft of this type that is valid if its author may write the type."""
    said: dict[str, dict[str, Any]] = {
        "MilestoneObserved": {"child": family.child, "milestone": WALKED},
        "ParentFirstSaw": {"child": family.child, "milestone": WALKED, "how": "in_person"},
        "ClipAttached": {"target": about["id"], "clip": uuid4()},
        "NoteWritten": {"child": family.child, "text": "a good day"},
        "Cheered": {"about": about["id"]},
        "MilestoneNamed": {"milestone": f"own.{uuid4()}", "title": "First puddle", "domain": "life"},
        "SurpriseChosen": {"scope": "all", "mode": "keep"},
        "EnvelopeOpened": {"scope": "all"},
        "Sorted": {"target": about["id"], "child": family.child, "milestone": WALKED},
        "Amended": {"target": about["id"], "changes": {"text": "a better day"}},
        "Withdrawn": {"target": about["id"]},
        "HouseholdOpened": {"household": uuid4(), "name": "Third home"},
        "ChildAdded": {"child": uuid4(), "name": "Lea"},
        "ChildCorrected": {"child": family.child, "name": "Mia R.", "born": "2026-01-31"},
        "MemberRenamed": {"member": family.ben, "name": "Benno"},
        "HouseholdRenamed": {"household": family.home, "name": "The flat"},
        "MemberLeft": {"member": family.ben},
    }
    return drafted(kind, **said.get(kind, {}))


def by_role(family: Family) -> dict[Role, MemberId]:
    return {Role.PARENT: family.ada, Role.CAREGIVER: family.sitter, Role.DAYCARE: family.daycare}


def test_every_type_has_its_row() -> None:
    """Law 10: a new type must be added to the table in this file."""
    assert MAY_DRAFT.keys() == BODY_BY_NAME.keys()


@pytest.mark.parametrize("kind", MAY_DRAFT)
async def test_a_role_authors_what_was_agreed_and_nothing_else(log: Log, kind: str) -> None:
    """Law 10: the declaration of the type decides, and the refusal names the field."""
    family = await found(log)
    for role, member in by_role(family).items():
        own = note(family)
        await push(log, family, member, own)
        (receipt,) = await push(log, family, member, good_draft(kind, family, own))
        allowed = "recorded" if kind != "ClipAttached" else NO_CLIPS_YET
        refused = "event.role_may_not" if MAY_DRAFT[kind] else "body.invalid"
        assert outcomes([receipt]) == [allowed if role in MAY_DRAFT[kind] else refused], role
        if role not in MAY_DRAFT[kind]:
            assert receipt.problem is not None
            assert receipt.problem.at == "drafts[0].event.type"
