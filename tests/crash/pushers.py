"""Devices that push without pause, and keep a ledger of their own: what was offered, and what was acknowledged.

Owns the ledger and the comparison of receipts. Knows the protocol alone, so that what it believes is not what `client`
believes.
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
NOBODY = UUID(int=7)
WISHES: tuple[dict[str, Any], ...] = (
    {"type": "SurpriseChosen", "scope": "all", "mode": "keep", "hold_unsorted": True},
    {"type": "SurpriseChosen", "scope": "all", "mode": "tell"},
    {"type": "SurpriseChosen", "scope": "domain:talking", "mode": "keep"},
    {"type": "EnvelopeOpened", "scope": "all"},
    {"type": "EnvelopeOpened", "scope": "domain:movement"},
)
MILESTONES = ("movement.first-steps", "movement.crawls", "talking.first-word")


@dataclass
class Push:
    """One request: its very bytes, and what became of it."""

    body: bytes
    drafts: list[dict[str, Any]]
    acceptable: set[str]
    """The ids of the drafts that the log takes; the others name a child of nobody's."""
    attempts: int = 0
    receipts: list[dict[str, Any]] | None = None


@dataclass
class Ledger:
    """All pushes of one device."""

    acknowledged: list[Push] = field(default_factory=list)
    unknown: list[Push] = field(default_factory=list)
    """Cut off, and not sent again: they are in the log whole, or not at all."""
    broken: list[str] = field(default_factory=list)
    """Promises that were broken, in words."""

    def places(self) -> dict[str, int]:
        """The place of each acknowledged event in its author's feed."""
        return {
            receipt["id"]: receipt["place"]
            for push in self.acknowledged
            for receipt in push.receipts or ()
            if receipt["outcome"] != "refused"
        }


class Pusher:
    """One device of a member. It stops after `ending` is set, once its last push has been answered."""

    def __init__(
        self, someone: Someone, *, url: str, child: str, seed: str, ending: asyncio.Event, is_person: bool = True
    ) -> None:
        """Persons keep surprises too, and change their minds: releases are cut off like everything else."""
        self.someone = someone
        self._is_person = is_person
        self.ledger = Ledger()
        self.is_idle = False
        self._dice = random.Random(seed)
        self._url = url
        self._child = child
        self._ending = ending
        self._count = 0
        self._told: list[str] = []

    async def run(self) -> None:
        async with self._client() as http:
            while not self._ending.is_set():
                acknowledged = self.ledger.acknowledged
                if acknowledged and self._dice.random() < 0.1:
                    await self._repeat(http, self._dice.choice(acknowledged[-20:]))
                elif acknowledged and self._dice.random() < 0.05:
                    await self._misuse(http, self._dice.choice(acknowledged))
                else:
                    await self._offer(http, self.new_push())
                await asyncio.sleep(self._dice.random() * 0.02)
        self.is_idle = True

    async def offer_unknown_again(self) -> None:
        """Send what was cut off and left alone; from now on it is acknowledged."""
        async with self._client() as http:
            while self.ledger.unknown:
                await self._offer(http, self.ledger.unknown.pop(), is_patient=True)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._url, headers=self.someone.headers, timeout=ANSWER_S_MAX, verify=trusted_certificates()
        )

    def new_push(self) -> Push:
        drafts, acceptable = [], set()
        for _ in range(self._dice.choice((1, 1, 2, 3, 8, 30))):
            draft = self._draft()
            if draft["event"].get("child") != str(NOBODY):
                acceptable.add(draft["id"])
            drafts.append(draft)
        body = msgspec.json.encode({"sent_at": datetime.now(UTC), "drafts": drafts})
        return Push(body=body, drafts=drafts, acceptable=acceptable)

    def _draft(self) -> dict[str, Any]:
        self._count += 1
        child = self._child if self._dice.random() < 0.95 else str(NOBODY)
        event: dict[str, Any] = {"type": "NoteWritten", "child": child, "text": f"note {self._count} of {self.someone.device}"}
        roll = self._dice.random()
        if roll < 0.2:
            event = {"type": "MilestoneObserved", "child": child, "milestone": self._dice.choice(MILESTONES)}
        elif roll < 0.3 and self._told:
            event = {"type": "Withdrawn", "target": self._told.pop()}
        elif roll < 0.36 and self._is_person:
            event = self._dice.choice(WISHES)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        draft = {"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}
        if event["type"] == "NoteWritten" and self._dice.random() < 0.3:
            draft["audience"] = self._dice.choice(("me", "household"))
        return draft

    async def _offer(self, http: httpx.AsyncClient, push: Push, *, is_patient: bool = False) -> None:
        """Send until it is answered; unless patient, give some up after the first failure, and leave them unknown."""
        while True:
            push.attempts += 1
            said = await self._send(http, push.body)
            if said is not None:
                break
            if not is_patient and push.attempts == 1 and self._dice.random() < 0.15:
                self.ledger.unknown.append(push)
                return
            await asyncio.sleep(AGAIN_AFTER_S)
        self._check(push, said)
        push.receipts = [settled(receipt) for receipt in said]
        self.ledger.acknowledged.append(push)
        self._told += [
            draft["id"] for draft in push.drafts if draft["id"] in push.acceptable and draft["event"]["type"] == "NoteWritten"
        ]

    def _check(self, push: Push, said: list[dict[str, Any]]) -> None:
        if [receipt["id"] for receipt in said] != [draft["id"] for draft in push.drafts]:
            self.ledger.broken.append("Law 2: receipts are not the drafts', in their order")
        taken = {receipt["id"] for receipt in said if receipt["outcome"] != "refused"}
        if taken != push.acceptable:
            self.ledger.broken.append(f"{len(push.acceptable)} drafts are acceptable, and {len(taken)} were accepted: {said}")
        outcomes = {receipt["outcome"] for receipt in said} - {"refused"}
        if len(outcomes) > 1:
            self.ledger.broken.append("I-04: a part of a push that was cut off was in the log")
        if push.attempts == 1 and "already_recorded" in outcomes:
            self.ledger.broken.append("Law 2: what was never sent was recorded already")

    async def _repeat(self, http: httpx.AsyncClient, push: Push) -> None:
        said = await self._send(http, push.body)
        if said is None:
            return
        if [settled(receipt) for receipt in said] != push.receipts:
            self.ledger.broken.append(f"Law 2: {push.receipts} became {said}")
        if any(receipt["outcome"] == "recorded" for receipt in said):
            self.ledger.broken.append("Law 1: an acknowledged draft was not in the log, and was recorded anew")

    async def _misuse(self, http: httpx.AsyncClient, push: Push) -> None:
        """Send other content under an id that is in use."""
        taken = [draft for draft in push.drafts if draft["id"] in push.acceptable]
        if not taken:
            return
        other = {**taken[0], "event": {"type": "NoteWritten", "child": self._child, "text": "something else altogether"}}
        said = await self._send(http, msgspec.json.encode({"sent_at": datetime.now(UTC), "drafts": [other]}))
        if said is not None and said[0].get("problem", {}).get("code") != "event.id_reused":
            self.ledger.broken.append(f"Law 2: other content under an id in use was answered by {said}")

    async def _send(self, http: httpx.AsyncClient, body: bytes) -> list[dict[str, Any]] | None:
        """The receipts, or None where nobody knows what became of it."""
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
    """A receipt as it stays for ever: only the word for the first time differs from that for every later one.

    Who waits for what it tells is asked anew each time, since people change their minds.
    """
    kept = {name: value for name, value in receipt.items() if name != "keep_quiet"}
    return {**kept, "outcome": "recorded"} if receipt["outcome"] == "already_recorded" else kept
