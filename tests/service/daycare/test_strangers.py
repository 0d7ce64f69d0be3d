"""Tests calls of unknown senders, with real processes: how much memory the calls use, whom they delay, and what they reveal."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.crash.serving import Serving, serving
from tests.service.conftest import Someone, found_family
from tests.service.daycare.conftest import BATCH, System, added, batch_of, note, outcomes

CALLS = 150
CALL_BYTES = 2 * 1024 * 1024
MIB = 1024 * 1024
STRANGERS_MIB = 16
TOKEN = "what-the-operator-knows"
HELD = re.compile(r'^stillnew_held_body_bytes\{budget="strangers"\} (\S+)$', re.MULTILINE)

ODD_HEADERS: dict[str, dict[str, str | None]] = {
    "no id": {"webhook-id": None},
    "an id with a space": {"webhook-id": "a b"},
    "no time": {"webhook-timestamp": None},
    "a time that is none": {"webhook-timestamp": "soon"},
    "an old time": {"webhook-timestamp": "1"},
    "no signature": {"webhook-signature": None},
    "a signature of another version": {"webhook-signature": "v1a,AAAA"},
    "a signature that is no base64": {"webhook-signature": "v1,not base64"},
    "a signature that is too short": {"webhook-signature": "v1,AAAA"},
}


@dataclass(frozen=True, kw_only=True)
class ServedService:
    """A service in a process of its own."""

    service: Serving
    http: httpx.AsyncClient

    @property
    def port(self) -> int:
        return int(self.service.url.rpartition(":")[2])

    @property
    def rss_bytes(self) -> int:
        return int(psutil.Process(self.service.pid).memory_info().rss)

    async def held_bytes(self) -> int:
        """Returns the number of bytes of unknown senders' bodies that are in the service's memory, from its metrics."""
        text = (await self.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).text
        found = HELD.search(text)
        return int(float(found[1])) if found else 0


@dataclass(frozen=True, kw_only=True)
class ServedFamily(ServedService):
    """A service, a family, and a daycare's system with a key."""

    ada: Someone
    system: System


@pytest.fixture
async def served(database_url: str, open_folder: Path) -> AsyncIterator[ServedFamily]:
    environment = {"DATABASE_URL": database_url, "STILLNEW_METRICS_TOKEN": TOKEN}
    with serving(folder=open_folder / f"strangers-{uuid4().hex[:8]}", environment=environment) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            ada = await found_family(http)
            system, _ = await added(ada)
            yield ServedFamily(service=service, http=http, ada=ada, system=system)


def signed_by_nobody() -> dict[str, str]:
    """Returns signature headers of the right form, with a wrong signature."""
    return {"webhook-id": "call", "webhook-timestamp": str(int(time.time())), "webhook-signature": f"v1,{'A' * 43}="}


class Call:
    """A call that is sent piece by piece, over a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(
        cls, served: ServedService, path: str, headers: dict[str, str], *, length: int = CALL_BYTES, address: str
    ) -> "Call":
        """Sends the headers of a call. `address` is the sender's address, which a proxy would write into X-Forwarded-For."""
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"X-Forwarded-For: {address}", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in {"Content-Type": BATCH, **headers}.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return cls(reader, writer)

    async def send(self, count: int) -> None:
        """Sends `count` more bytes, or fewer if the service closes the connection or stops reading."""
        for first in range(0, count, 64 * 1024):
            self._writer.write(b" " * min(64 * 1024, count - first))
            try:
                await asyncio.wait_for(self._writer.drain(), 5)
            except (ConnectionError, TimeoutError):
                return

    async def answer(self, *, within_s: float = 30.0) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(within_s):
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            return int(first.split(" ")[1]), headers, await self._reader.readexactly(int(headers["content-length"]))

    def close(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def trickling(
    served: ServedFamily, headers: dict[str, str], *, key_id: str, addresses: Iterable[str], count: int = CALLS
) -> AsyncIterator[list[Call]]:
    """Begins calls, and sends all bytes but the last of each."""
    path, addresses = f"/v1/daycare/events?key={key_id}", list(addresses)
    calls = [await Call.begin(served, path, headers, address=addresses[n % len(addresses)]) for n in range(count)]
    sending = asyncio.gather(*(call.send(CALL_BYTES - 1) for call in calls))
    try:
        yield calls
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        for call in calls:
            call.close()


async def highest(served: ServedFamily, *, for_s: float) -> tuple[int, int]:
    """Returns the highest memory of the service, and its most bytes of unknown senders' bodies, within `for_s` seconds."""
    rss = held = 0
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        rss, held = max(rss, served.rss_bytes), max(held, await served.held_bytes())
        await asyncio.sleep(0.05)
    return rss, held


async def test_unsigned_calls_are_refused_before_their_bodies_are_read(served: ServedFamily) -> None:
    """Law 22: of 150 unsigned calls of 2 MiB, no byte is kept. Each call gets its response before its body is complete."""
    before = served.rss_bytes
    async with trickling(served, {}, key_id=str(uuid4()), addresses=["192.0.2.1"]) as calls:
        watching = asyncio.create_task(highest(served, for_s=3))
        answers = await asyncio.gather(*(call.answer() for call in calls))
        assert {(status, json.loads(body)["code"]) for status, _, body in answers} == {(401, "daycare.signature_wrong")}
        rss, held = await watching
    assert held == 0
    assert rss - before < 40 * MIB, f"{(rss - before) / MIB:.0f} MiB more"


@pytest.mark.parametrize("whose", ["nobody's", "known"])
async def test_calls_that_look_signed_share_one_bounded_budget_and_stop_nobody(served: ServedFamily, whose: str) -> None:
    """Law 22: calls with a wrong signature share one memory budget, from 150 addresses, for a known key and an unknown one."""
    assert (await served.system.batch(note("Slept well"))).status_code == 200
    key_id = served.system.key_id if whose == "known" else str(uuid4())
    before = served.rss_bytes
    addresses = [f"198.51.100.{number}" for number in range(CALLS)]
    async with trickling(served, signed_by_nobody(), key_id=key_id, addresses=addresses):
        watching = asyncio.create_task(highest(served, for_s=4))
        await asyncio.sleep(1)
        long = await served.system.batch(*[note("x" * 9_000) for _ in range(200)])
        assert outcomes(long.json()["receipts"]) == ["waiting"] * 200
        assert (await served.system.batch(note("Slept on"))).status_code == 200
        assert (await found_family(served.http)).family
        rss, held = await watching
        # A new daycare's call waits at most until the slow calls time out.
        other, _ = await added(served.ada, "Goslings")
        assert await posted_from(served, other, "203.0.113.9", within_s=15)
    assert 2 * MIB < held <= STRANGERS_MIB * MIB
    assert rss - before < 80 * MIB, f"{(rss - before) / MIB:.0f} MiB more"


async def posted_from(served: ServedFamily, system: System, address: str, *, within_s: float) -> bool:
    """Posts a long call again and again until the response is not 503, and returns whether the call was accepted."""
    body = batch_of([note("y" * 9_000) for _ in range(200)])
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        headers = {"content-type": BATCH, "x-forwarded-for": address, **system.signed(body)}
        answer = await system.call("events", body, headers)
        if answer.status_code == 200:
            return True
        assert (answer.status_code, answer.json()["code"]) == (503, "body.no_room"), answer.text
        await asyncio.sleep(int(answer.headers["retry-after"]))
    return False


async def test_one_address_holds_a_part_and_others_have_the_rest(served: ServedFamily) -> None:
    """Law 22: one address uses at most a quarter of the memory budget, so a call from another address is accepted at once."""
    other, _ = await added(served.ada, "Goslings")
    async with trickling(served, signed_by_nobody(), key_id=str(uuid4()), addresses=["198.51.100.1"], count=40):
        await asyncio.sleep(1)
        assert await served.held_bytes() <= STRANGERS_MIB * MIB // 4
        assert await posted_from(served, other, "203.0.113.9", within_s=0.1)


@pytest.mark.parametrize("odd", ODD_HEADERS.values(), ids=ODD_HEADERS.keys())
async def test_wrong_headers_are_refused_at_once_for_every_key(
    served: ServedFamily, odd: dict[str, str | None]
) -> None:
    """A call with a wrong header is refused before its body arrives, in the same bytes for a known and an unknown key."""
    headers = {name: value for name, value in {**signed_by_nobody(), **odd}.items() if value is not None}
    answers = []
    for key_id in (served.system.key_id, str(uuid4())):
        call = await Call.begin(served, f"/v1/daycare/events?key={key_id}", headers, address="192.0.2.2")
        answers.append(await call.answer(within_s=5))
        call.close()
    assert [status for status, _, _ in answers] == [401, 401]
    assert answers[0][2] == answers[1][2]


async def test_the_time_of_a_response_does_not_reveal_whether_a_key_exists(served: ServedFamily) -> None:
    """A call of the right form is read to its end, and then gets a refusal that is the same for a known and an unknown key."""
    answers = []
    for key_id in (served.system.key_id, str(uuid4())):
        call = await Call.begin(served, f"/v1/daycare/events?key={key_id}", signed_by_nobody(), address="192.0.2.3")
        await call.send(CALL_BYTES - 1)
        with pytest.raises(TimeoutError):
            await call.answer(within_s=0.5)
        await call.send(1)
        answers.append(await call.answer())
        call.close()
    assert [status for status, _, _ in answers] == [401, 401]
    assert answers[0][2] == answers[1][2]


async def test_an_address_above_its_limit_is_refused_before_its_bodies_are_read(database_url: str, open_folder: Path) -> None:
    """Law 17: calls of the right form with a wrong signature count against their address.

    Calls with a valid signature count against their key.
    """
    environment = {"DATABASE_URL": database_url, "STILLNEW_METRICS_TOKEN": TOKEN, "STILLNEW_LIMIT_STRANGERS": "0.5"}
    with serving(folder=open_folder / f"strangers-{uuid4().hex[:8]}", environment=environment) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            ada = await found_family(http)
            system, _ = await added(ada)
            served = ServedFamily(service=service, http=http, ada=ada, system=system)
            path = f"/v1/daycare/events?key={system.key_id}"
            calls = [await Call.begin(served, path, signed_by_nobody(), address="198.51.100.1") for _ in range(5)]
            await calls[0].send(64 * 1024)
            for number in range(4):
                over = await Call.begin(served, path, signed_by_nobody(), address="198.51.100.1")
                status, headers, body = await over.answer(within_s=5)
                assert (status, json.loads(body)["code"]) == (429, "too_many_requests"), number
                assert int(headers["retry-after"]) >= 1
                over.close()
            for _ in range(12):  # from another address, and more calls than the limit for unknown senders
                assert (await system.batch(note("Slept well"))).status_code == 200
            for call in calls:
                call.close()


@pytest.mark.parametrize("path", ["/v1/families", "/v1/invites/accept", "/v1/daycares", "/v1/devices/pair"])
async def test_other_bodies_that_come_before_anybody_is_known_are_in_the_same_budget(served: ServedFamily, path: str) -> None:
    """Law 22: many small bodies of one address use at most a quarter of the budget. Its further calls get 503."""
    headers, length = {"Content-Type": "application/json"}, 64 * 1024
    calls = [await Call.begin(served, path, headers, length=length, address="198.51.100.1") for _ in range(100)]
    await asyncio.gather(*(call.send(length // 2) for call in calls))
    await asyncio.gather(*(call.send(length // 2 - 1) for call in calls))
    await asyncio.sleep(0.5)
    assert MIB < await served.held_bytes() <= STRANGERS_MIB * MIB // 4
    refused = [call.answer(within_s=0.5) for call in calls]
    found = [one for one in await asyncio.gather(*refused, return_exceptions=True) if not isinstance(one, BaseException)]
    assert found
    assert {(status, headers["retry-after"], json.loads(body)["code"]) for status, headers, body in found} == {
        (503, "1", "body.no_room")
    }
    for call in calls:
        call.close()
    assert (await found_family(served.http)).family
