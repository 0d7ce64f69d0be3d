"""Tests a frozen Postgres: it accepts connections, and never responds."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil

from service.log.group_commit import ANSWER_S_MAX
from service.postgres.embedded import EmbeddedPostgres
from service.postgres.pool import ACQUIRE_S_MAX, SILENT_S_MAX
from tests.crash.crew import feed_of
from tests.crash.pushers import Pusher
from tests.crash.serving import postgres_of, serving, serving_with_own_postgres
from tests.polling import until
from tests.service.conftest import Someone, found_family

READY_S_MAX = 2.0
ROUTE_S_MAX = ACQUIRE_S_MAX + SILENT_S_MAX
PUSH_S_MAX = ACQUIRE_S_MAX + ANSWER_S_MAX
ROOM_S = 4.0
"""Seconds that are added to each time limit, because the machine may do other work too."""
CURRENT_WITHIN_S = 10.0
STOPPED_WITHIN_S = 20.0


@contextmanager
def frozen(data: Path) -> Iterator[None]:
    """Stops the Postgres server and all its processes (SIGSTOP), and lets them continue at the end of the `with` block."""
    server = postgres_of(data)
    assert server is not None
    stopped: list[psutil.Process] = []
    try:
        for process in [server, *server.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
                stopped.append(process)
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


async def timed(request: Callable[[], Awaitable[httpx.Response]]) -> tuple[float, httpx.Response]:
    began_s = time.monotonic()
    response = await request()
    return time.monotonic() - began_s, response


async def is_ready(http: httpx.AsyncClient) -> bool:
    return (await http.get("/health/ready")).status_code == 200


async def acknowledged_more(pusher: Pusher, count: int) -> None:
    """Waits until `count` more pushes of a pusher were acknowledged."""
    enough = len(pusher.ledger.acknowledged) + count
    await until(lambda: len(pusher.ledger.acknowledged) >= enough, within_s=CURRENT_WITHIN_S, every_s=0.1)


async def sessions(data: Path) -> int:
    connection = await asyncpg.connect(EmbeddedPostgres(data).database_url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stillnew'")
        return count
    finally:
        await connection.close()


async def assert_every_route_refuses(ada: Someone) -> None:
    """Sends four requests at once to each route that needs the database. Checks that each gets a 503 problem document in time."""
    family, note = "/v1/families/{family}", {"text": "x"}
    request_by_name: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
        "feed": lambda: ada.ask("GET", f"{family}/feed"),
        "live": lambda: ada.ask("GET", f"{family}/live"),
        "timeline": lambda: ada.ask("GET", f"{family}/timeline"),
        "handover": lambda: ada.ask("GET", f"{family}/handover"),
        "tips": lambda: ada.ask("GET", f"{family}/tips"),
        "roster": lambda: ada.ask("GET", family),
        "me": lambda: ada.ask("GET", "/v1/me"),
        "invite": lambda: ada.ask("POST", f"{family}/invites", json={"role": "caregiver"}),
        "accept": lambda: ada.http.post("/v1/invites/accept", json={"code": "x" * 20, "name": "Eve", "device": {"name": "e"}}),
        "child": lambda: ada.ask("POST", f"{family}/children", json={"name": "Noah"}),
        "pair code": lambda: ada.ask("POST", "/v1/devices/pair-codes"),
        "webhooks": lambda: ada.ask("GET", f"{family}/webhooks"),
        "found": lambda: ada.http.post("/v1/families", json=FOUNDING),
        "push": lambda: ada.ask("POST", f"{family}/events", json={"sent_at": "2026-11-21T18:00:00Z", "drafts": [note]}),
    }
    names = list(request_by_name) * 4
    found = await asyncio.gather(*(timed(request_by_name[name]) for name in names))
    for name, (seconds, response) in zip(names, found, strict=True):
        assert seconds < (PUSH_S_MAX if name == "push" else ROUTE_S_MAX) + ROOM_S, (name, seconds)
        if response.status_code != 404:  # a code of a wrong form is refused without the database
            assert response.status_code == 503, (name, response.text)
            assert response.headers["content-type"] == "application/problem+json", name
            assert "retry-after" in response.headers, name


FOUNDING = {"you": {"name": "Eve"}, "household": {"name": "E"}, "child": {"name": "Kim"}, "device": {"name": "e"}}


async def test_every_route_answers_in_time_while_postgres_is_frozen_and_all_is_as_before_when_it_is_not(
    open_folder: Path,
) -> None:
    """Laws 1 and 17: while Postgres is frozen, every request that needs it gets a 503 within its time limit.

    When Postgres continues, no connection is leaked, and no event is lost or recorded twice.
    """
    data = open_folder / "frozen"
    with serving_with_own_postgres(data) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
            ada = await found_family(http)
            ending = asyncio.Event()
            pushers = [Pusher(ada, url=service.url, child=ada.said["child"], seed=f"frozen {n}", ending=ending) for n in range(3)]
            working = [asyncio.create_task(pusher.run()) for pusher in pushers]
            await asyncio.sleep(1)
            with frozen(data):
                seconds, response = await timed(lambda: http.get("/health/ready"))
                assert (response.status_code, response.json()["ready"]) == (503, False)
                assert seconds < READY_S_MAX + ROOM_S
                assert (await http.get("/health/live")).status_code == 200
                await assert_every_route_refuses(ada)
                for seconds, response in [await timed(lambda: http.get("/health/ready")) for _ in range(3)]:
                    assert (response.status_code, seconds < READY_S_MAX + ROOM_S) == (503, True)
            async with asyncio.timeout(CURRENT_WITHIN_S):
                await until(lambda: is_ready(http), within_s=CURRENT_WITHIN_S, every_s=0.1)
                await asyncio.gather(*(acknowledged_more(pusher, 3) for pusher in pushers))
            ending.set()
            await asyncio.gather(*working)
            for pusher in pushers:
                await pusher.push_unknown_again()
                assert pusher.ledger.broken == []
            feed = await feed_of(ada, service.url)
            places = {entry["event"]["id"]: entry["place"] for entry in feed}
            assert len(places) == len(feed)
            for pusher in pushers:
                assert pusher.ledger.places().items() <= places.items()
            assert await sessions(data) <= 10 + 3
        assert service.end() == 0


async def test_the_service_stops_while_postgres_is_frozen(open_folder: Path) -> None:
    """Law 17: after SIGTERM, the service ends within its time limit, although Postgres is frozen."""
    data = open_folder / "frozen-stop"
    server = EmbeddedPostgres(data)
    server.start()
    try:
        environment = {"DATABASE_URL": server.database_url}
        with serving(folder=open_folder / "frozen-stop-output", environment=environment) as service:
            async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
                await found_family(http)
            with frozen(data):
                began_s = time.monotonic()
                assert service.end() == 0
                assert time.monotonic() - began_s < STOPPED_WITHIN_S
    finally:
        server.stop()
