"""One question to the service, asked with patience.

Owns requests, the policy of trying again, and the reading of refusals. Knows no event, no outbox and no mirror.
"""

from collections.abc import Callable, Mapping
from typing import Never

import httpx
import msgspec

from client.answers import Problem
from client.backoff import told_wait_s
from client.errors import DeviceRevoked, FeedAhead, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.world import World

# 408: our body was slow, say in a tunnel. 425: early data. Neither did anything.
PASSING_STATUSES = frozenset({408, 425, 429})

# The request never left, or was turned away at the door: even a question that must not be asked twice may be asked again.
NEVER_ASKED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CUT_OFF = (httpx.TransportError, httpx.DecodingError)

Body = Callable[[], bytes]
Query = Mapping[str, str | int]


class Wire:
    """The way to one service, as one device or as nobody yet."""

    def __init__(self, *, base_url: str, token: str | None, world: World) -> None:
        self.world = world
        self.client = world.client(base_url)
        if token is not None:
            self.client.headers["Authorization"] = f"Bearer {token}"

    async def ask(self, method: str, path: str, *, body: Body | None = None, query: Query | None = None) -> bytes:
        """Ask what may be asked twice, until it is answered. `body` is made afresh for each attempt.

        Raises:
            ServiceUnreachable: patience ran out.
            DeviceRevoked, RefusedByService, ServiceMisspoke: the service said no, or nothing that we know.
        """
        return await self._ask(method, path, body=body, query=query, again_after=CUT_OFF)

    async def ask_once(self, method: str, path: str, *, body: Body | None = None) -> bytes:
        """Ask what must not happen twice, such as founding a family: again only where it surely was not heard.

        Raises: as `ask`.
        """
        return await self._ask(method, path, body=body, query=None, again_after=NEVER_ASKED)

    async def _ask(
        self, method: str, path: str, *, body: Body | None, query: Query | None, again_after: tuple[type[Exception], ...]
    ) -> bytes:
        backoff = self.world.backoff
        for attempt in range(1, backoff.attempts_max + 1):
            told_s: float | None = None
            try:
                answer = await self._attempt(method, path, body=body, query=query)
            except CUT_OFF as error:
                failure = f"{type(error).__name__} {error}".strip()
                is_worth_another = isinstance(error, again_after)
            else:
                if answer.is_success:
                    return answer.content
                if answer.status_code not in PASSING_STATUSES and not answer.is_server_error:
                    refuse(answer)
                failure = f"status {answer.status_code}"
                told_s = told_wait_s(answer.headers.get("Retry-After"), now=self.world.now())
                # A 5xx may come after the deed was done; a 429 never does.
                is_worth_another = again_after is CUT_OFF or answer.status_code in PASSING_STATUSES
            is_too_long = told_s is not None and told_s > backoff.longest_told_s
            if attempt == backoff.attempts_max or is_too_long or not is_worth_another:
                raise ServiceUnreachable(last_failure=failure, attempts=attempt, retry_after_s=told_s)
            await self.world.sleep(max(told_s or 0.0, backoff.wait_s(failures=attempt, roll=self.world.dice.random())))
        raise AssertionError("a loop that returns or raises in its last round")

    async def _attempt(self, method: str, path: str, *, body: Body | None, query: Query | None) -> httpx.Response:
        headers = {} if body is None else {"Content-Type": "application/json"}
        return await self.client.request(method, path, content=None if body is None else body(), params=query, headers=headers)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


def refuse(answer: httpx.Response) -> Never:
    """Raise what an answer that is neither success nor passing means. Its body has been read.

    Raises:
        DeviceRevoked: 401.
        FeedAhead: 409 with that code.
        RefusedByService: any other 4xx.
        ServiceMisspoke: anything else, such as the redirect of a hotel's login page.
    """
    if answer.status_code == 401:
        raise DeviceRevoked("the service does not take this device's token")
    if not answer.is_client_error:
        raise ServiceMisspoke(f"status {answer.status_code} {answer.headers.get('Location', '')}".strip())
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = Problem(title=answer.reason_phrase)
    kind = FeedAhead if (answer.status_code, problem.code) == (409, "feed.ahead") else RefusedByService
    raise kind(status=answer.status_code, code=problem.code, title=problem.title or "", detail=problem.detail, at=problem.at)
