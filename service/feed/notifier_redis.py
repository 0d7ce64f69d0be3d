"""Carries wake-ups between processes over Redis or Valkey, by pub/sub: who was told, never what (law 18).

Owns the two connections, their back-off, and the form of a message. Knows no stream and no feed: what arrives is said to
the listeners of this process as `LocalNotifier` says it. A message is one kind byte, the 16 bytes of the process that sent it,
and ids of 16 bytes each. Families share 64 channels, so that no process holds a subscription per family. In a Redis Cluster any
one node will do: it carries PUBLISH to all the others.
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
from service.feed.notifier import LOOK_WHILE_DEAF_S, LocalNotifier

CHANNELS: Final = 64
CHANNEL: Final = b"stillnew:wake:%d"

TOLD: Final = b"t"
LEFT: Final = b"l"
REVOKED: Final = b"r"

OUTGOING_MAX: Final = 10_000
"""Messages that wait for the connection, about 150 bytes each. What does not fit is dropped: looking heals it."""
TOGETHER_MAX: Final = 256
"""Messages in one round trip."""
IDS_MAX: Final = 256
"""Ids in one message; more of them go in several."""

ANSWER_S_MAX: Final = 2.0
QUIET_S_MAX: Final = 2.0
"""After this long without a message the subscription is asked whether it lives. A cable that was pulled says nothing."""
BACKOFF_S_MIN: Final = 0.1
BACKOFF_S_MAX: Final = 2.0
"""Short, because devices are up to a second late meanwhile, and one attempt a process costs nothing."""

LOG = structlog.get_logger()


class RedisNotifier(LocalNotifier):
    """Wake-ups among all processes that share one Redis or Valkey. Listeners of this process hear first, and without it."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._redis_url = redis_url
        self._process = uuid.uuid4().bytes
        self._outgoing: deque[tuple[bytes, bytes]] = deque()
        self._has_outgoing = asyncio.Event()
        self._is_hearing = False
        self._is_speaking = True
        self._gaps = 0
        self._dropped = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def look_every_s(self) -> float:
        return super().look_every_s if self._is_hearing else LOOK_WHILE_DEAF_S

    @property
    def gaps(self) -> int:
        return self._gaps

    @property
    def is_connected(self) -> bool:
        """Whether other processes can be heard, and this one was heard when it last spoke."""
        return self._is_hearing and self._is_speaking

    @property
    def dropped(self) -> int:
        """Messages that did not fit in the queue, or were lost with a connection."""
        return self._dropped

    @property
    def outgoing_count(self) -> int:
        """The number of messages that wait for the connection, at most `OUTGOING_MAX`."""
        return len(self._outgoing)

    def told(self, family: FamilyId, members: Collection[MemberId]) -> None:
        super().told(family, members)
        self._say(TOLD, family, members)

    def members_left(self, family: FamilyId, members: Collection[MemberId]) -> None:
        super().members_left(family, members)
        self._say(LEFT, family, members)

    def devices_revoked(self, devices: Collection[DeviceId]) -> None:
        super().devices_revoked(devices)
        for device in devices:
            self._say(REVOKED, device, ())

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._keep_hearing(), name="wake-ups: hear"),
            asyncio.create_task(self._keep_speaking(), name="wake-ups: speak"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._is_hearing = False

    def _say(self, kind: bytes, subject: UUID, members: Collection[UUID]) -> None:
        channel = CHANNEL % (subject.int % CHANNELS)
        for ids in _portions(members):
            if len(self._outgoing) >= OUTGOING_MAX:
                self._dropped += 1
                return
            self._outgoing.append((channel, b"".join((kind, self._process, subject.bytes, *ids))))
        self._has_outgoing.set()

    def receive(self, message: bytes) -> None:
        """Say to the listeners of this process what another process said. A message in no form of ours is passed over."""
        kind, process, ids = message[:1], message[1:17], message[17:]
        if process == self._process or not ids or len(ids) % 16:
            return
        subject, *members = (UUID(bytes=ids[at : at + 16]) for at in range(0, len(ids), 16))
        if kind == TOLD:
            super().told(FamilyId(subject), [MemberId(member) for member in members])
        elif kind == LEFT:
            super().members_left(FamilyId(subject), [MemberId(member) for member in members])
        elif kind == REVOKED:
            super().devices_revoked([DeviceId(subject)])

    async def _keep_hearing(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                async with _client(self._redis_url) as client, client.pubsub() as subscription:
                    await _subscribe(subscription)
                    backoff_s = BACKOFF_S_MIN
                    # What was said while nobody heard is gone: streams look once, now that nothing more can slip by.
                    self._gaps += 1
                    self._is_hearing = True
                    LOG.info("wake_ups.heard")
                    while (message := await _next_message(subscription)) is not None:
                        self.receive(message)
            except (RedisError, OSError, TimeoutError) as error:
                if self._is_hearing:
                    LOG.warning("wake_ups.deaf", error=type(error).__name__)
            finally:
                self._is_hearing = False
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _keep_speaking(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                async with _client(self._redis_url) as client:
                    await client.ping()
                    backoff_s = BACKOFF_S_MIN
                    self._is_speaking = True
                    while True:
                        await self._has_outgoing.wait()
                        await self._speak(client)
            except (RedisError, OSError, TimeoutError):
                self._is_speaking = False
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _speak(self, client: Any) -> None:
        """Publish what waits. What was under way when the connection broke is not said twice: nobody knows who heard it."""
        together = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), TOGETHER_MAX))]
        if not self._outgoing:
            self._has_outgoing.clear()
        said = client.pipeline(transaction=False)
        for channel, message in together:
            said.publish(channel, message)
        try:
            await said.execute()
        except (RedisError, OSError, TimeoutError):
            self._dropped += len(together)
            raise


def _client(redis_url: str) -> Any:
    """A client that answers or fails: what to do then is decided here, and not by retries out of sight."""
    return redis.Redis.from_url(
        redis_url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_S_MAX,
        socket_connect_timeout=ANSWER_S_MAX,
    )


async def _subscribe(subscription: Any) -> None:
    """Listen on every channel, and wait until the server has confirmed the last.

    Raises:
        RedisError, OSError, TimeoutError: the server is not there, or does not confirm.
    """
    await subscription.subscribe(*(CHANNEL % number for number in range(CHANNELS)))
    unconfirmed = CHANNELS
    while unconfirmed:
        answer = await subscription.get_message(timeout=ANSWER_S_MAX)
        if answer is None:
            raise TimeoutError
        unconfirmed -= answer["type"] == "subscribe"


async def _next_message(subscription: Any) -> bytes | None:
    """The next message, however long it takes; None when the connection does not answer."""
    is_asked = False
    while True:
        message = await subscription.get_message(timeout=ANSWER_S_MAX if is_asked else QUIET_S_MAX)
        if message is not None and message["type"] == "message":
            return bytes(message["data"])
        if message is None:
            if is_asked:
                return None
            await subscription.ping()
        is_asked = message is None


def _portions(ids: Collection[UUID]) -> Iterable[list[bytes]]:
    """The ids in portions of at most `IDS_MAX`; no ids are one empty portion."""
    all_ids = [each.bytes for each in ids]
    return [all_ids[at : at + IDS_MAX] for at in range(0, len(all_ids), IDS_MAX)] or [[]]
