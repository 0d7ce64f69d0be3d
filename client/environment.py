"""Defines the clock, the random numbers and the network of one device.

Owns everything outside of the device on which the device's code depends, so that a simulation can replace it. Does not know
drafts or feeds.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random, SystemRandom
from uuid import UUID

import httpx

from client.backoff import Backoff


def local_now() -> datetime:
    """Returns the time of the device's clock, with the offset of its time zone."""
    return datetime.now().astimezone()


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Returns the system's trust store. It takes some 20 ms to load, so the devices of a simulation share one by the cache."""
    return ssl.create_default_context()


@dataclass(frozen=True, kw_only=True)
class World:
    """The clock, the randomness, the network and the time limits of a device.

    `now` returns a time with an offset. `random` makes ids and jitter. `sleep` waits for a number of seconds. `transport`
    replaces the sockets. `answer_s_max` is the longest wait for the next byte of a response. A live stream without data for
    `silence_s_max` seconds is closed; the service sends a heartbeat every 15 s.
    """

    now: Callable[[], datetime] = local_now
    random: Random = field(default_factory=SystemRandom)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    transport: httpx.AsyncBaseTransport | None = None
    backoff: Backoff = field(default_factory=Backoff)
    connect_s_max: float = 10.0
    answer_s_max: float = 30.0
    silence_s_max: float = 45.0

    def draft_id(self) -> UUID:
        """Returns a new UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits."""
        milliseconds = int(self.now().timestamp() * 1000) & ((1 << 48) - 1)
        high = self.random.getrandbits(12)
        low = self.random.getrandbits(62)
        return UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)

    def client(self, base_url: str) -> httpx.AsyncClient:
        """Returns a new HTTP client, to be used in one event loop."""
        return httpx.AsyncClient(
            base_url=base_url,
            transport=self.transport,
            verify=trusted_certificates(),
            timeout=httpx.Timeout(self.answer_s_max, connect=self.connect_s_max),
            headers={"Accept": "application/json"},
        )
