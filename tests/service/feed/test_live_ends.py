"""Tests the end of streams: after a revocation, a departure, slow reading, a lost connection or a shutdown."""

import asyncio
import socket
import time

import asyncpg
import httpx
import pytest

from service.feed import stream as stream_module
from service.feed.notifier import LocalNotifier
from tests.polling import until
from tests.service.feed.listening import Phone, Running, Subscription, found, invite, listening, serving

WITHIN_S = 1.0
"""The most seconds that a revocation may take to end a stream."""


async def pair(running: Running, phone: Phone) -> Phone:
    """Pairs a second device of a person, and returns the new device."""
    async with httpx.AsyncClient(base_url=running.url) as http:
        code = (await http.post("/v1/devices/pair-codes", headers=phone.headers)).json()["code"]
        paired = (await http.post("/v1/devices/pair", json={"code": code, "device": {"name": "tablet"}})).json()
    return Phone(family=phone.family, member=phone.member, child=phone.child, device=paired["device"], token=paired["token"])


async def delete(running: Running, phone: Phone, path: str) -> None:
    async with httpx.AsyncClient(base_url=running.url) as http:
        answer = await http.delete(path, headers=phone.headers)
    assert answer.is_success, answer.text


async def test_a_revoked_devices_stream_ends_within_a_second_and_no_other(running: Running) -> None:
    """A revocation ends only the streams of the revoked device."""
    phone = await found(running)
    tablet = await pair(running, phone)
    async with listening(running, phone) as stays, listening(running, tablet) as ends:
        await delete(running, phone, f"/v1/devices/{tablet.device}")
        await until(lambda: ends.has_ended, within_s=WITHIN_S)
        await phone.write(running, "still here")
        await until(lambda: stays.texts() == ["still here"])
        assert (ends.texts(), ends.was_cut, stays.has_ended) == ([], False, False)


async def test_a_revocation_without_a_notification_ends_the_stream_as_soon(running: Running) -> None:
    """The process that revoked the device died before it sent a notification. The poll ends the stream."""
    phone = await found(running)
    async with listening(running, phone) as subscription:
        await running.runtime.pool.execute("UPDATE device SET revoked_at = now() WHERE device_id = $1", phone.device)
        await until(lambda: subscription.has_ended, within_s=WITHIN_S)


async def test_a_member_who_leaves_receives_no_more(running: Running) -> None:
    """When a member leaves, the streams of all their devices end. Streams of other members continue."""
    ada = await found(running)
    gran = await invite(running, ada, role="caregiver")
    async with listening(running, ada) as stays, listening(running, gran) as ends:
        await delete(running, gran, f"/v1/families/{gran.family}/members/{gran.member}")
        await until(lambda: ends.has_ended, within_s=WITHIN_S)
        await ada.write(running, "among us")
        await until(lambda: stays.texts() == ["among us"])
        assert ends.texts() == []


async def test_a_departure_without_a_notification_ends_the_stream_as_soon(running: Running) -> None:
    """The poll finds in the database that the member has left, and ends the stream without a notification."""
    ada = await found(running)
    gran = await invite(running, ada, role="caregiver")
    async with listening(running, gran) as subscription:
        await running.runtime.pool.execute("UPDATE member SET has_left = true WHERE member_id = $1", gran.member)
        await until(lambda: subscription.has_ended, within_s=WITHIN_S)


async def idle_reader(running: Running, phone: Phone) -> socket.socket:
    """Requests a stream, and reads nothing from it."""
    idle = socket.socket()
    idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    idle.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(idle, ("127.0.0.1", running.port))
    request = f"GET /v1/families/{phone.family}/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {phone.token}\r\n\r\n"
    await loop.sock_sendall(idle, request.encode())
    return idle


async def test_a_reader_that_does_not_read_is_cut_off_and_delays_nobody(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 17: a slow reader uses bounded bytes for a bounded time. Other devices receive their entries without delay."""
    monkeypatch.setattr(stream_module, "DRAIN_S_MAX", 0.5)
    ada = await found(running)
    tablet = await pair(running, ada)
    texts = ["x" * 9_900 for _ in range(200)]
    for at in range(0, len(texts), 50):
        await ada.write(running, *texts[at : at + 50])
    with await idle_reader(running, ada):
        await until(lambda: len(running.runtime.streams) == 1)
        async with listening(running, tablet) as subscription:
            await until(lambda: len(subscription.texts()) == 200)
            await until(lambda: len(running.runtime.streams) == 1)
            await until(lambda: len(running.server.server_state.connections) == 1)
            assert not subscription.has_ended


async def test_a_revoked_reader_that_does_not_read_is_gone_within_a_second(running: Running) -> None:
    """The stream of a revoked device is closed, although its socket is full."""
    ada = await found(running)
    texts = ["x" * 9_900 for _ in range(200)]
    for at in range(0, len(texts), 50):
        await ada.write(running, *texts[at : at + 50])
    tablet = await pair(running, ada)
    with await idle_reader(running, tablet):
        await until(lambda: any(not stream.is_idle for stream in running.runtime.streams))
        await asyncio.sleep(0.2)
        assert len(running.runtime.streams) == 1
        await delete(running, ada, f"/v1/devices/{tablet.device}")
        await until(lambda: len(running.runtime.streams) == 0, within_s=WITHIN_S)
        await until(lambda: len(running.server.server_state.connections) == 0, within_s=WITHIN_S)


async def test_nothing_is_left_of_streams_that_were_hung_up(running: Running) -> None:
    """After many lost connections, the numbers of streams, listeners, tasks and connections are as before."""
    ada = await found(running)
    ben = await invite(running, ada)
    tasks = len(asyncio.all_tasks())

    async def hang_up() -> None:
        for phone in (ada, ben):
            async with listening(running, phone) as subscription:
                await until(lambda: len(subscription.places) > 0)

    async with asyncio.timeout(30):
        for _ in range(10):
            await asyncio.gather(*(hang_up() for _ in range(4)))
    streams = running.runtime.streams
    await until(lambda: len(streams) == 0)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    notifier = running.runtime.notifier
    assert isinstance(notifier, LocalNotifier)
    assert (streams.device_count, notifier.entry_count) == (0, 0)


async def test_a_service_that_stops_ends_its_streams_at_once(database_url: str) -> None:
    """Law 18: a service that stops ends its streams within two seconds, with a complete response."""
    async with serving(database_url) as running:
        ada = await found(running)
        async with listening(running, ada) as subscription:
            began_at = time.monotonic()
            running.server.should_exit = True
            await until(lambda: subscription.has_ended, within_s=2)
            assert not subscription.was_cut
    assert time.monotonic() - began_at < 3


async def ended(subscription: Subscription, done: asyncio.Event) -> None:
    """Waits until a stream has ended, or until the test is done."""
    await until(lambda: subscription.has_ended or done.is_set(), within_s=30)


async def test_a_stream_survives_the_database_or_ends_and_misses_nothing(running: Running) -> None:
    """Law 3: if Postgres drops every connection, a device that resumes at its place receives each entry once."""
    ada = await found(running)
    subscriptions: list[Subscription] = []
    done = asyncio.Event()

    async def keep_listening() -> None:
        while not done.is_set():
            async with listening(
                running, ada, after=max((place for subscription in subscriptions for place in subscription.places), default=0)
            ) as subscription:
                subscriptions.append(subscription)
                await ended(subscription, done)

    def places() -> list[int]:
        return [place for subscription in subscriptions for place in subscription.places]

    keeping = asyncio.create_task(keep_listening())
    await until(lambda: len(places()) == 4)
    for number in range(3):
        await drop_connections(running)
        await push_until_accepted(running, ada, f"note {number}")
    await until(lambda: len(places()) == 7)
    done.set()
    await keeping
    assert places() == [1, 2, 3, 4, 5, 6, 7]


async def drop_connections(running: Running) -> None:
    """Drops the connections to the database of this test, as a restart of Postgres does."""
    connection = await asyncpg.connect(running.runtime.database_url)
    try:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        await connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
    finally:
        await connection.close()


async def push_until_accepted(running: Running, phone: Phone, text: str) -> None:
    """Pushes one draft again and again until the draft is accepted, as a device does."""
    drafts = phone.notes(text)

    async def is_accepted() -> bool:
        return (await phone.push(running, drafts)).status_code == 200

    await until(is_accepted, within_s=20, every_s=0.2)
