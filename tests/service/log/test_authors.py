"""Tests which roles may author which event types, from the push to the log."""

from uuid import uuid4

import asyncpg
import pytest

from events.event import Role
from events.ids import MemberId
from events.wire import BODY_BY_NAME
from service.log.log import Log
from tests.clean_clips import add_clean_clip
from tests.events.events_page import AGREED, DEVICE_TYPES
from tests.families import Family, found, outcomes, push
from tests.good_drafts import drafts_of

# Type -> the roles whose devices may draft it, as the page lists them. A draft of a type that the service writes cannot be read.
MAY_DRAFT: dict[str, set[str]] = {kind: agreed.authors if kind in DEVICE_TYPES else set() for kind, agreed in AGREED.items()}


def by_role(family: Family) -> dict[Role, MemberId]:
    return {Role.PARENT: family.ada, Role.CAREGIVER: family.sitter, Role.DAYCARE: family.daycare}


def test_every_type_has_its_row() -> None:
    """Law 10: docs/events.md lists the authors of every type."""
    assert MAY_DRAFT.keys() == BODY_BY_NAME.keys()


@pytest.mark.parametrize("kind", MAY_DRAFT)
async def test_a_role_authors_what_was_agreed_and_nothing_else(log: Log, pool: asyncpg.Pool, kind: str) -> None:
    """Law 10: each role can push the types that list it as an author. Other types are refused, with the field `type`."""
    family = await found(log)
    for role, member in by_role(family).items():
        drafts = drafts_of(kind, family)
        if kind == "ClipAttached":
            await add_clean_clip(pool, family.family, member, clip := uuid4())
            drafts[-1]["event"]["clip"] = str(clip)
        *_, receipt = await push(log, family, member, *drafts)
        refused = "event.role_may_not" if MAY_DRAFT[kind] else "body.invalid"
        assert outcomes([receipt]) == ["recorded" if role in MAY_DRAFT[kind] else refused], role
        if role not in MAY_DRAFT[kind]:
            assert receipt.problem is not None
            assert receipt.problem.at == f"drafts[{len(drafts) - 1}].event.type"
