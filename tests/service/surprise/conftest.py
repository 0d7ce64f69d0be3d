"""Provides a family of two homes over HTTP for the tests of surprises."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from tests.service.conftest import Someone, found_family


class Village:
    """A family with two homes: Ada's with Sam the sitter and a daycare, and Ben's."""

    def __init__(self, ada: Someone, ben: Someone, sam: Someone, ducklings: Someone, child: str) -> None:
        self.ada, self.ben, self.sam, self.ducklings, self.child = ada, ben, sam, ducklings, child

    def saw(self, milestone: str) -> dict[str, Any]:
        return {"type": "MilestoneObserved", "child": self.child, "milestone": milestone}

    def first(self, milestone: str) -> dict[str, Any]:
        return {"type": "ParentFirstSaw", "child": self.child, "milestone": milestone, "how": "in_person"}


@pytest.fixture
async def village(http: httpx.AsyncClient) -> Village:
    ada = await found_family(http)
    child = (await ada.ask("GET", "/v1/families/{family}")).json()["children"][0]["child"]
    ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
    return Village(ada, ben, await ada.invite("caregiver", name="Sam"), await ada.invite("daycare", name="Ducklings"), child)


async def push(author: Someone, *events: dict[str, Any], audience: str | None = None) -> list[dict[str, Any]]:
    """Pushes events and returns their receipts."""
    now = datetime.now(UTC).isoformat()
    more = {} if audience is None else {"audience": audience}
    fields = {"occurred_at": now, "precision": "minute", "recorded_at": now, **more}
    drafts = [{"id": str(uuid7()), **fields, "event": event} for event in events]
    answer = await author.ask("POST", "/v1/families/{family}/events", json={"sent_at": now, "drafts": drafts})
    receipts: list[dict[str, Any]] = answer.json()["receipts"]
    assert {receipt["outcome"] for receipt in receipts} == {"recorded"}
    return receipts


async def keeps(someone: Someone, scope: str = "all", **more: Any) -> None:
    await push(someone, {"type": "SurpriseChosen", "scope": scope, "mode": "keep", **more})
