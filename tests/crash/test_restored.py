"""Tests a restored backup whose feeds grow beyond the devices' places. The devices notice, and push the lost events again.

Uses real processes, and copies whole data directories, as docs/operate.md describes. The operator does not run `new-log` after a
restore.
"""

import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import pytest

from client.backoff import Backoff
from client.device import Device
from client.environment import World
from tests.crash.serving import Serving, serving_with_own_postgres

WORLD = World(backoff=Backoff(first_wait_s=0.05, longest_wait_s=0.5))


class Household:
    """A service on its own data directory, a backup of that directory, and the devices of a family."""

    def __init__(self, service: Serving, data: Path, folder: Path, opened: AsyncExitStack) -> None:
        self.service = service
        self._data = data
        self._backup = data.with_name(f"{data.name}-backup")
        self._folder = folder
        self._opened = opened
        self.devices: dict[str, Device] = {}
        self.written: list[str] = []

    async def begin(self) -> None:
        """Founds a family with Ada and Ben, in two homes."""
        url = self.service.url
        ada = await Device.found(url, self._folder / "ada", you="Ada", household="Hill", child="Mia", world=WORLD)
        self.devices["ada"] = await self._opened.enter_async_context(ada)
        code = (await ada.invite(role="parent", household={"name": "Lake"}))["code"]
        ben = await Device.accept(url, self._folder / "ben", code=code, name="Ben", world=WORLD)
        self.devices["ben"] = await self._opened.enter_async_context(ben)

    async def pair(self, name: str, *, of: str) -> None:
        """Pairs another device, called `name`, of the member whose device is `of`."""
        code = (await self.devices[of].pair_code())["code"]
        paired = await Device.pair(self.service.url, self._folder / name, code=code, world=WORLD)
        self.devices[name] = await self._opened.enter_async_context(paired)

    def write(self, name: str, *texts: str) -> None:
        for text in texts:
            child = str(self.devices["ada"].identity.child)
            self.devices[name].record({"type": "NoteWritten", "child": child, "text": text})
            self.written.append(text)

    async def sync(self, *names: str) -> None:
        for name in names or self.devices:
            await self.devices[name].sync()

    def copy(self) -> None:
        """Stops the service, copies the whole data directory, and starts the service again."""
        self.service.end()
        copy_whole(self._data, self._backup)
        self.service.start()

    def put_back(self) -> None:
        """Stops the service, restores the copy, and starts the service again, without `new-log`."""
        self.service.end()
        copy_whole(self._backup, self._data)
        self.service.start()

    def texts(self, name: str) -> list[str]:
        """Returns the texts of the notes on a device, in order."""
        events = [entry.event.get("event", {}) for entry in self.devices[name].entries()]
        return [event["text"] for event in events if event["type"] == "NoteWritten"]

    async def texts_of_service(self, member: str) -> list[str]:
        """Returns the texts of the notes in a member's feed on the service. Reads them with a new device of the member."""
        name = f"new-{secrets.token_hex(4)}"
        await self.pair(name, of=member)
        await self.sync(name)
        found = self.texts(name)
        await self.devices.pop(name).close()
        return found

    async def assert_nothing_is_lost(self) -> None:
        """Checks that each note is on the service once and on each device once, and that a member's devices have equal feeds."""
        for member in ("ada", "ben"):
            assert sorted(await self.texts_of_service(member)) == sorted(self.written)
        for name, device in self.devices.items():
            assert sorted(self.texts(name)) == sorted(self.written), name
            assert {authored.state for authored in device.drafts()} <= {"recorded"}, name
        by_member: dict[object, set[bytes]] = {}
        for device in self.devices.values():
            by_member.setdefault(device.identity.member, set()).add(device.transcript())
        assert [len(transcripts) for transcripts in by_member.values()] == [1] * len(by_member)


def copy_whole(what: Path, to: Path) -> None:
    """Copies a folder with `cp -a`, which keeps the owner of the server's files."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", str(what), str(to)], check=True)


@pytest.fixture
def served(open_folder: Path) -> Iterator[tuple[Serving, Path]]:
    data = open_folder / f"restored-{secrets.token_hex(4)}"
    with serving_with_own_postgres(data) as service:
        yield service, data


@pytest.fixture
async def household(served: tuple[Serving, Path], tmp_path: Path) -> AsyncIterator[Household]:
    async with AsyncExitStack() as opened:
        made = Household(*served, tmp_path, opened)
        await made.begin()
        yield made


async def test_a_restored_backup_that_was_overtaken_gets_everything_back(household: Household) -> None:
    """Laws 1 and 7: after two syncs of each device, all notes are back. Each device pushed its own notes again, by itself."""
    household.write("ada", "before the copy")
    await household.sync("ada", "ben")
    place = household.devices["ben"].mirror.place
    household.copy()
    household.write("ada", *(f"Ada {number}" for number in range(3)))
    await household.sync("ada", "ben")
    assert [household.devices[name].mirror.place for name in ("ada", "ben")] == [place + 3] * 2
    household.put_back()
    household.write("ben", *(f"Ben {number}" for number in range(4)))
    await household.devices["ben"].push()
    await household.sync("ada", "ben")
    await household.sync("ada", "ben")
    assert [household.devices[name].mirror.beginnings for name in ("ada", "ben")] == [1, 1]
    assert len(household.written) == 8
    await household.assert_nothing_is_lost()


@pytest.mark.parametrize("reads", ["nothing", "everything"])
async def test_the_service_alone_suffices_for_two_devices_of_one_member(
    household: Household, reads: Literal["nothing", "everything"]
) -> None:
    """A note of Ada's phone comes back when the phone syncs. Her tablet has read this note, but pushes only its own notes.

    If the phone had read nothing since the copy, its mirror agrees with the restored feed, but its receipts do not.
    """
    await household.pair("tablet", of="ada")
    household.write("ada", "before the copy")
    await household.sync()
    household.copy()
    household.write("ada", "Ada's phone, acknowledged")
    await household.devices["ada"].push()
    household.write("tablet", "Ada's tablet, acknowledged")
    await household.devices["tablet"].push()
    if reads == "everything":
        await household.sync()
    household.put_back()
    household.write("ben", "Ben 1", "Ben 2", "Ben 3")
    await household.sync("ben", "tablet")
    assert "Ada's phone, acknowledged" not in await household.texts_of_service("ben")
    await household.sync("ada")
    await household.sync()
    await household.assert_nothing_is_lost()
