"""Carries notifications between processes over Redis or Valkey, by pub/sub. A notification names members, not content (law 18).

Owns the two connections, their back-off, and the format of a message. Knows no stream and no feed: `LocalNotifier` passes a
received message to the listeners of this process. A message is one byte for its kind, the 16 bytes of the sending process, and
ids of 16 bytes each. Families share 64 channels, so that a process does not need a subscription for each family. In a Redis
Cluster, a connection to one node is enough, because a node forwards PUBLISH to all other nodes.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from events.ids import DeviceId, FamilyId, MemberId
from service.feed.notifier import POLL_EVERY_S_WHILE_DISCONNECTED, LocalNotifier

CHANNELS: Final = 64
CHANNEL: Final = b"stillnew:wake:%d"

DELIVERED: Final = b"t"
LEFT: Final = b"l"
REVOKED: Final = b"r"

OUTGOING_MAX: Final = 10_000
"""The bound on messages that wait for the connection, about 150 bytes each. Further messages are dropped; polls replace them."""
PUBLISHED_AT_ONCE_MAX: Final = 256
"""The bound on messages that are published in one round trip."""
IDS_MAX: Final = 256
"""The bound on the ids in one message. For more ids, several messages are sent."""

ANSWER_S_MAX: Final = 2.0
QUIET_S_MAX: Final = 2.0
"""The seconds without a message after which a ping checks the connection: a pulled cable reports no error."""
BACKOFF_S_MIN: Final = 0.1
BACKOFF_S_MAX: Final = 2.0
"""The longest wait between two attempts to connect. It is short, because devices are up to a second late without a connection."""

LOG = structlog.get_logger()


class RedisNotifier(LocalNotifier):
    """A notifier between all processes that use the same Redis or Valkey. Notifications within this process need no Redis."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._redis_url = redis_url
        self._process = uuid.uuid4().bytes
        self._outgoing: deque[tuple[bytes, bytes]] = deque()
        self._has_outgoing = asyncio.Event()
        self._is_receiving = False
        self._is_publishing = True
        self._gaps = 0
        self._dropped = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def poll_every_s(self) -> float:
        return super().poll_every_s if self._is_receiving else POLL_EVERY_S_WHILE_DISCONNECTED

    @property
    def gaps(self) -> int:
        return self._gaps

    @property
    def is_connected(self) -> bool:
        """Whether messages of other processes can arrive, and the last message of this process was published."""
        return self._is_receiving and self._is_publishing

    @property
    def dropped(self) -> int:
        """The number of messages that did not fit in the queue, or were lost with a connection."""
        return self._dropped

    @property
    def outgoing_count(self) -> int:
        """The number of messages that wait for the connection, at most `OUTGOING_MAX`."""
        return len(self._outgoing)

    def entries_delivered(self, family: FamilyId, members: Collection[MemberId]) -> None:
        super().entries_delivered(family, members)
        self._enqueue(DELIVERED, family, members)

    def members_left(self, family: FamilyId, members: Collection[MemberId]) -> None:
        super().members_left(family, members)
        self._enqueue(LEFT, family, members)

    def devices_revoked(self, devices: Collection[DeviceId]) -> None:
        super().devices_revoked(devices)
        for device in devices:
            self._enqueue(REVOKED, device, ())

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._keep_receiving(), name="notifier: receive"),
            asyncio.create_task(self._keep_publishing(), name="notifier: publish"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._is_receiving = False

    def _enqueue(self, kind: bytes, subject: UUID, members: Collection[UUID]) -> None:
        channel = CHANNEL % (subject.int % CHANNELS)
        for ids in _portions(members):
            if len(self._outgoing) >= OUTGOING_MAX:
                self._dropped += 1
                return
            self._outgoing.append((channel, b"".join((kind, self._process, subject.bytes, *ids))))
        self._has_outgoing.set()

    def receive(self, message: bytes) -> None:
        """Passes another process's message to the listeners of this process. Ignores a message of an unknown format."""
        kind, process, ids = message[:1], message[1:17], message[17:]
        if process == self._process or not ids or len(ids) % 16:
            return
        subject, *members = (UUID(bytes=ids[at : at + 16]) for at in range(0, len(ids), 16))
        if kind == DELIVERED:
            super().entries_delivered(FamilyId(subject), [MemberId(member) for member in members])
        elif kind == LEFT:
            super().members_left(FamilyId(subject), [MemberId(member) for member in members])
        elif kind == REVOKED:
            super().devices_revoked([DeviceId(subject)])

    async def _keep_receiving(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                async with _client(self._redis_url) as client, client.pubsub() as subscription:
                    await _subscribe(subscription)
                    backoff_s = BACKOFF_S_MIN
                    # Messages that were sent before are lost, so all streams are polled once. From now on no message is missed.
                    self._gaps += 1
                    self._is_receiving = True
                    LOG.info("wake_ups.heard")
                    while (message := await _next_message(subscription)) is not None:
                        self.receive(message)
            except (RedisError, OSError, TimeoutError) as error:
                if self._is_receiving:
                    LOG.warning("wake_ups.deaf", error=type(error).__name__)
            finally:
                self._is_receiving = False
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _keep_publishing(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                async with _client(self._redis_url) as client:
                    await client.ping()
                    backoff_s = BACKOFF_S_MIN
                    self._is_publishing = True
                    while True:
                        await self._has_outgoing.wait()
                        await self._publish(client)
            except (RedisError, OSError, TimeoutError):
                self._is_publishing = False
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _publish(self, client: Any) -> None:
        """Publishes the waiting messages. If the connection breaks meanwhile, does not repeat them: they may have arrived."""
        messages = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), PUBLISHED_AT_ONCE_MAX))]
        if not self._outgoing:
            self._has_outgoing.clear()
        pipeline = client.pipeline(transaction=False)
        for channel, message in messages:
            pipeline.publish(channel, message)
        try:
            await pipeline.execute()
        except (RedisError, OSError, TimeoutError):
            self._dropped += len(messages)
            raise


def _client(redis_url: str) -> Any:
    """Returns a client without retries of its own, because this module decides what happens after a failure."""
    return redis.Redis.from_url(
        redis_url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_S_MAX,
        socket_connect_timeout=ANSWER_S_MAX,
    )


async def _subscribe(subscription: Any) -> None:
    """Subscribes to every channel, and waits until the server has confirmed all subscriptions.

    Raises:
        RedisError, OSError, TimeoutError: the server cannot be reached, or does not confirm.
    """
    await subscription.subscribe(*(CHANNEL % number for number in range(CHANNELS)))
    unconfirmed = CHANNELS
    while unconfirmed:
        answer = await subscription.get_message(timeout=ANSWER_S_MAX)
        if answer is None:
            raise TimeoutError
        unconfirmed -= answer["type"] == "subscribe"


async def _next_message(subscription: Any) -> bytes | None:
    """Waits for the next message without a time limit, and returns it, or None if the server does not answer a ping."""
    is_pinged = False
    while True:
        message = await subscription.get_message(timeout=ANSWER_S_MAX if is_pinged else QUIET_S_MAX)
        if message is not None and message["type"] == "message":
            return bytes(message["data"])
        if message is None:
            if is_pinged:
                return None
            await subscription.ping()
        is_pinged = message is None


def _portions(ids: Collection[UUID]) -> Iterable[list[bytes]]:
    """Splits ids into portions of at most `IDS_MAX`. Returns one empty portion if there are no ids."""
    all_ids = [each.bytes for each in ids]
    return [all_ids[at : at + IDS_MAX] for at in range(0, len(all_ids), IDS_MAX)] or [[]]
