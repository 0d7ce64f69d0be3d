"""Which addresses a webhook may go to, and which it means. Owns the reading of its URL and the finding of its host.

A member names an address, and this service, which stands inside of somebody's network, sends there: so none that is not
public is ever dialled, however it is written, whatever a name resolves to, and whenever it does. Knows no rows and no HTTP.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from service.webhooks.errors import UrlNotAllowed

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as texts; OSError where there are none. May block: it is called in a thread."""

URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f.]{0,4}:[0-9A-Fa-f:.]{1,45}\])"
    r"(?P<port>:[0-9]{1,5})?"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
"""Narrower than RFC 3986: what two parsers might read in two ways (user, backslash, space, other scripts) is not matched."""

LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that C libraries take for a part of an IPv4 address: 127.1, 0x7f000001, 2130706433."""

MAPPED: Final = tuple(IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96"))
"""IPv4 addresses in other clothes: mapped ones (RFC 4291), and what NAT64 makes of them (RFC 6052)."""

UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that was ever given out to be routed."""

NOWHERE: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""The IANA registries of special-purpose addresses. Named here beside `is_global`, whose list differs between releases of
Python; 2001::/32 (Teredo) and 2002::/16 (6to4) carry IPv4 addresses through tunnels."""

RESOLVE_S_MAX: Final = 5.0
RESOLVING_MAX: Final = 64
"""Threads: a look-up cannot be called off, and one for a dead name server may last half a minute."""
ADDRESSES_TRIED_MAX: Final = 3


class Unreachable(Exception):
    """The host has no address, or one that is not public. Which of them is nobody's to know."""


@dataclass(frozen=True, kw_only=True)
class ParsedUrl:
    """A URL, read. `host` is in lower case, an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """The host as a Host header names it, with the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def at(self, address: Address) -> str:
        """The URL with an address in its host's place, so that nobody looks the host up again."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path or '/'}"


def target_of(url: str) -> ParsedUrl:
    """Read a URL, whatever is at its end.

    Raises:
        UrlNotAllowed: it is none of HTTP, or has two readings.
    """
    found = URL.fullmatch(url)
    if found is None:
        raise UrlNotAllowed
    port = int(found["port"][1:]) if found["port"] else 443 if found["scheme"] == "https" else 80
    host = found["host"].lower().strip("[]")
    if not 1 <= port <= 65_535 or not _is_host(host):
        raise UrlNotAllowed
    return ParsedUrl(scheme=found["scheme"], host=host, port=port, path=found["path"])


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        labels = host.removesuffix(".").split(".")
        return NUMBER.fullmatch(labels[-1]) is None and all(LABEL.fullmatch(label) for label in labels)
    return True


def addresses_of(host: str, port: int) -> Sequence[str]:
    """What the system says, in the order in which it would try them."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclass(frozen=True, kw_only=True)
class EgressPolicy:
    """How far webhooks go. `allow_private` is for tests, and for a service within one's own four walls: http, and any address."""

    allow_private: bool = False
    resolve: Resolve = addresses_of
    resolve_s_max: float = RESOLVE_S_MAX
    _threads: ThreadPoolExecutor = field(
        init=False, repr=False, default_factory=lambda: ThreadPoolExecutor(RESOLVING_MAX, thread_name_prefix="webhooks")
    )

    def read(self, url: str) -> ParsedUrl:
        """Read a URL that a member names.

        Raises:
            UrlNotAllowed: for its form, or for what it says of an address that is not public.
        """
        target = target_of(url)
        if not self._may_be_asked_for(target):
            raise UrlNotAllowed
        return target

    def _may_be_asked_for(self, target: ParsedUrl) -> bool:
        if self.allow_private:
            return True
        try:
            return target.scheme == "https" and is_public(ip_address(target.host))
        except ValueError:
            # A name without a dot is found in this machine's own search list.
            return "." in target.host.removesuffix(".")

    async def find(self, target: ParsedUrl) -> tuple[Address, ...]:
        """The addresses to dial, in order, at most three. Every one that the host has was looked at.

        Raises:
            Unreachable: none, not in time, or among them one that is not public.
        """
        # Asked again at each attempt: the address may be from a time in which this service was within its own four walls.
        if not self._may_be_asked_for(target):
            raise Unreachable
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.resolve_s_max):
                texts = await loop.run_in_executor(self._threads, self.resolve, target.host, target.port)
            found = [ip_address(text) for text in texts]
        except (OSError, TimeoutError, ValueError):
            raise Unreachable from None
        # One private address among public ones is how a name is made that is public when it is looked at.
        if not found or not all(self.is_allowed(address) for address in found):
            raise Unreachable
        return tuple(found[:ADDRESSES_TRIED_MAX])

    def is_allowed(self, address: Address) -> bool:
        """Checks whether this address may be dialled."""
        return self.allow_private or is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, by itself and by the IPv4 address that it may carry."""
    if isinstance(address, IPv6Address):
        if any(address in network for network in MAPPED):
            return is_public(IPv4Address(address.packed[12:]))
        if address not in UNICAST or address.scope_id is not None:
            return False
    is_special = any(address.version == network.version and address in network for network in NOWHERE)
    return address.is_global and not is_special
