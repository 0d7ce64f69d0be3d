"""One attempt: finds the host, dials one of the addresses that were looked at, posts, and hears the status.

Owns the connection of one webhook for one turn, and every bound of an attempt. Knows no rows and no meaning of what it sends.
What goes wrong on the way is one thing, no answer: no more of it is told, or kept.
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
"""A body is read only so that the connection can serve the next entry. One that is long or slow costs the connection."""
IDLE_S_MAX: Final = 5.0

WRONG: Final = (httpx.TransportError, OSError, ssl.SSLError, UnicodeError)
"""What the other side, or the network, can do to us."""


def trusted() -> ssl.SSLContext:
    """Whom to believe: the usual authorities, and nothing that the environment names."""
    return httpx.create_ssl_context(trust_env=False)


class Attempt:
    """The way to one target. Open for one turn of one webhook: no two of them ever share a connection."""

    def __init__(self, target: ParsedUrl, *, reach: EgressPolicy, tls: ssl.SSLContext, s_max: float = ATTEMPT_S_MAX) -> None:
        self._target = target
        self._reach = reach
        self._s_max = s_max
        # The bare transport: no redirects, no cookies, no proxies, no credentials out of a file, no content encodings.
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
        """Post once, and give the status of the answer; None where there was none in time, or nowhere to send it."""
        try:
            async with asyncio.timeout(self._s_max):
                answer = await self._first_answer(await self._reach.find(self._target), body, headers)
        except (Unreachable, TimeoutError, *WRONG):
            return None
        if answer is None:
            return None
        await _pass_over(answer)
        return answer.status_code

    async def _first_answer(
        self, addresses: Sequence[Address], body: bytes, headers: Sequence[tuple[str, str]]
    ) -> httpx.Response | None:
        for address in addresses:
            try:
                return await self._transport.handle_async_request(self._request(address, body, headers))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing was sent: the host's next address may be better, as where one network has no IPv6.
                continue
        return None

    def _request(self, address: Address, body: bytes, headers: Sequence[tuple[str, str]]) -> httpx.Request:
        return httpx.Request(
            "POST",
            # Pinned: what was looked at is what is dialled. The host's own name stays in Host and in TLS.
            self._target.at(address),
            headers=[("host", self._target.named), *headers],
            content=body,
            extensions={
                "timeout": dict.fromkeys(("read", "write", "pool"), self._s_max) | {"connect": CONNECT_S_MAX},
                "sni_hostname": self._target.host.removesuffix("."),
            },
        )


async def _pass_over(answer: httpx.Response) -> None:
    """Read a short body, and give up on any other. The answer was given by its status."""
    assert isinstance(answer.stream, httpx.AsyncByteStream), "an asynchronous transport answers so"
    read = 0
    with contextlib.suppress(TimeoutError, *WRONG):
        async with asyncio.timeout(ANSWER_S_MAX):
            async for part in answer.stream:
                read += len(part)
                if read > ANSWER_BYTES_MAX:
                    break
    with contextlib.suppress(*WRONG):
        await answer.aclose()
