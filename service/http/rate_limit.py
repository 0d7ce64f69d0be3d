"""How often who may ask: one token bucket a device and kind of request, one an address for callers without a token.

Owns the buckets of this process; knows no route and no row. Written here because the push route has some microseconds
for it: a library's moving windows, with their strings for keys and their storage layers, cost more than the whole check.
Several workers count each for themselves, so that a device which reaches all of them has as many times the limit.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Final

from service.http.asgi import Scope
from service.http.problems import TooManyRequests
from service.settings import Settings

BURST_S: Final = 10.0
"""This many seconds' worth may come at once."""
BUCKETS_MAX: Final = 50_000
"""A bucket is some 200 bytes. The one that was used longest ago goes first, and by then is full again, mostly."""


class Kind(Enum):
    """What a request asks for, as far as limits care."""

    PUSH = "push"
    DRAFTS = "drafts"
    """What is in the pushes: one of 256 costs the log about as much as 100 of one."""
    READ = "read"
    ACCESS = "access"
    STRANGER = "stranger"
    FREE = "free"
    """Health and metrics: whoever watches must not be turned away."""


class Limits:
    """All buckets of one process."""

    def __init__(self, *, per_s_by_kind: dict[Kind, float], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s_by_kind = per_s_by_kind
        self._clock_s = clock_s
        self._buckets: OrderedDict[tuple[Kind, Hashable], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, kind: Kind, who: Hashable, *, count: int = 1) -> None:
        """Count one request, or what it holds.

        Raises:
            TooManyRequests: with the whole seconds after which the next one passes.
        """
        per_s = self._per_s_by_kind.get(kind, 0.0)
        if per_s == 0.0:
            return
        key, now = (kind, who), self._clock_s()
        burst = max(1.0, per_s * BURST_S)
        wanted = min(float(count), burst)
        held, since = self._buckets.pop(key, (burst, now))
        held = min(burst, held + (now - since) * per_s)
        self._buckets[key] = (held - wanted if held >= wanted else held, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        if held < wanted:
            raise TooManyRequests(retry_after_s=max(1, math.ceil((wanted - held) / per_s)))


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings name."""
    return Limits(
        per_s_by_kind={
            Kind.PUSH: settings.limit_push,
            Kind.DRAFTS: settings.limit_drafts,
            Kind.READ: settings.limit_read,
            Kind.ACCESS: settings.limit_access,
            Kind.STRANGER: settings.limit_strangers,
        }
    )


def address_of(scope: Scope) -> str:
    """What a caller whom nothing else tells apart is counted by."""
    client = scope.get("client")
    return neighbourhood(client[0] if client else None)


def neighbourhood(address: str | None) -> str:
    """The address that a stranger is counted by: an IPv4 address, or an IPv6 network of /64, which one caller owns whole."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
