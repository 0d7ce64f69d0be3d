"""Makes one delivery attempt: resolves the host, connects to one of the checked addresses, posts, and reads the status.

Owns the connection of one webhook during one turn (see `delivery`), and every bound of an attempt. Reads no rows, and does not
interpret the posted entry. Every failure before a response counts as "no answer". The details of a failure are neither reported
nor stored.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import httpx

from service.webhooks.egress_policy import Address, EgressPolicy, ParsedUrl, Unreachable

CONNECT_S_MAX: Final = 5.0
ATTEMPT_S_MAX: Final = 15.0
ANSWER_BYTES_MAX: Final = 1_024
ANSWER_S_MAX: Final = 1.0
"""Seconds for the body of a response. The body is read only so that the connection can be used for the next entry. If the body
is slower, or longer than `ANSWER_BYTES_MAX`, the connection is closed."""
IDLE_S_MAX: Final = 5.0

NETWORK_ERRORS: Final = (httpx.TransportError, OSError, ssl.SSLError, UnicodeError)
"""The errors that the receiver or the network can cause. After such an error, an attempt counts as "no answer"."""


def trusted_authorities() -> ssl.SSLContext:
    """Returns a TLS context that trusts the authorities of the package `certifi`.

    Ignores environment variables with other authorities.
    """
    return httpx.create_ssl_context(trust_env=False)


class Attempt:
    """The connection to the target of one webhook, open during one turn. Two webhooks never share a connection."""

    def __init__(self, target: ParsedUrl, *, egress: EgressPolicy, tls: ssl.SSLContext, s_max: float = ATTEMPT_S_MAX) -> None:
        self._target = target
        self._egress = egress
        self._s_max = s_max
        # The bare transport, because it has no redirects, cookies, proxies, credentials from a file or content encodings.
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_S_MAX),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._transport.aclose()

    async def send(self, body: bytes, headers: Sequence[tuple[str, str]]) -> int | None:
        """Posts a message once, and returns the status of the response.

        Returns None if no response came in time, or if the host has no address or an address that is not allowed.
        """
        try:
            async with asyncio.timeout(self._s_max):
                answer = await self._first_response(await self._egress.find(self._target), body, headers)
        except (Unreachable, TimeoutError, *NETWORK_ERRORS):
            return None
        if answer is None:
            return None
        await _discard_body(answer)
        return answer.status_code

    async def _first_response(
        self, addresses: Sequence[Address], body: bytes, headers: Sequence[tuple[str, str]]
    ) -> httpx.Response | None:
        for address in addresses:
            try:
                return await self._transport.handle_async_request(self._request(address, body, headers))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing was sent. The host's next address may work, as in a network without IPv6.
                continue
        return None

    def _request(self, address: Address, body: bytes, headers: Sequence[tuple[str, str]]) -> httpx.Request:
        return httpx.Request(
            "POST",
            # The connection goes to the checked address. The Host header and TLS still use the name of the host.
            self._target.at(address),
            headers=[("host", self._target.named), *headers],
            content=body,
            extensions={
                "timeout": dict.fromkeys(("read", "write", "pool"), self._s_max) | {"connect": CONNECT_S_MAX},
                "sni_hostname": self._target.host.removesuffix("."),
            },
        )


async def _discard_body(answer: httpx.Response) -> None:
    """Reads and drops the body of a response. Stops if the body is long or slow, because only the response's status matters."""
    assert isinstance(answer.stream, httpx.AsyncByteStream), "an asynchronous transport returns such a stream"
    read = 0
    with contextlib.suppress(TimeoutError, *NETWORK_ERRORS):
        async with asyncio.timeout(ANSWER_S_MAX):
            async for part in answer.stream:
                read += len(part)
                if read > ANSWER_BYTES_MAX:
                    break
    with contextlib.suppress(*NETWORK_ERRORS):
        await answer.aclose()
