"""The clock, the dice and the network of one device.

Owns what is not the device itself, so that a simulation can hand in its own time, its own luck and its own wires.
Knows nothing of drafts or feeds.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from uuid import UUID

import httpx

from client.backoff import Backoff


def local_now() -> datetime:
    """The device's clock, with the offset of the place where it is."""
    return datetime.now().astimezone()


@cache
def trusted_certificates() -> ssl.SSLContext:
    """The system's trust store: loading it takes some 20 ms, which every device of a simulation would pay again."""
    return ssl.create_default_context()


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a device asks of its surroundings.

    `now` answers a time with an offset. `dice` makes ids and jitter. `sleep` waits for seconds. `transport`
    replaces the sockets. `silence_s_max` ends a live stream on which not even a heartbeat came (they come every 15 s).
    """

    now: Callable[[], datetime] = local_now
    dice: random.Random = field(default_factory=random.SystemRandom)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    transport: httpx.AsyncBaseTransport | None = None
    backoff: Backoff = field(default_factory=Backoff)
    connect_s_max: float = 10.0
    answer_s_max: float = 30.0
    silence_s_max: float = 45.0

    def draft_id(self) -> UUID:
        """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 of dice."""
        milliseconds = int(self.now().timestamp() * 1000) & ((1 << 48) - 1)
        high = self.dice.getrandbits(12)
        low = self.dice.getrandbits(62)
        return UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)

    def client(self, base_url: str) -> httpx.AsyncClient:
        """A new HTTP client, bound to the event loop that first uses it."""
        return httpx.AsyncClient(
            base_url=base_url,
            transport=self.transport,
            verify=trusted_certificates(),
            timeout=httpx.Timeout(self.answer_s_max, connect=self.connect_s_max),
            headers={"Accept": "application/json"},
        )
