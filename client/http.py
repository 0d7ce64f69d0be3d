"""One question to the service, asked with patience.

Owns requests, the policy of trying again, and the reading of refusals; and who answered: the service, or a stranger on the
way. Knows no event, no outbox and no mirror.
"""

from collections.abc import Callable, Mapping
from typing import Never

import httpx
import msgspec

from client.answers import Problem
from client.backoff import told_wait_s
from client.environment import World
from client.errors import AnsweredByStranger, DeviceRevoked, FeedAhead, RefusedByService, ServiceUnreachable

# 408: our body was slow, say in a tunnel. 425: early data. Neither did anything.
PASSING_STATUSES = frozenset({408, 425, 429})
TOO_LARGE = 413

PROBLEM_TYPE = "tag:stillnew.org,2026:problem/"
"""A problem document is the service's own where its `type` is this and its `code`: gateways have documents of the kind, too."""

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
            ServiceUnreachable: patience ran out. AnsweredByStranger: a stranger had the last word.
            DeviceRevoked, RefusedByService: the service said no.
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
            stranger: httpx.Response | None = None
            try:
                answer = await self._attempt(method, path, body=body, query=query)
            except CUT_OFF as error:
                failure = f"{type(error).__name__} {error}".strip()
                is_worth_another = isinstance(error, again_after)
            else:
                if is_from_service(answer):
                    if answer.is_success:
                        return answer.content
                    if not is_passing(answer):
                        refuse(answer)
                else:
                    stranger = answer
                failure = f"status {answer.status_code}"
                told_s = told_wait_s(answer.headers.get("Retry-After"), now=self.world.now())
                # A 5xx may come after the deed was done; a 429 never does. What is too large once is so again.
                is_worth_another = again_after is CUT_OFF or answer.status_code in PASSING_STATUSES
                is_worth_another = is_worth_another and answer.status_code != TOO_LARGE
            is_too_long = told_s is not None and told_s > backoff.longest_told_s
            if attempt == backoff.attempts_max or is_too_long or not is_worth_another:
                if stranger is not None:
                    raise stranger_of(stranger, attempts=attempt, retry_after_s=told_s)
                raise ServiceUnreachable(last_failure=failure, attempts=attempt, retry_after_s=told_s)
            await self.world.sleep(max(told_s or 0.0, backoff.wait_s(failures=attempt, roll=self.world.dice.random())))
        raise AssertionError("a loop that returns or raises in its last round")

    async def _attempt(self, method: str, path: str, *, body: Body | None, query: Query | None) -> httpx.Response:
        headers = {} if body is None else {"Content-Type": "application/json"}
        return await self.client.request(method, path, content=None if body is None else body(), params=query, headers=headers)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


def media_type_of(answer: httpx.Response) -> str:
    """The media type of an answer, without its parameters; "" where it names none."""
    named: str = answer.headers.get("Content-Type", "")
    return named.partition(";")[0].strip().lower()


def is_from_service(answer: httpx.Response, *, speaks: str = "application/json") -> bool:
    """Whether the service itself answered. `speaks`: the media type of its success. The body of a refusal has been read.

    A success without a body has no type. Anything else that is neither such a success nor a problem document of the service's
    own comes from somebody on the way.
    """
    if answer.status_code == httpx.codes.NO_CONTENT:
        return True
    if answer.is_success:
        return media_type_of(answer) == speaks
    return problem_of(answer) is not None


def problem_of(answer: httpx.Response) -> Problem | None:
    """The service's own problem document; None where the answer is none."""
    if media_type_of(answer) != "application/problem+json":
        return None
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    is_own = problem.code is not None and problem.type == PROBLEM_TYPE + problem.code
    return problem if is_own and problem.status == answer.status_code else None


def is_passing(answer: httpx.Response) -> bool:
    """Whether an answer of this status may be another one in a while."""
    return answer.is_server_error or answer.status_code in PASSING_STATUSES


def stranger_of(answer: httpx.Response, *, attempts: int, retry_after_s: float | None = None) -> AnsweredByStranger:
    """The error that an answer is which does not come from the service."""
    return AnsweredByStranger(
        status=answer.status_code, media_type=media_type_of(answer), attempts=attempts, retry_after_s=retry_after_s
    )


def refuse(answer: httpx.Response) -> Never:
    """Raise what an answer that is neither success nor passing means. Its body has been read.

    Raises:
        AnsweredByStranger: it is no problem document of the service's own.
        DeviceRevoked: 401.
        FeedAhead: 409 with that code.
        RefusedByService: any other.
    """
    problem = problem_of(answer)
    if problem is None:
        raise stranger_of(answer, attempts=1)
    if answer.status_code == 401:
        raise DeviceRevoked("the service does not take this device's token")
    kind = FeedAhead if (answer.status_code, problem.code) == (409, "feed.ahead") else RefusedByService
    raise kind(status=answer.status_code, code=problem.code, title=problem.title or "", detail=problem.detail, at=problem.at)
