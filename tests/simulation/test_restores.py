"""Makes and restores backups at any moment while real devices push. No draft of a device is ever lost.

A Hypothesis state machine. The devices are those of `client`, and keep their files. The service is stopped while its database is
copied or replaced. The operator does not run `stillnew new-log` after a restore. A failure prints its steps.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from client.backoff import Backoff
from client.device import Device
from client.environment import World
from client.errors import ServiceUnreachable
from service.settings import Settings
from tests.conftest import execute, named
from tests.service.conftest import UNLIMITED, running

NAMES = ("ada", "ada's tablet", "ben", "ben's tablet")
OWNER = {name: name.removesuffix("'s tablet") for name in NAMES}

devices = st.sampled_from(NAMES)


async def no_time(_: float) -> None:
    """Returns at once, so that a device does not wait between its attempts."""


class LossyTransport(httpx.AsyncHTTPTransport):
    """A transport that loses responses while `loses_answers` is set."""

    loses_answers = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if self.loses_answers:
            await answer.aclose()
            raise httpx.ReadError("lost", request=request)
        return answer


class RestorableService:
    """A service whose database can be copied and restored, with the event loop that runs its devices."""

    def __init__(self, server: str, template: str, runner: asyncio.Runner) -> None:
        self._server = server
        self._template = template
        self._runner = runner
        self._serving: AbstractContextManager[str] | None = None
        self.url = ""

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(what)

    def serve(self) -> None:
        """Starts a service on the current database, at a new address."""
        self._serving = running(Settings(database_url=named(self._server, "restores"), **UNLIMITED))
        self.url = self._serving.__enter__()

    def stop(self) -> None:
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None

    def replace(self, database: str, *, by: str) -> None:
        """Replaces one database with a copy of another."""
        self.run(execute(self._server, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))
        self.run(execute(self._server, f"CREATE DATABASE {database} TEMPLATE {by} STRATEGY file_copy"))

    def begin(self) -> None:
        """Starts a service on an empty database."""
        self.stop()
        self.replace("restores", by=self._template)
        self.serve()

    def end(self) -> None:
        self.stop()
        for database in ("restores", "restores_copy"):
            self.run(execute(self._server, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))


class Restores(RuleBasedStateMachine):
    """The state machine of one family: two parents with two devices each, and a database that is backed up and restored."""

    service: ClassVar[RestorableService]

    @initialize()
    def a_family_is_founded(self) -> None:
        """Founds the family with all its devices before the first backup, because no device can repair a lost joining."""
        self.service.begin()
        self.has_backup = False
        self.written: list[str] = []
        self.folder = tempfile.TemporaryDirectory()
        self.transport = LossyTransport()
        self.world = World(transport=self.transport, sleep=no_time, backoff=Backoff(attempts_max=2))
        self.devices: dict[str, Device] = {}
        self.service.run(self.found())

    async def found(self) -> None:
        ada = await Device.found(self.service.url, self.file("ada"), you="Ada", household="Hill", child="Mia", world=self.world)
        code = (await ada.invite(role="parent", household={"name": "Lake"}))["code"]
        ben = await Device.accept(self.service.url, self.file("ben"), code=code, name="Ben", world=self.world)
        self.child = str(ada.identity.child)
        for device in (ada, ben):
            code = (await device.pair_code())["code"]
            name = "ada's tablet" if device is ada else "ben's tablet"
            await (await Device.pair(self.service.url, self.file(name), code=code, world=self.world)).close()
            await device.close()
        self.open()

    def file(self, name: str) -> Path:
        return Path(self.folder.name) / name

    def open(self) -> None:
        """Opens all devices, with the current address of the service."""
        self.transport = LossyTransport()
        self.world = World(transport=self.transport, sleep=no_time, backoff=Backoff(attempts_max=2))
        self.devices = {name: Device.open(self.file(name), base_url=self.service.url, world=self.world) for name in NAMES}

    async def close(self) -> None:
        for device in self.devices.values():
            await device.close()

    def restart(self, *, copy: tuple[str, str]) -> None:
        """Stops the devices and the service, replaces one database with a copy of another, and starts all again."""
        self.service.run(self.close())
        self.service.stop()
        self.service.replace(copy[1], by=copy[0])
        self.service.serve()
        self.open()

    @rule(name=devices, count=st.integers(1, 4))
    def somebody_writes(self, name: str, count: int) -> None:
        for _ in range(count):
            text = f"note {len(self.written)}"
            self.devices[name].record({"type": "NoteWritten", "child": self.child, "text": text})
            self.written.append(text)

    @rule(name=devices, count=st.integers(0, 3))
    def somebody_pushes(self, name: str, count: int) -> None:
        self.somebody_writes(name, count)
        self.service.run(self.devices[name].push())

    @rule(name=devices, count=st.integers(1, 3))
    def somebody_pushes_and_is_never_answered(self, name: str, count: int) -> None:
        self.somebody_writes(name, count)
        self.transport.loses_answers = True
        with suppress(ServiceUnreachable):
            self.service.run(self.devices[name].push())
        self.transport.loses_answers = False

    @rule(name=devices, count=st.integers(0, 3))
    def somebody_syncs(self, name: str, count: int) -> None:
        self.somebody_writes(name, count)
        self.service.run(self.devices[name].sync())

    @rule(name=devices)
    def somebody_listens_for_a_moment(self, name: str) -> None:
        """Pulls, then opens a stream before the last entry, and checks that this entry arrives."""

        async def listen() -> None:
            device = self.devices[name]
            await device.sync()
            last = device.mirror.place
            async with contextlib.aclosing(device.live(after=last - 1)) as entries:
                assert (await anext(entries)).place == last

        self.service.run(listen())

    @rule()
    def a_backup_is_made(self) -> None:
        self.restart(copy=("restores", "restores_copy"))
        self.has_backup = True

    @precondition(lambda self: self.has_backup)
    @rule()
    def the_backup_is_put_back(self) -> None:
        self.restart(copy=("restores_copy", "restores"))

    def teardown(self) -> None:
        """Lets all devices sync. Checks that each device has each note once, and that one member's devices have equal feeds."""
        if not hasattr(self, "devices"):
            return
        for _ in range(2):
            for name in NAMES:
                self.service.run(self.devices[name].sync())
        transcripts: dict[str, set[bytes]] = {}
        for name, device in self.devices.items():
            events = [entry.event.get("event", {}) for entry in device.entries()]
            texts = [event["text"] for event in events if event["type"] == "NoteWritten"]
            assert sorted(texts) == sorted(self.written), name
            assert {authored.state for authored in device.drafts()} <= {"recorded"}
            transcripts.setdefault(OWNER[name], set()).add(device.transcript())
            beginnings = device.mirror.beginnings
            self.service.run(device.pull(verify=True))
            assert device.mirror.beginnings == beginnings, "the mirror was another one than the service's feed"
        assert {name: len(alike) for name, alike in transcripts.items()} == {"ada": 1, "ben": 1}
        self.service.run(self.close())
        self.folder.cleanup()


@contextlib.contextmanager
def restorable_service(server: str, template: str) -> Iterator[RestorableService]:
    with asyncio.Runner() as runner:
        service = RestorableService(server, template, runner)
        try:
            yield service
        finally:
            service.end()


@pytest.mark.timeout(3_600 if os.environ.get("STILLNEW_NIGHTLY") else 240)
def test_a_backup_that_is_put_back_at_any_moment_costs_nothing_that_a_device_authored(postgres: str, template: str) -> None:
    """Laws 1 and 7: no draft is lost, whatever restores, pushes, pulls and lost responses happen, in any order."""
    is_long = bool(os.environ.get("STILLNEW_NIGHTLY"))
    with restorable_service(postgres, template) as service:
        Restores.service = service
        run_state_machine_as_test(
            Restores,
            settings=settings(
                max_examples=400 if is_long else 12,
                stateful_step_count=40 if is_long else 16,
                deadline=None,
                # To find a smaller example would take minutes of copying databases. The printed steps are enough at first.
                phases=set(Phase) if is_long else {Phase.explicit, Phase.reuse, Phase.generate},
                suppress_health_check=list(HealthCheck),
            ),
        )
