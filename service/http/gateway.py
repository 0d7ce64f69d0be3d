"""Receives every request: finds its route, authenticates the caller, limits the rate, writes a log line, sends refusals.

Owns the steps that all requests share, so that no route can omit a step. Behind the gateway, push and live are plain ASGI, and
litestar runs all other routes. Knows no event and no row.
"""

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog

from events.errors import Refused
from events.ids import FamilyId
from service.access.guard import Caller, Membership
from service.http.asgi import HEADERS_BY_NAME, HOST, App, Message, Receive, Scope, Send
from service.http.body import Disconnected, NoQuery, query_of
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import (
    AddressTooLong,
    Crashed,
    HostInvalid,
    MethodNotAllowed,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    bytes_of,
    headers_of,
    refusal_of,
)
from service.http.rate_limit import Kind, address_of
from service.http.router import Route, Router
from service.runtime import Runtime
from service.telemetry import REQUEST_ID, Metrics, RequestLine, described

QUERY_BYTES_MAX: Final = 2_048
REQUEST_ID_FORM: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
CLIENT_CLOSED: Final = 499
"""The status in the log line of a request whose caller closed the connection before a response was sent. It is never sent."""

logger = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class MatchedRoute:
    """The declaration and the ASGI application of one method of one route."""

    endpoint: Endpoint
    app: App


class ResponseSender:
    """The sender of one response. It adds the headers that every response has, and records the status."""

    __slots__ = ("_is_head", "_request_id", "_send", "always", "ended_at_s", "status")

    def __init__(self, send: Send, *, request_id: bytes, is_head: bool) -> None:
        self._send = send
        self._request_id = request_id
        self._is_head = is_head
        self.always: tuple[tuple[bytes, bytes], ...] = ()
        """Headers of every response of the matched route."""
        self.status = 0
        self.ended_at_s = 0.0

    async def send(self, message: Message) -> None:
        """Sends an ASGI message. Adds the common headers to the start of a response, and removes the body for HEAD."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            common = (b"x-request-id", self._request_id), (b"x-content-type-options", b"nosniff")
            headers = [*message.get("headers", ()), *self.always, *common]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        elif self._is_head and message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await self._send(message)

    async def refuse(self, refusal: Refused) -> None:
        """Sends a problem document as the response."""
        body = bytes_of(refusal)
        headers = [*headers_of(refusal), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


class Gateway:
    """The ASGI application. `runtime` is set from startup to shutdown."""

    def __init__(self, *, router: Router[MatchedRoute], framework: App, log_request: Callable[[RequestLine], None]) -> None:
        self.router = router
        self._framework = framework
        self._log_request = log_request
        self.metrics = Metrics()
        self._counters_by_label: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self.runtime: Runtime | None = None
        self.when_start_fails: Callable[[Exception], None] = _ignore_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._framework(scope, receive, send)
            case "http":
                await self._respond(scope, receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1008})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = time.perf_counter()
        by_name: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for name, value in scope["headers"]:
            by_name[name].append(value)
        scope[HEADERS_BY_NAME] = by_name
        request_id = by_name.get(b"x-request-id", (b"",))[0]
        if REQUEST_ID_FORM.fullmatch(request_id) is None:
            request_id = os.urandom(12).hex().encode()
        REQUEST_ID.set(request_id.decode())
        sender = ResponseSender(send, request_id=request_id, is_head=scope["method"] == "HEAD")
        found = self.router.find(scope.get("raw_path") or scope["path"].encode("latin-1", "replace"))
        code = None
        try:
            code = await self._dispatch(scope, receive, sender, found)
        except Disconnected:
            sender.status = sender.status or CLIENT_CLOSED
        except Exception as error:  # noqa: BLE001 - the outermost handler: every error is logged and becomes a response
            code = await self._refuse(sender, error)
        finally:
            seconds = time.perf_counter() - started_s
            self._log_response(scope, found, sender, code=code, seconds=seconds, request_id=request_id.decode())

    async def _refuse(self, sender: ResponseSender, error: Exception) -> str:
        refusal = logged_refusal(error)
        if sender.status:
            # The response has begun: only closing the connection is left.
            raise error
        await sender.refuse(refusal)
        return refusal.code

    async def _dispatch(
        self,
        scope: Scope,
        receive: Receive,
        sender: ResponseSender,
        found: tuple[Route[MatchedRoute], Mapping[str, UUID]] | None,
    ) -> str | None:
        """Runs the route of a request. Returns the code of a refusal that the framework has already sent, or None."""
        _require_host(scope)
        if found is None:
            raise NotFound
        route, ids = found
        if len(scope["query_string"]) > QUERY_BYTES_MAX:
            raise AddressTooLong(f"A query holds at most {QUERY_BYTES_MAX} bytes.")
        method = scope["method"]
        if method == "OPTIONS":
            more = {header for one in route.by_method.values() for header in one.endpoint.options}
            headers = [(b"allow", ", ".join(route.allowed).encode()), *sorted(more)]
            await sender.send({"type": "http.response.start", "status": 204, "headers": headers})
            await sender.send({"type": "http.response.body", "body": b""})
            return None
        target = route.by_method.get(method)
        if target is None:
            raise MethodNotAllowed(allowed=route.allowed)
        assert self.runtime is not None, "requests arrive only between startup and shutdown"
        sender.always = target.endpoint.always
        caller = await self._authenticate(self.runtime, scope, target.endpoint, ids)
        if scope["query_string"] and not target.endpoint.query:
            query_of(scope, NoQuery)
        is_head = method == "HEAD"
        inner = {**scope, "runtime": self.runtime, "caller": caller, "ids": ids, "is_head": is_head}
        if is_head:
            inner["method"] = "GET"
        self.metrics.open_requests.inc()
        try:
            await target.app(inner, receive, sender.send)
        finally:
            self.metrics.open_requests.dec()
        code: str | None = inner.get("code")
        return code

    async def _authenticate(
        self, runtime: Runtime, scope: Scope, endpoint: Endpoint, ids: Mapping[str, UUID]
    ) -> Caller | Membership | None:
        """Counts the request against a rate limit, and returns the caller, or None if the request has no token.

        A signed route checks the signature and counts the request itself.
        """
        caller: Caller | Membership | None = None
        try:
            match endpoint.caller:
                case CallerKind.MEMBER:
                    caller = await runtime.guard.membership(scope, FamilyId(ids["family"]))
                case CallerKind.DEVICE:
                    caller = await runtime.guard.authenticate(scope)
                case CallerKind.ANYONE_OR_DEVICE:
                    caller = await runtime.guard.authenticate(scope) if b"authorization" in scope[HEADERS_BY_NAME] else None
                case CallerKind.ANYONE:
                    pass
                case CallerKind.SIGNED:
                    return None
            if caller is not None:
                runtime.limits.take(endpoint.kind, caller.device)
            elif endpoint.kind is not Kind.FREE:
                runtime.limits.take(Kind.STRANGER, address_of(scope))
        except Unauthenticated:
            self._count_stranger(runtime, scope)
            raise
        except TooManyRequests:
            self.metrics.refused_by_limit.labels(endpoint.kind.value).inc()
            raise
        return caller

    def _count_stranger(self, runtime: Runtime, scope: Scope) -> None:
        try:
            runtime.limits.take(Kind.STRANGER, address_of(scope))
        except TooManyRequests:
            self.metrics.refused_by_limit.labels(Kind.STRANGER.value).inc()
            raise

    def _log_response(
        self,
        scope: Scope,
        found: tuple[Route[MatchedRoute], Mapping[str, UUID]] | None,
        sender: ResponseSender,
        *,
        code: str | None,
        seconds: float, request_id: str,
    ) -> None:  # fmt: skip
        route = "unknown" if found is None else found[0].template
        method = scope["method"] if found is not None and scope["method"] in found[0].allowed else "other"
        counted, timed = self._counters(route, method, sender.status // 100)
        counted.inc()
        if not route.endswith("/live"):
            timed.observe(seconds)
        self._log_request(
            RequestLine(
                timestamp=datetime.now(UTC).isoformat(),
                request_id=request_id,
                method=method,
                route=route,
                status=sender.status,
                duration_ms=round(seconds * 1000, 2),
                code=code,
                family=None if found is None else found[1].get("family"),
                event="request",
                level="info",
            )
        )

    def _counters(self, route: str, method: str, status_class: int) -> tuple[Any, Any]:
        # To look up a labelled counter costs more than to count. There are few combinations of labels, so all counters are kept.
        key = (route, method, status_class)
        if key not in self._counters_by_label:
            self._counters_by_label[key] = (
                self.metrics.requests.labels(route, method, f"{status_class}xx"),
                self.metrics.seconds.labels(route),
            )
        return self._counters_by_label[key]


def _ignore_error(_error: Exception) -> None:
    """Does nothing, because the server that runs the application raises the error, too."""


def _require_host(scope: Scope) -> None:
    """Refuses a request without exactly one valid Host header. In HTTP/1.0 the header is optional (RFC 9112, section 3.2)."""
    hosts = scope[HEADERS_BY_NAME].get(b"host", ())
    if not hosts and scope["http_version"] == "1.0":
        return
    if len(hosts) != 1 or HOST.fullmatch(hosts[0]) is None:
        raise HostInvalid


def logged_refusal(error: Exception) -> Refused:
    """Returns the refusal to send for an error. Logs the error, unless it is a mistake of the caller."""
    refusal = refusal_of(error)
    if isinstance(refusal, Crashed):
        logger.error("crashed", **described(error))
    elif refusal is not error:
        logger.warning("unavailable", **described(error))
    return refusal
