"""Makes a family for crash tests: devices that push and keep a ledger, and two devices of one parent that follow the feed live.

Owns the members, the devices and their actions. Does not know when the service is killed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from client.backoff import Backoff
from client.device import Device
from client.environment import World
from client.errors import ServiceUnreachable
from tests.crash.pushers import Pusher
from tests.service.conftest import Someone, found_family

PATIENCE = Backoff(first_wait_s=0.1, longest_wait_s=1.0, attempts_max=4)
"""The back-off of an app in the foreground: its waits are short, because the tests allow a device to be late by 10 s."""
WRITES_EVERY_S = 0.2


class Crew:
    """The members of one family, their pushers, and the two devices of Ben that follow the feed."""

    def __init__(self, people: list[Someone], devices: list[Device], pushers: list[Pusher], *, ending: asyncio.Event) -> None:
        self.people = people
        self.devices = devices
        self.pushers = pushers
        self.ending = ending

    @property
    def answers(self) -> int:
        """The number of pushes that were acknowledged until now."""
        return sum(len(pusher.ledger.acknowledged) for pusher in self.pushers)

    @property
    def cut_off(self) -> tuple[int, int]:
        """The number of cut pushes that were sent again and acknowledged, and the number of those that were not sent again."""
        ledgers = [pusher.ledger for pusher in self.pushers]
        again = sum(push.attempts > 1 for ledger in ledgers for push in ledger.acknowledged)
        return again, sum(len(ledger.unknown) for ledger in ledgers)

    @property
    def broken(self) -> list[str]:
        """A sentence for each broken promise of the service that a pusher noticed."""
        return [promise for pusher in self.pushers for promise in pusher.ledger.broken]

    @property
    def waits(self) -> bool:
        """Whether a draft still has to be pushed."""
        return not all(pusher.is_idle for pusher in self.pushers) or any(one.outbox.count("waiting") for one in self.devices)

    async def work(self) -> None:
        """Lets all devices push until `ending` is set, and then until no draft is left.

        The devices of Ben follow the feed until this task is cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            for pusher in self.pushers:
                tasks.create_task(pusher.run())
            for device in self.devices:
                tasks.create_task(self._write(device))
                tasks.create_task(_follow(device))

    async def _write(self, device: Device) -> None:
        child = self.people[0].said["child"]
        while not self.ending.is_set() or device.outbox.count("waiting"):
            if not self.ending.is_set():
                device.record({"type": "NoteWritten", "text": f"written on {device.identity.device}", "child": child})
            with suppress(ServiceUnreachable):
                await device.push()
            await asyncio.sleep(WRITES_EVERY_S)


async def _follow(device: Device) -> None:
    async for _ in device.live():
        pass


@asynccontextmanager
async def crew_of(url: str, folder: Path, *, seed: str) -> AsyncIterator[Crew]:
    """Founds a family of five members with six pushers, and with two devices of Ben that follow the feed and write notes."""
    async with httpx.AsyncClient(base_url=url, timeout=20) as http, AsyncExitStack() as opened:
        ada = await found_family(http)
        ben = await ada.invite("parent", name="Ben", household={"name": "Lake"})
        cleo, dan = [await ada.invite("caregiver", name=name, sees="all") for name in ("Cleo", "Dan")]
        dora = await ben.invite("daycare", name="Dora")
        devices = []
        for number in range(2):
            code = (await ben.ask("POST", "/v1/devices/pair-codes")).json()["code"]
            paired = await Device.pair(url, folder / f"ben-{number}.device", code=code, world=World(backoff=PATIENCE))
            devices.append(await opened.enter_async_context(paired))
        ending = asyncio.Event()
        pushers = [
            Pusher(
                author, url=url, child=ada.said["child"], seed=f"{seed} {number}", ending=ending, is_person=author is not dora
            )
            for number, author in enumerate((ada, ada, ben, cleo, dan, dora))
        ]
        yield Crew([ada, ben, cleo, dan, dora], devices, pushers, ending=ending)


REFUSED_READS_MAX = 40
"""The number of reads of one feed that may be refused. With the pauses between them, they take at most about 10 s."""


async def feed_of(someone: Someone, url: str) -> list[dict[str, Any]]:
    """Reads a member's whole feed, in pages. Repeats a read that is refused while Postgres recovers, like a device."""
    entries: list[dict[str, Any]] = []
    refused = 0
    async with httpx.AsyncClient(base_url=url, headers=someone.headers, timeout=20) as http:
        while True:
            after = len(entries)
            answer = await http.get(f"/v1/families/{someone.family}/feed", params={"after": after, "limit": 2_000})
            if answer.status_code == 503 and refused < REFUSED_READS_MAX:
                refused += 1
                await asyncio.sleep(0.2)
                continue
            page = answer.raise_for_status().json()
            entries += page["entries"]
            if not page["more"]:
                return entries
