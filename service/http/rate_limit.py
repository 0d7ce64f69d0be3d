"""Limits the request rate: one token bucket per device and kind of request, one per address for callers without a token.

Owns the buckets of this process; knows no route and no row. Uses no library: the push route has only some microseconds for
this check, and a library's moving windows with string keys and storage layers cost more. Each worker process counts for
itself, so a device that reaches n workers has n times the limit.
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
"""The size of a bucket, in seconds: the requests of this many seconds may arrive at once."""
BUCKETS_MAX: Final = 50_000
"""The bound on the buckets in memory, about 200 bytes each. The least recently used bucket, usually a full one, is evicted."""


class Kind(Enum):
    """The kind of a request, which selects its rate limit."""

    PUSH = "push"
    DRAFTS = "drafts"
    """The drafts inside pushes: one push of 256 drafts costs the log about as much as 100 pushes of one draft."""
    READ = "read"
    ACCESS = "access"
    STRANGER = "stranger"
    FREE = "free"
    """Health checks and metrics, without a limit: monitoring must never be refused."""


class Limits:
    """The buckets of one process."""

    def __init__(self, *, per_s_by_kind: dict[Kind, float], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s_by_kind = per_s_by_kind
        self._clock_s = clock_s
        self._buckets: OrderedDict[tuple[Kind, Hashable], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, kind: Kind, caller: Hashable, *, count: int = 1) -> None:
        """Takes `count` tokens from the caller's bucket.

        Raises:
            TooManyRequests: the bucket has too few tokens. `retry_after_s` states after how many whole seconds it has enough.
        """
        per_s = self._per_s_by_kind.get(kind, 0.0)
        if per_s == 0.0:
            return
        key, now = (kind, caller), self._clock_s()
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
    """Returns the rate limits from the settings."""
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
    """Returns the key of the bucket for a caller without a token: the caller's address or network."""
    client = scope.get("client")
    return address_or_network(client[0] if client else None)


def address_or_network(address: str | None) -> str:
    """Returns an IPv4 address unchanged, and the /64 network of an IPv6 address: one caller usually owns the whole network."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
