"""A real service on a free port and a fresh database, for whoever speaks to it over HTTP.

Owns its start and its end. The server runs in a thread with a loop of its own, as a process of its own would.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest
import uvloop

from service.app import build
from service.serve import Server, config_of
from service.settings import Settings
from tests.conftest import copied_database
from tests.service.access_fixtures import Standing


@contextmanager
def running(settings: Settings, *, log_clock: Callable[[], datetime] | None = None) -> Iterator[str]:
    """Serve, and give the address."""
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
async def service_url(database_url: str) -> AsyncIterator[str]:
    """The address of a service without rate limits, whose operator may read its metrics."""
    with running(Settings(database_url=database_url, **UNLIMITED)) as url:
        yield url


@pytest.fixture
async def http(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks to `service_url` as nobody in particular."""
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
        """Ask with the token. `{family}` stands for the own family."""
        return await self.http.request(method, path.replace("{family}", self.family), headers=self.headers, **more)

    async def invite(self, role: str, *, name: str, **more: Any) -> "Someone":
        """Invite somebody, who accepts."""
        invited = await self.ask("POST", "/v1/families/{family}/invites", json={"role": role, **more})
        assert invited.status_code == 201, invited.text
        body = {"code": invited.json()["code"], "name": name, "device": {"name": f"{name}'s"}}
        accepted = await self.http.post("/v1/invites/accept", json=body)
        assert accepted.status_code == 201, accepted.text
        return Someone(self.http, accepted.json())


async def found_family(http: httpx.AsyncClient, *, you: str = "Ada", child: str = "Mia") -> Someone:
    """A new family with one parent."""
    body = {"you": {"name": you}, "household": {"name": "Home"}, "child": {"name": child}, "device": {"name": "phone"}}
    answer = await http.post("/v1/families", json=body)
    assert answer.status_code == 201, answer.text
    return Someone(http, answer.json())


@pytest.fixture(scope="session")
def standing(postgres: str, template: str) -> Iterator[Standing]:
    """One service and one family for whole files of tests, none of which may change a row."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database_url = runner.run(stack.enter_async_context(copied_database(postgres, template)))
        settings = Settings(database_url=database_url, **UNLIMITED)
        with running(settings) as url, httpx.Client(base_url=url, timeout=20) as http:
            stands = Standing(url, database_url, runner, http)
            yield stands
            stands.close()
        runner.run(stack.aclose())


@pytest.fixture
def nothing_changes(standing: Standing) -> Iterator[None]:
    """Law 17: whatever is refused changes no row of any table."""
    before = standing.digest()
    yield
    assert before == standing.digest()
