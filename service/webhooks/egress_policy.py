"""Decides to which addresses a webhook may connect. Parses the webhook's URL and resolves its host.

A member names the URL, but the service sends from inside an operator's network. So the service connects to public addresses only.
The check covers every spelling of an address, every address that a name resolves to, and later changes of the name's addresses.
Knows no rows and no HTTP.
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
"""A function that returns the addresses of a host as strings, or raises OSError. Runs in a thread, because it may block."""

URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f.]{0,4}:[0-9A-Fa-f:.]{1,45}\])"
    r"(?P<port>:[0-9]{1,5})?"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
"""The form of an accepted URL, narrower than RFC 3986. URLs that two parsers might read differently do not match, such as URLs
with a user name, a backslash, a space or a character outside of ASCII."""

LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""The form of the last label in host names that C libraries read as IPv4 addresses: 127.1, 0x7f000001, 2130706433."""

MAPPED: Final = tuple(IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96"))
"""The networks of IPv6 addresses that contain an IPv4 address: mapped addresses (RFC 4291) and NAT64 addresses (RFC 6052)."""

UNICAST: Final = IPv6Network("2000::/3")
"""The network of all global IPv6 unicast addresses."""

SPECIAL_PURPOSE: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""The networks in IANA's registries of special-purpose addresses. Addresses are compared with these networks in addition to
`is_global`, because the networks of `is_global` differ between releases of Python. 2001::/23 (with Teredo) and 2002::/16 (6to4)
are listed because addresses in these two networks contain an IPv4 address, and this IPv4 address is not checked."""

RESOLVE_S_MAX: Final = 5.0
LOOKUPS_MAX: Final = 64
"""Number of threads that resolve hosts. A look-up cannot be cancelled, and may take half a minute if the name server is dead."""
ADDRESSES_TRIED_MAX: Final = 3


class Unreachable(Exception):
    """The host has no address, or has an address that is not public.

    Both cases are the same error, so that the error reveals nothing about the operator's network.
    """


@dataclass(frozen=True, kw_only=True)
class ParsedUrl:
    """A parsed URL. `host` is in lower case. If `host` is an IPv6 address, it has no brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """The value of the Host header: the host, and the port if it is not the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def at(self, address: Address) -> str:
        """Returns the URL with an address in place of the host, so that the host is not resolved again."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path or '/'}"


def target_of(url: str) -> ParsedUrl:
    """Parses a URL. Does not check whether the host is public.

    Raises:
        UrlNotAllowed: the URL is not an HTTP URL, or two parsers might read the URL differently.
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
    """Returns the addresses of a host in the order in which the system's resolver returns them. Each address occurs once."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclass(frozen=True, kw_only=True)
class EgressPolicy:
    """The rule for the targets of webhooks.

    If `allow_private` is true, http and every address are allowed. This is for tests, and for a service in a home network.
    """

    allow_private: bool = False
    resolve: Resolve = addresses_of
    resolve_s_max: float = RESOLVE_S_MAX
    _threads: ThreadPoolExecutor = field(
        init=False, repr=False, default_factory=lambda: ThreadPoolExecutor(LOOKUPS_MAX, thread_name_prefix="webhooks")
    )

    def read(self, url: str) -> ParsedUrl:
        """Parses a URL that a member names.

        Raises:
            UrlNotAllowed: the URL is malformed. Without `allow_private`, also if the URL is not HTTPS, or if its host is neither
                a public address nor a name with a dot.
        """
        target = target_of(url)
        if not self._may_be_named(target):
            raise UrlNotAllowed
        return target

    def _may_be_named(self, target: ParsedUrl) -> bool:
        if self.allow_private:
            return True
        try:
            return target.scheme == "https" and is_public(ip_address(target.host))
        except ValueError:
            # A name without a dot would be resolved in the search domains of this machine.
            return "." in target.host.removesuffix(".")

    async def find(self, target: ParsedUrl) -> tuple[Address, ...]:
        """Resolves the host, and returns at most three of its addresses in the resolver's order.

        Checks all addresses of the host.

        Raises:
            Unreachable: the host has no address, no address was found in time, or one of the addresses is not public.
        """
        # Checked again at each attempt: the webhook may have been made while private addresses were allowed.
        if not self._may_be_named(target):
            raise Unreachable
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.resolve_s_max):
                texts = await loop.run_in_executor(self._threads, self.resolve, target.host, target.port)
            found = [ip_address(text) for text in texts]
        except (OSError, TimeoutError, ValueError):
            raise Unreachable from None
        # An attacker's name can have one private address among public ones.
        if not found or not all(self.is_allowed(address) for address in found):
            raise Unreachable
        return tuple(found[:ADDRESSES_TRIED_MAX])

    def is_allowed(self, address: Address) -> bool:
        """Checks whether a connection to this address is allowed."""
        return self.allow_private or is_public(address)


def is_public(address: Address) -> bool:
    """Returns whether an address is public. For an IPv6 address in a network of `MAPPED`, checks the IPv4 address inside."""
    if isinstance(address, IPv6Address):
        if any(address in network for network in MAPPED):
            return is_public(IPv4Address(address.packed[12:]))
        if address not in UNICAST or address.scope_id is not None:
            return False
    is_special = any(address.version == network.version and address in network for network in SPECIAL_PURPOSE)
    return address.is_global and not is_special
