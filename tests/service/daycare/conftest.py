"""Provides a daycare's system that posts over HTTP, made with independent packages for CloudEvents and signatures."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent
from standardwebhooks import Webhook

from tests.service.conftest import Someone, Village

SOURCE = "https://ducklings.example/rooms/2"
BATCH = "application/cloudevents-batch+json"


class System:
    """The software of a daycare, with the id and the secret of its key."""

    def __init__(self, http: httpx.AsyncClient, key_id: str, secret: str, *, member: str = "") -> None:
        self.http, self.key_id, self.secret, self.member = http, key_id, secret, member

    def signed(
        self, body: bytes, *, id: str | None = None, at: datetime | None = None, secret: str | None = None
    ) -> dict[str, str]:
        """Returns the headers of a signed call."""
        id, at = id or f"call-{uuid4()}", at or datetime.now(UTC)
        signature = Webhook(secret or self.secret).sign(msg_id=id, timestamp=at, data=body.decode())
        return {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}

    async def call(self, path: str, body: bytes, headers: dict[str, str], *, key: str | None = None) -> httpx.Response:
        return await self.http.post(f"/v1/daycare/{path}?key={key or self.key_id}", content=body, headers=headers)

    async def post(self, *events: CloudEvent) -> list[dict[str, Any]]:
        """Posts events in one call, and returns their receipts."""
        response = await self.batch(*events)
        assert response.status_code == 200, response.text
        receipts: list[dict[str, Any]] = response.json()["receipts"]
        return receipts

    async def batch(self, *events: CloudEvent, **more: Any) -> httpx.Response:
        body = batch_of(events)
        return await self.call("events", body, {"content-type": BATCH} | self.signed(body, **more))

    async def ask(self, path: str, request: dict[str, Any]) -> httpx.Response:
        body = json.dumps(request).encode()
        return await self.call(path, body, {"content-type": "application/json"} | self.signed(body))


def batch_of(events: Sequence[CloudEvent]) -> bytes:
    return b"[" + b",".join(structured(event)[1] for event in events) + b"]"


def structured(event: CloudEvent) -> tuple[dict[str, str], bytes]:
    headers, body = to_structured(event)
    return dict(headers), bytes(body)


def binary(event: CloudEvent) -> tuple[dict[str, str], bytes]:
    headers, body = to_binary(event)
    return dict(headers) | {"content-type": "application/json"}, bytes(body)


def event(kind: str, data: dict[str, Any], *, subject: str = "kid-17", **attributes: Any) -> CloudEvent:
    """Returns a CloudEvent, made with the official package."""
    given = {"type": f"org.stillnew.{kind}.v1", "source": SOURCE, "subject": subject, "id": str(uuid4())} | attributes
    return CloudEvent(given, data)


def note(text: str, **more: Any) -> CloudEvent:
    return event("NoteWritten", {"text": text}, **more)


def observed(milestone: str, **more: Any) -> CloudEvent:
    return event("MilestoneObserved", {"milestone": milestone}, **more)


def outcomes(receipts: Sequence[dict[str, Any]]) -> list[str]:
    return [receipt["problem"]["code"] if "problem" in receipt else receipt["outcome"] for receipt in receipts]


async def added(parent: Someone, name: str = "Ducklings") -> tuple[System, str]:
    """Adds a daycare to one family, and returns the daycare's system and its member."""
    response = await parent.ask("POST", "/v1/families/{family}/daycares", json={"name": name})
    assert response.status_code == 201, response.text
    body = response.json()
    return System(parent.http, body["key_id"], body["secret"], member=body["member"]), body["member"]


async def link(parent: Someone, member: str, child: str | None, *, reference: str = "kid-17") -> httpx.Response:
    path = f"/v1/families/{{family}}/daycares/{member}/children"
    return await parent.ask("PUT", path, json={"reference": reference, "child": child})


async def events_by(reader: Someone, author: str) -> list[dict[str, Any]]:
    """Returns the bodies of one author's events in a reader's feed, in order."""
    page = (await reader.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    return [entry["event"]["event"] for entry in page["entries"] if entry["event"].get("author") == author]


@pytest.fixture
async def ducklings(village: Village) -> System:
    """Returns a daycare's system in which the reference kid-17 is linked to the child of `village`."""
    system, member = await added(village.ada)
    assert (await link(village.ada, member, village.child)).status_code == 204
    return system
