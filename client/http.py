"""Sends requests to the service, with retries.

Owns the rules for retries, the error for each refusal, and the distinction between a response of the service and one of a proxy.
Does not know events, the outbox or the mirror.
"""

from collections.abc import Callable, Mapping
from typing import Never

import httpx
import msgspec

from client.backoff import parse_retry_after
from client.environment import World
from client.errors import AnsweredByIntermediary, DeviceRevoked, FeedAhead, RefusedByService, ServiceUnreachable
from client.responses import Problem

# 408: our body arrived too slowly, as in a tunnel. 425: early data. In both cases the service did nothing.
TEMPORARY_STATUSES = frozenset({408, 425, 429})
TOO_LARGE = 413

PROBLEM_TYPE = "tag:stillnew.org,2026:problem/"
"""The prefix of `type` in the service's own problem documents; the `code` follows. A proxy's documents have another `type`."""

# The request never reached the service: even a request that must not be processed twice can be sent again.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CUT_OFF = (httpx.TransportError, httpx.DecodingError)

Body = Callable[[], bytes]
Query = Mapping[str, str | int]


class Wire:
    """An HTTP client of one service, with a device's token or, before pairing, without one."""

    def __init__(self, *, base_url: str, token: str | None, world: World) -> None:
        self.world = world
        self.client = world.client(base_url)
        if token is not None:
            self.client.headers["Authorization"] = f"Bearer {token}"

    async def ask(self, method: str, path: str, *, body: Body | None = None, query: Query | None = None) -> bytes:
        """Sends a request that the service may safely process twice, with retries, and returns the body of the response.

        `body` is called again for each attempt.

        Raises:
            ServiceUnreachable: no attempt succeeded.
            AnsweredByIntermediary: an intermediary answered the last attempt.
            DeviceRevoked, RefusedByService: the service refused the request.
        """
        return await self._ask(method, path, body=body, query=query, retry_on=CUT_OFF)

    async def ask_once(self, method: str, path: str, *, body: Body | None = None) -> bytes:
        """Sends a request that must not be processed twice, such as the founding of a family.

        Sends the request again only if it certainly did not reach the service, or if the service certainly did nothing with it.

        Raises the errors of `ask`.
        """
        return await self._ask(method, path, body=body, query=None, retry_on=NOT_SENT)

    async def _ask(
        self, method: str, path: str, *, body: Body | None, query: Query | None, retry_on: tuple[type[Exception], ...]
    ) -> bytes:
        backoff = self.world.backoff
        for attempt in range(1, backoff.attempts_max + 1):
            wanted_s: float | None = None
            intermediary: httpx.Response | None = None
            try:
                response = await self._attempt(method, path, body=body, query=query)
            except CUT_OFF as error:
                failure = f"{type(error).__name__} {error}".strip()
                may_retry = isinstance(error, retry_on)
            else:
                if is_from_service(response):
                    if response.is_success:
                        return response.content
                    if not is_temporary(response):
                        refuse(response)
                else:
                    intermediary = response
                failure = f"status {response.status_code}"
                wanted_s = parse_retry_after(response.headers.get("Retry-After"), now=self.world.now())
                # A 5xx may come after the request was processed; a 429 never does. A body that is too large stays too large.
                may_retry = retry_on is CUT_OFF or response.status_code in TEMPORARY_STATUSES
                may_retry = may_retry and response.status_code != TOO_LARGE
            is_too_long = wanted_s is not None and wanted_s > backoff.longest_retry_after_s
            if attempt == backoff.attempts_max or is_too_long or not may_retry:
                if intermediary is not None:
                    raise intermediary_error(intermediary, attempts=attempt, retry_after_s=wanted_s)
                raise ServiceUnreachable(last_failure=failure, attempts=attempt, retry_after_s=wanted_s)
            await self.world.sleep(max(wanted_s or 0.0, backoff.wait_s(failures=attempt, fraction=self.world.random.random())))
        raise AssertionError("a loop that returns or raises in its last round")

    async def _attempt(self, method: str, path: str, *, body: Body | None, query: Query | None) -> httpx.Response:
        headers = {} if body is None else {"Content-Type": "application/json"}
        return await self.client.request(method, path, content=None if body is None else body(), params=query, headers=headers)

    async def close(self) -> None:
        """Closes the connections."""
        await self.client.aclose()


def media_type_of(response: httpx.Response) -> str:
    """Returns the media type of a response, without parameters, or "" if the response states none."""
    named: str = response.headers.get("Content-Type", "")
    return named.partition(";")[0].strip().lower()


def is_from_service(response: httpx.Response, *, success_type: str = "application/json") -> bool:
    """Returns whether a response comes from the service itself and not from an intermediary, such as a proxy.

    A successful response of the service has the media type `success_type`, or the status 204. Any other response of the service
    is one of its own problem documents. The caller must have read the body of an error response.
    """
    if response.status_code == httpx.codes.NO_CONTENT:
        return True
    if response.is_success:
        return media_type_of(response) == success_type
    return problem_of(response) is not None


def problem_of(response: httpx.Response) -> Problem | None:
    """Returns the problem document of a response, or None if the body is not a problem document of the service."""
    if media_type_of(response) != "application/problem+json":
        return None
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    is_own = problem.code is not None and problem.type == PROBLEM_TYPE + problem.code
    return problem if is_own and problem.status == response.status_code else None


def is_temporary(response: httpx.Response) -> bool:
    """Returns whether the status is that of a temporary error, so that a later attempt may succeed."""
    return response.is_server_error or response.status_code in TEMPORARY_STATUSES


def intermediary_error(response: httpx.Response, *, attempts: int, retry_after_s: float | None = None) -> AnsweredByIntermediary:
    """Returns the error for a response that does not come from the service."""
    return AnsweredByIntermediary(
        status=response.status_code, media_type=media_type_of(response), attempts=attempts, retry_after_s=retry_after_s
    )


def refuse(response: httpx.Response) -> Never:
    """Raises the error for a response that is neither a success nor a temporary error. The caller must have read its body.

    Raises:
        AnsweredByIntermediary: the body is not a problem document of the service.
        DeviceRevoked: the status is 401.
        FeedAhead: the status is 409 and the code `feed.ahead`.
        RefusedByService: the body is any other problem document of the service.
    """
    problem = problem_of(response)
    if problem is None:
        raise intermediary_error(response, attempts=1)
    if response.status_code == 401:
        raise DeviceRevoked("the service does not take this device's token")
    kind = FeedAhead if (response.status_code, problem.code) == (409, "feed.ahead") else RefusedByService
    raise kind(status=response.status_code, code=problem.code, title=problem.title or "", detail=problem.detail, at=problem.at)
