"""What is not delivered is tried again, later and later, in order; and one dead target holds up no other."""

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
from tests.service.feed.listening import until
from tests.service.webhooks.conftest import AT_HOME, Home, looked
from tests.service.webhooks.receiving import Frame, after, never, receiving, with_status


@pytest.mark.parametrize(
    ("status", "word"),
    [(500, "5xx"), (429, "4xx"), (404, "4xx"), (302, "3xx"), (304, "3xx"), (600, "no_answer")],
)
async def test_what_was_not_taken_is_sent_again_before_anything_else(
    home: Home, frame: Frame, status: int, word: str
) -> None:
    """Order: a place is not sent before the one before it was delivered. Its id stays, its time is the attempt's."""
    hook = await home.hook(frame.url())
    frame.answer = with_status(status)
    one = home.sender()
    began_at = home.time.now
    for wait in (5, 10, 20, 40, 80):
        await looked(one)
        row = await home.row(hook)
        assert (row["next_at"] - home.time.now).total_seconds() == wait
        assert (row["failed_as"], row["failing_since"]) == (word, began_at)
        await home.says(home.family.ada, note(home.family))
        home.time.passes(seconds=wait - 0.001)
        await looked(one)
        home.time.passes(seconds=0.001)
    assert frame.places == [1] * 5
    assert len({delivery.id for delivery in frame.deliveries}) == 1
    assert len({delivery.body for delivery in frame.deliveries}) == 1
    for delivery in frame.deliveries[-1:]:
        delivery.is_signed_with(hook.secret)
    times = [int(delivery.headers["webhook-timestamp"]) - int(began_at.timestamp()) for delivery in frame.deliveries]
    assert times == [0, 5, 15, 35, 75]
    frame.answer = with_status(200)
    await looked(one)
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
        await looked(one)
        row = await home.row(hook)
    assert row["disabled_as"] == "failed_for_days"
    assert 5 <= (row["disabled_at"] - row["failing_since"]).total_seconds() / 86_400 < 5.25
    attempts = len(frame.deliveries)
    home.time.passes(days=30)
    await looked(one)
    assert len(frame.deliveries) == attempts


async def test_who_says_gone_is_left_alone_at_once(home: Home, frame: Frame) -> None:
    hook = await home.hook(frame.url())
    frame.answer = with_status(410)
    one = home.sender()
    await looked(one)
    home.time.passes(days=1)
    await looked(one)
    assert (frame.places, (await home.row(hook))["disabled_as"]) == ([1], "gone")


async def test_a_redirect_is_not_followed(home: Home, frame: Frame) -> None:
    """An address that was looked at must not become another one that was not."""
    async with receiving() as elsewhere:
        hook = await home.hook(frame.url())
        for status in (301, 302, 307, 308):
            frame.answer = with_status(status, f"Location: {elsewhere.url()}")
            await looked(home.sender())
            home.time.passes(hours=6)
        assert (frame.places, elsewhere.connections) == ([1] * 4, 0)
        assert (await home.row(hook))["failed_as"] == "3xx"


async def test_nobody_there_and_no_such_host_are_one_word(home: Home) -> None:
    """Nobody learns of a network by naming addresses in it."""

    def no_such_host(host: str, port: int) -> list[str]:
        raise OSError(host)

    async with receiving() as gone:
        url = gone.url()
    hooks = [await home.hook(url)]
    await looked(home.sender())
    hooks.append(await home.hook("https://nobody.example/"))
    await looked(home.sender(reach=EgressPolicy(allow_private=True, resolve=no_such_host)))
    rows = [await home.row(hook) for hook in hooks]
    assert [(row["failed_as"], row["attempts"], row["next_at"]) for row in rows] == [("no_answer", 1, rows[0]["next_at"])] * 2


async def test_a_dead_target_holds_up_no_other(home: Home, frame: Frame) -> None:
    """Forty that take the request and never answer: one that does is told within a second, all the while."""

    def everywhere(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with receiving() as dead:
        dead.answer = never
        one = home.sender(reach=EgressPolicy(allow_private=True, resolve=everywhere))
        families = [home.family, *[await found(home.log) for _ in range(8)]]
        for family in families[1:]:
            home.family = family
            for number in range(5):
                # They have failed before: a target of which that is known waits among its like.
                hook = await home.hook(dead.url(host=f"{number}.{family.family}.example"))
                await home.pool.execute(
                    "UPDATE webhook SET attempts = 1, failing_since = $2, failed_as = 'no_answer' WHERE webhook_id = $1",
                    hook.id, home.time.now,
                )  # fmt: skip
        await one.look()
        await until(lambda: dead.open == sender.TURNS_OF_SLOW_MAX)
        home.family = families[0]
        await home.hook(frame.url())
        began_at = wall.monotonic()
        await one.look()
        entries = len(await home.feed())
        await until(lambda: len(frame.deliveries) == entries)
        assert wall.monotonic() - began_at < 1
        assert dead.open == dead.open_max == sender.TURNS_OF_SLOW_MAX


async def test_of_one_host_two_at_a_time(home: Home, frame: Frame) -> None:
    """Whoever has many webhooks on one machine is not stormed by us."""
    frame.answer = after(0.1, with_status(200))
    for number in range(6):
        await home.hook(frame.url(path=f"/{number}"), after=len(await home.feed()) - 1)
    await looked(home.sender())
    assert (len(frame.deliveries), frame.open_max) == (6, sender.TURNS_A_HOST_MAX)


async def test_a_slow_target_goes_on_among_the_slow_and_misses_nothing(home: Home, frame: Frame) -> None:
    frame.answer = after(0.03, with_status(200))
    await home.hook(frame.url())
    await looked(home.sender(slow_s=0.02))
    assert frame.places == list(range(1, len(await home.feed()) + 1))
    assert frame.connections == len(frame.places), "one turn for each: others had theirs in between"


async def test_an_answer_that_never_comes_or_never_ends_is_given_up(home: Home, frame: Frame) -> None:
    """Law 17: what the other side does has a bound, in time and in bytes. A status is an answer, whatever follows it."""
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
        await looked(one)
        assert wall.monotonic() - began_at < 2
        row = await home.row(hook)
        assert (row["attempts"], row["failed_as"], row["place"]) == (attempts, "no_answer", 0)
        home.time.passes(hours=6)
    frame.answer = floods
    await looked(one)
    assert (await home.row(hook))["place"] == len(await home.feed())
    assert sent < 100_000_000


async def test_a_wake_up_makes_it_prompt_and_looking_makes_it_sure(home: Home, frame: Frame) -> None:
    """Law 18: heard, it is sent at once; unheard, by the next look."""
    await home.hook(frame.url(), after=len(await home.feed()))
    hears = home.sender()
    home.wake = LocalNotifier()
    deaf = home.sender()
    await hears.start()
    await looked(hears)
    began_at = wall.monotonic()
    await home.says(home.family.ada, note(home.family))
    await until(lambda: bool(frame.deliveries))
    assert wall.monotonic() - began_at < 1
    await hears.rest()
    await hears.stop()
    await home.says(home.family.ada, note(home.family))
    await looked(deaf)
    assert len(frame.deliveries) == 2


class Restless(LocalNotifier):
    """Wake-ups of a process that looks ten times a second."""

    @property
    def look_every_s(self) -> float:
        return 0.1


async def test_a_sender_outlives_what_goes_wrong_and_names_nobody(home: Home, frame: Frame, database_url: str) -> None:
    """Law 17; logs are dumb (I-26): no address, no name and no word of a feed, whatever happened."""
    home.wake = Restless()
    opened = await asyncpg.create_pool(database_url, min_size=1, max_size=2)
    home.pool = opened
    hook = await home.hook(frame.url(path="/a-secret-path"))
    gone = await home.hook(frame.url(path="/gone"))
    frame.answer = with_status(410)
    one = home.sender(reach=AT_HOME)
    await opened.execute("ALTER TABLE webhook RENAME TO away")
    with structlog.testing.capture_logs() as lines:
        await one.start()
        await until(lambda: len(lines) >= 2)
        await opened.execute("ALTER TABLE away RENAME TO webhook")
        await opened.expire_connections()
        await until(lambda: len(frame.deliveries) >= 2)
        await one.rest()
        await one.stop()
    assert {(await home.row(each))["disabled_as"] for each in (hook, gone)} == {"gone"}
    assert {line["code"] for line in lines} == {"webhook.crashed", "webhook.gone"}
    assert not any(word in repr(lines) for word in ("a-secret-path", "127.0.0.1", "NoteWritten", hook.secret))
    await opened.close()
