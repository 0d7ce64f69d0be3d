"""Provides a real service on a free port and a fresh database, for tests over HTTP.

Owns the start and the end of the service, which runs in a thread with an event loop of its own.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from uuid_utils.compat import uuid7

from service.app import build
from service.serve import Server, config_of
from service.settings import Settings
from tests.conftest import copied_database
from tests.service.access_fixtures import Standing


@contextmanager
def running(settings: Settings, *, log_clock: Callable[[], datetime] | None = None) -> Iterator[str]:
    """Runs the service, and yields its address."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = Server(config_of(build(settings, log_clock=log_clock), workers=1))

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[bound]))

    thread = threading.Thread(target=run, name="service under test")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            threading.Event().wait(0.005)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


AS_OPERATOR = {"Authorization": "Bearer what-the-operator-knows"}
UNLIMITED: Any = {
    "metrics_token": "what-the-operator-knows",
    **dict.fromkeys(("limit_push", "limit_drafts", "limit_read", "limit_access", "limit_strangers"), 0),
}


@pytest.fixture
async def service_url(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """Yields the address of a service without rate limits, whose operator may read its metrics."""
    with running(Settings(database_url=database_url, data=str(tmp_path / "data"), **UNLIMITED)) as url:
        yield url


@pytest.fixture
async def http(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client for `service_url` without a token."""
    async with httpx.AsyncClient(base_url=service_url, timeout=20) as client:
        yield client


class Someone:
    """A device with a token, for tests that need no outbox."""

    def __init__(self, http: httpx.AsyncClient, said: dict[str, Any]) -> None:
        self.http = http
        self.said = said
        self.token: str = said["token"]
        self.device: str = said["device"]
        self.family: str = said.get("family", "")
        self.member: str = said.get("member", "")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Sends a request with the token. `{family}` in the path becomes the device's own family."""
        return await self.http.request(method, path.replace("{family}", self.family), headers=self.headers, **more)

    async def invite(self, role: str, *, name: str, **more: Any) -> "Someone":
        """Invites a member, and accepts the invite as that member."""
        invited = await self.ask("POST", "/v1/families/{family}/invites", json={"role": role, **more})
        assert invited.status_code == 201, invited.text
        body = {"code": invited.json()["code"], "name": name, "device": {"name": f"{name}'s"}}
        accepted = await self.http.post("/v1/invites/accept", json=body)
        assert accepted.status_code == 201, accepted.text
        return Someone(self.http, accepted.json())


async def found_family(http: httpx.AsyncClient, *, you: str = "Ada", child: str = "Mia") -> Someone:
    """Founds a family with one parent, and returns that parent's device."""
    body = {"you": {"name": you}, "household": {"name": "Home"}, "child": {"name": child}, "device": {"name": "phone"}}
    answer = await http.post("/v1/families", json=body)
    assert answer.status_code == 201, answer.text
    return Someone(http, answer.json())


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
    """Founds a family with two homes, over HTTP."""
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


@pytest.fixture(scope="session")
def standing(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Runs one service with two families for whole files of tests. The tests may not change a row."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database_url = runner.run(stack.enter_async_context(copied_database(postgres, template)))
        settings = Settings(database_url=database_url, data=str(tmp_path_factory.mktemp("data")), **UNLIMITED)
        with running(settings) as url, httpx.Client(base_url=url, timeout=20) as http:
            stands = Standing(url, database_url, runner, http)
            yield stands
            stands.close()
        runner.run(stack.aclose())


@pytest.fixture
def nothing_changes(standing: Standing) -> Iterator[None]:
    """Checks law 17: the refused requests of a test change no row of any table."""
    before = standing.digest()
    yield
    assert before == standing.digest()
