"""Runs simulated devices that push without a pause, and keep a ledger of their pushes and receipts.

Owns the ledger and the comparison of receipts. Knows only the protocol and does not import `client`: a mistake in `client` must
not hide a mistake of the service.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
from uuid_utils.compat import uuid7

from client.environment import trusted_certificates
from tests.service.conftest import Someone

ANSWER_S_MAX = 15.0
AGAIN_AFTER_S = 0.05
NO_CHILD = UUID(int=7)
SURPRISE_EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "SurpriseChosen", "scope": "all", "mode": "keep", "hold_unsorted": True},
    {"type": "SurpriseChosen", "scope": "all", "mode": "tell"},
    {"type": "SurpriseChosen", "scope": "domain:talking", "mode": "keep"},
    {"type": "EnvelopeOpened", "scope": "all"},
    {"type": "EnvelopeOpened", "scope": "domain:movement"},
)
MILESTONES = ("movement.first-steps", "movement.crawls", "talking.first-word")


@dataclass
class Push:
    """One push: the bytes of its body, its drafts and its receipts."""

    body: bytes
    drafts: list[dict[str, Any]]
    acceptable: set[str]
    """The ids of the drafts that the log accepts. All other drafts of the push name a child that does not exist."""
    attempts: int = 0
    receipts: list[dict[str, Any]] | None = None


@dataclass
class Ledger:
    """The pushes of one device, acknowledged or unknown, and the promises that the service broke."""

    acknowledged: list[Push] = field(default_factory=list)
    unknown: list[Push] = field(default_factory=list)
    """Pushes that were cut off and not sent again. The log has all drafts of such a push, or none."""
    broken: list[str] = field(default_factory=list)
    """A sentence for each broken promise of the service."""

    def places(self) -> dict[str, int]:
        """Returns the place of each acknowledged event in its author's feed, by the event's id."""
        return {
            receipt["id"]: receipt["place"]
            for push in self.acknowledged
            for receipt in push.receipts or ()
            if receipt["outcome"] != "refused"
        }


class Pusher:
    """One simulated device of a member. After `ending` is set, the device stops as soon as its last push has a response."""

    def __init__(
        self, someone: Someone, *, url: str, child: str, seed: str, ending: asyncio.Event, is_person: bool = True
    ) -> None:
        """Prepares the device. With `is_person`, the device also pushes choices and openings, so that pushes release events."""
        self.someone = someone
        self._is_person = is_person
        self.ledger = Ledger()
        self.is_idle = False
        self._random = random.Random(seed)
        self._url = url
        self._child = child
        self._ending = ending
        self._count = 0
        self._withdrawable: list[str] = []

    async def run(self) -> None:
        async with self._client() as http:
            while not self._ending.is_set():
                acknowledged = self.ledger.acknowledged
                if acknowledged and self._random.random() < 0.1:
                    await self._repeat(http, self._random.choice(acknowledged[-20:]))
                elif acknowledged and self._random.random() < 0.05:
                    await self._misuse(http, self._random.choice(acknowledged))
                else:
                    await self._push(http, self.new_push())
                await asyncio.sleep(self._random.random() * 0.02)
        self.is_idle = True

    async def push_unknown_again(self) -> None:
        """Sends each push without a response again, until there is a response. The push is then acknowledged."""
        async with self._client() as http:
            while self.ledger.unknown:
                await self._push(http, self.ledger.unknown.pop(), is_patient=True)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._url, headers=self.someone.headers, timeout=ANSWER_S_MAX, verify=trusted_certificates()
        )

    def new_push(self) -> Push:
        drafts, acceptable = [], set()
        for _ in range(self._random.choice((1, 1, 2, 3, 8, 30))):
            draft = self._draft()
            if draft["event"].get("child") != str(NO_CHILD):
                acceptable.add(draft["id"])
            drafts.append(draft)
        body = msgspec.json.encode({"sent_at": datetime.now(UTC), "drafts": drafts})
        return Push(body=body, drafts=drafts, acceptable=acceptable)

    def _draft(self) -> dict[str, Any]:
        self._count += 1
        child = self._child if self._random.random() < 0.95 else str(NO_CHILD)
        event: dict[str, Any] = {"type": "NoteWritten", "child": child, "text": f"note {self._count} of {self.someone.device}"}
        roll = self._random.random()
        if roll < 0.2:
            event = {"type": "MilestoneObserved", "child": child, "milestone": self._random.choice(MILESTONES)}
        elif roll < 0.3 and self._withdrawable:
            event = {"type": "Withdrawn", "target": self._withdrawable.pop()}
        elif roll < 0.36 and self._is_person:
            event = self._random.choice(SURPRISE_EVENTS)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        draft = {"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}
        if event["type"] == "NoteWritten" and self._random.random() < 0.3:
            draft["audience"] = self._random.choice(("me", "household"))
        return draft

    async def _push(self, http: httpx.AsyncClient, push: Push, *, is_patient: bool = False) -> None:
        """Sends a push until it has a response. Unless `is_patient`, some pushes are sent only once and stay unknown."""
        while True:
            push.attempts += 1
            receipts = await self._send(http, push.body)
            if receipts is not None:
                break
            if not is_patient and push.attempts == 1 and self._random.random() < 0.15:
                self.ledger.unknown.append(push)
                return
            await asyncio.sleep(AGAIN_AFTER_S)
        self._check(push, receipts)
        push.receipts = [settled(receipt) for receipt in receipts]
        self.ledger.acknowledged.append(push)
        self._withdrawable += [
            draft["id"] for draft in push.drafts if draft["id"] in push.acceptable and draft["event"]["type"] == "NoteWritten"
        ]

    def _check(self, push: Push, receipts: list[dict[str, Any]]) -> None:
        if [receipt["id"] for receipt in receipts] != [draft["id"] for draft in push.drafts]:
            self.ledger.broken.append("Law 2: the receipts are not in the order of the drafts")
        taken = {receipt["id"] for receipt in receipts if receipt["outcome"] != "refused"}
        if taken != push.acceptable:
            self.ledger.broken.append(f"{len(push.acceptable)} drafts are acceptable, {len(taken)} were accepted: {receipts}")
        outcomes = {receipt["outcome"] for receipt in receipts} - {"refused"}
        if len(outcomes) > 1:
            self.ledger.broken.append("I-04: a part of a push that was cut off was in the log")
        if push.attempts == 1 and "already_recorded" in outcomes:
            self.ledger.broken.append("Law 2: a draft was already recorded before it was sent")

    async def _repeat(self, http: httpx.AsyncClient, push: Push) -> None:
        receipts = await self._send(http, push.body)
        if receipts is None:
            return
        if [settled(receipt) for receipt in receipts] != push.receipts:
            self.ledger.broken.append(f"Law 2: {push.receipts} became {receipts}")
        if any(receipt["outcome"] == "recorded" for receipt in receipts):
            self.ledger.broken.append("Law 1: an acknowledged draft was not in the log, and was recorded anew")

    async def _misuse(self, http: httpx.AsyncClient, push: Push) -> None:
        """Sends other content with an id that is in use, and checks the refusal."""
        taken = [draft for draft in push.drafts if draft["id"] in push.acceptable]
        if not taken:
            return
        other = {**taken[0], "event": {"type": "NoteWritten", "child": self._child, "text": "something else altogether"}}
        receipts = await self._send(http, msgspec.json.encode({"sent_at": datetime.now(UTC), "drafts": [other]}))
        if receipts is not None and receipts[0].get("problem", {}).get("code") != "event.id_reused":
            self.ledger.broken.append(f"Law 2: other content under an id in use was answered by {receipts}")

    async def _send(self, http: httpx.AsyncClient, body: bytes) -> list[dict[str, Any]] | None:
        """Sends a push once. Returns the receipts, or None if it is unknown whether the push was recorded."""
        try:
            answer = await http.post(
                f"/v1/families/{self.someone.family}/events", content=body, headers={"Content-Type": "application/json"}
            )
        except httpx.TransportError:
            return None
        if answer.status_code == 503:
            return None
        if answer.status_code != 200:
            self.ledger.broken.append(f"I-32: a push was answered by {answer.status_code} {answer.text}")
            return None
        receipts: list[dict[str, Any]] = answer.json()["receipts"]
        return receipts


def settled(receipt: dict[str, Any]) -> dict[str, Any]:
    """Returns a receipt without the fields that may differ when the draft is sent again.

    `already_recorded` becomes `recorded`. `keep_quiet` is left out, because it depends on choices, which change.
    """
    kept = {name: value for name, value in receipt.items() if name != "keep_quiet"}
    return {**kept, "outcome": "recorded"} if receipt["outcome"] == "already_recorded" else kept
