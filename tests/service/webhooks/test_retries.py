"""Tests that failed deliveries are repeated with growing waits and in order, and that a dead target delays no other target."""

import asyncio
import time as wall
from typing import Any

import asyncpg
import pytest
import structlog

from service.feed.notifier import LocalNotifier
from service.webhooks import sender
from service.webhooks.egress_policy import EgressPolicy
from tests.families import found, note
from tests.polling import until
from tests.service.webhooks.conftest import AT_HOME, Home, poll_and_finish
from tests.service.webhooks.receiving import Frame, after, never, receiving, with_status


@pytest.mark.parametrize(
    ("status", "word"),
    [(500, "5xx"), (429, "4xx"), (404, "4xx"), (302, "3xx"), (304, "3xx"), (600, "no_answer")],
)
async def test_an_undelivered_entry_is_sent_again_before_any_other(
    home: Home, frame: Frame, status: int, word: str
) -> None:
    """An entry is sent only after the previous one was delivered. A repeated delivery has the same id and a new timestamp."""
    hook = await home.hook(frame.url())
    frame.answer = with_status(status)
    one = home.sender()
    began_at = home.time.now
    for wait in (5, 10, 20, 40, 80):
        await poll_and_finish(one)
        row = await home.row(hook)
        assert (row["next_at"] - home.time.now).total_seconds() == wait
        assert (row["failed_as"], row["failing_since"]) == (word, began_at)
        await home.append(home.family.ada, note(home.family))
        home.time.passes(seconds=wait - 0.001)
        await poll_and_finish(one)
        home.time.passes(seconds=0.001)
    assert frame.places == [1] * 5
    assert len({delivery.id for delivery in frame.deliveries}) == 1
    assert len({delivery.body for delivery in frame.deliveries}) == 1
    for delivery in frame.deliveries[-1:]:
        delivery.is_signed_with(hook.secret)
    times = [int(delivery.headers["webhook-timestamp"]) - int(began_at.timestamp()) for delivery in frame.deliveries]
    assert times == [0, 5, 15, 35, 75]
    frame.answer = with_status(200)
    await poll_and_finish(one)
    assert frame.places[5:] == list(range(1, len(await home.feed()) + 1))
    row = await home.row(hook)
    assert (row["attempts"], row["failing_since"], row["failed_as"]) == (0, None, None)


async def test_after_five_days_nothing_is_sent_any_more(home: Home, frame: Frame) -> None:
    hook = await home.hook(frame.url())
    frame.answer = with_status(503)
    one = home.sender()
    row = await home.row(hook)
    while row["disabled_at"] is None:
        home.time.passes(row["next_at"] - home.time.now)
        await poll_and_finish(one)
        row = await home.row(hook)
    assert row["disabled_as"] == "failed_for_days"
    assert 5 <= (row["disabled_at"] - row["failing_since"]).total_seconds() / 86_400 < 5.25
    attempts = len(frame.deliveries)
    home.time.passes(days=30)
    await poll_and_finish(one)
    assert len(frame.deliveries) == attempts


async def test_a_target_that_responds_gone_is_disabled_at_once(home: Home, frame: Frame) -> None:
    hook = await home.hook(frame.url())
    frame.answer = with_status(410)
    one = home.sender()
    await poll_and_finish(one)
    home.time.passes(days=1)
    await poll_and_finish(one)
    assert (frame.places, (await home.row(hook))["disabled_as"]) == ([1], "gone")


async def test_a_redirect_is_not_followed(home: Home, frame: Frame) -> None:
    """A redirect is a failure, because it could lead from the checked address to an unchecked one."""
    async with receiving() as elsewhere:
        hook = await home.hook(frame.url())
        for status in (301, 302, 307, 308):
            frame.answer = with_status(status, f"Location: {elsewhere.url()}")
            await poll_and_finish(home.sender())
            home.time.passes(hours=6)
        assert (frame.places, elsewhere.connections) == ([1] * 4, 0)
        assert (await home.row(hook))["failed_as"] == "3xx"


async def test_an_unreachable_and_an_unknown_host_are_one_failure(home: Home) -> None:
    """An unreachable host and an unknown host get one code and one wait. So a member cannot find out which addresses exist."""

    def no_such_host(host: str, port: int) -> list[str]:
        raise OSError(host)

    async with receiving() as gone:
        url = gone.url()
    hooks = [await home.hook(url)]
    await poll_and_finish(home.sender())
    hooks.append(await home.hook("https://nobody.example/"))
    await poll_and_finish(home.sender(egress=EgressPolicy(allow_private=True, resolve=no_such_host)))
    rows = [await home.row(hook) for hook in hooks]
    assert [(row["failed_as"], row["attempts"], row["next_at"]) for row in rows] == [("no_answer", 1, rows[0]["next_at"])] * 2


async def test_a_dead_target_delays_no_other(home: Home, frame: Frame) -> None:
    """Forty targets accept requests and never respond. A target that responds still gets each entry within a second."""

    def everywhere(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with receiving() as dead:
        dead.answer = never
        one = home.sender(egress=EgressPolicy(allow_private=True, resolve=everywhere))
        families = [home.family, *[await found(home.log) for _ in range(8)]]
        for family in families[1:]:
            home.family = family
            for number in range(5):
                # The webhooks have failed before, so the sender treats them as slow targets.
                hook = await home.hook(dead.url(host=f"{number}.{family.family}.example"))
                await home.pool.execute(
                    "UPDATE webhook SET attempts = 1, failing_since = $2, failed_as = 'no_answer' WHERE webhook_id = $1",
                    hook.id, home.time.now,
                )  # fmt: skip
        await one.poll()
        await until(lambda: dead.open == sender.TURNS_OF_SLOW_MAX)
        home.family = families[0]
        await home.hook(frame.url())
        began_at = wall.monotonic()
        await one.poll()
        entries = len(await home.feed())
        await until(lambda: len(frame.deliveries) == entries)
        assert wall.monotonic() - began_at < 1
        assert dead.open == dead.open_max == sender.TURNS_OF_SLOW_MAX


async def test_one_host_gets_two_requests_at_a_time(home: Home, frame: Frame) -> None:
    frame.answer = after(0.1, with_status(200))
    for number in range(6):
        await home.hook(frame.url(path=f"/{number}"), after=len(await home.feed()) - 1)
    await poll_and_finish(home.sender())
    assert (len(frame.deliveries), frame.open_max) == (6, sender.TURNS_A_HOST_MAX)


async def test_a_slow_target_continues_among_the_slow_ones_and_misses_nothing(home: Home, frame: Frame) -> None:
    frame.answer = after(0.03, with_status(200))
    await home.hook(frame.url())
    await poll_and_finish(home.sender(slow_s=0.02))
    assert frame.places == list(range(1, len(await home.feed()) + 1))
    assert frame.connections == len(frame.places), "one turn for each: others had theirs in between"


async def test_an_answer_that_never_comes_or_never_ends_is_given_up(home: Home, frame: Frame) -> None:
    """Law 17: a response is given up after a time, or at a number of bytes. The status counts if the head has arrived."""
    sent = 0

    async def drips(_: Any, writer: asyncio.StreamWriter) -> None:
        for letter in "HTTP/1.1 200 OK\r\nX: " + "x" * 1000:
            writer.write(letter.encode())
            await asyncio.sleep(0.02)

    async def floods(_: Any, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while sent < 500_000_000:
            writer.write(b"x" * 100_000)
            sent += 100_000
            await writer.drain()

    async def head_without_end(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for _number in range(100_000):
            writer.write(b"X: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    async def nonsense(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff\r\n\r\n")

    hook = await home.hook(frame.url())
    one = home.sender(attempt_s_max=0.3)
    for attempts, answer in enumerate((never, drips, head_without_end, nonsense), start=1):
        frame.answer = answer
        began_at = wall.monotonic()
        await poll_and_finish(one)
        assert wall.monotonic() - began_at < 2
        row = await home.row(hook)
        assert (row["attempts"], row["failed_as"], row["place"]) == (attempts, "no_answer", 0)
        home.time.passes(hours=6)
    frame.answer = floods
    await poll_and_finish(one)
    assert (await home.row(hook))["place"] == len(await home.feed())
    assert sent < 100_000_000


async def test_a_notification_makes_it_prompt_and_polling_makes_it_certain(home: Home, frame: Frame) -> None:
    """Law 18: a sender that is notified sends at once. A sender that is not notified finds the entry at its next poll."""
    await home.hook(frame.url(), after=len(await home.feed()))
    hears = home.sender()
    home.notifier = LocalNotifier()
    deaf = home.sender()
    await hears.start()
    await poll_and_finish(hears)
    began_at = wall.monotonic()
    await home.append(home.family.ada, note(home.family))
    await until(lambda: bool(frame.deliveries))
    assert wall.monotonic() - began_at < 1
    await hears.until_idle()
    await hears.stop()
    await home.append(home.family.ada, note(home.family))
    await poll_and_finish(deaf)
    assert len(frame.deliveries) == 2


class OftenPolled(LocalNotifier):
    """A notifier with which a process polls ten times a second."""

    @property
    def poll_every_s(self) -> float:
        return 0.1


async def test_a_sender_survives_every_failure_and_logs_no_names(home: Home, frame: Frame, database_url: str) -> None:
    """Law 17: no failure stops the sender, and no log line contains an address, a name or words of a feed."""
    home.notifier = OftenPolled()
    opened = await asyncpg.create_pool(database_url, min_size=1, max_size=2)
    home.pool = opened
    hook = await home.hook(frame.url(path="/a-secret-path"))
    gone = await home.hook(frame.url(path="/gone"))
    frame.answer = with_status(410)
    one = home.sender(egress=AT_HOME)
    await opened.execute("ALTER TABLE webhook RENAME TO away")
    with structlog.testing.capture_logs() as lines:
        await one.start()
        await until(lambda: len(lines) >= 2)
        await opened.execute("ALTER TABLE away RENAME TO webhook")
        await opened.expire_connections()
        await until(lambda: len(frame.deliveries) >= 2)
        await one.until_idle()
        await one.stop()
    assert {(await home.row(each))["disabled_as"] for each in (hook, gone)} == {"gone"}
    assert {line["code"] for line in lines} == {"webhook.crashed", "webhook.gone"}
    assert not any(word in repr(lines) for word in ("a-secret-path", "127.0.0.1", "NoteWritten", hook.secret))
    await opened.close()
