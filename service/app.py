"""Builds the application from its parts.

    request -> gateway (route, caller, rate limit, log line) -> push, live      plain ASGI
                                                             -> litestar        all other routes
    runtime =  pool, log, notifier, streams, guard, limits, metrics, ...        one of each per process

Owns the order in which parts start and stop. Decides nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec
from litestar import Litestar, Request
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.routes import HTTPRoute

from service import health
from service.access import correcting, devices, founding, joining
from service.access.guard import Guard
from service.catalogue import routes as catalogue_routes
from service.clips import clip_routes, tus_routes
from service.clips.parts import Clips
from service.daycare import import_routes, parent_routes, signed_routes
from service.daycare.known_addresses import KnownAddresses
from service.daycare.prose_queue import ProseQueue
from service.feed import routes as feed_routes
from service.feed.live import LIVE, live
from service.feed.notifier import LocalNotifier, Notifier
from service.feed.notifier_redis import RedisNotifier
from service.feed.streams import Streams
from service.http import openapi
from service.http.body_budget import BodyBudgets
from service.http.endpoint import KEY, Endpoint
from service.http.gateway import Gateway, MatchedRoute, logged_refusal
from service.http.problems import MethodNotAllowed, NotFound, bytes_of, headers_of
from service.http.rate_limit import limits_of
from service.http.request import RouteRequest
from service.http.router import Router
from service.log.log import Log, now_utc
from service.log.routes import PUSH, push
from service.postgres.pool import close_pool, open_pool
from service.runtime import Runtime
from service.settings import Settings, SettingWrong, from_environment
from service.surprise import handover_card, tips
from service.surprise.clock import Clock
from service.telemetry import configure, request_log
from service.webhooks import routes as webhooks
from service.webhooks.egress_policy import EgressPolicy
from service.webhooks.sender import Sender

ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    *founding.ROUTES, *joining.ROUTES, *correcting.ROUTES, *devices.ROUTES,
    feed_routes.read_feed, feed_routes.read_timeline, *handover_card.ROUTES, *tips.ROUTES,
    *parent_routes.ROUTES, *signed_routes.ROUTES, *import_routes.ROUTES, *webhooks.ROUTES, *catalogue_routes.ROUTES,
    *health.ROUTES, *openapi.ROUTES,
)  # fmt: skip
"""The routes that litestar runs. `router_of` adds push and live, which are plain ASGI."""


IMPORTS_AT_ONCE: Final = 2


class Part(Protocol):
    """A part of the process that is started and stopped."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


StartedPart = TypeVar("StartedPart", bound=Part)


class RouteWithoutEndpoint(TypeError):
    """A route has no declaration, so the gateway could not check its callers."""


def build(settings: Settings, *, log_clock: Callable[[], datetime] | None = None) -> Gateway:
    """Builds the ASGI application. Opens no connection before the application's lifespan begins.

    `log_clock` is the clock of the log, of time limits (`at_most_days`) and of webhooks; if it is None, the machine's clock.

    Raises:
        SettingWrong: the settings name no database.
    """
    if settings.database_url is None:
        raise SettingWrong("DATABASE_URL names no database; `stillnew serve` brings its own")
    configure(settings.log)
    framework = Litestar(
        route_handlers=ROUTES,
        request_class=RouteRequest,
        openapi_config=None,
        exception_handlers={Exception: _refuse},
        lifespan=[lambda app: _lifespan(app, settings, log_clock or now_utc)],
        debug=False,
        logging_config=None,
    )
    gateway = Gateway(router=router_of(framework), framework=framework, log_request=request_log(settings.log))
    framework.state.gateway = gateway
    routes = ((method, template, target.endpoint) for method, template, target in gateway.router.as_sorted())
    framework.state.openapi = msgspec.json.encode(openapi.draw(routes))
    return gateway


def from_env() -> Gateway:
    """Builds the application from the environment variables. Each worker process calls this."""
    return build(from_environment())


def router_of(framework: Litestar) -> Router[MatchedRoute]:
    """Returns a router with every route of the service: push, live, and those of litestar.

    Raises:
        RouteWithoutEndpoint: a route of litestar has no declaration.
    """
    router: Router[MatchedRoute] = Router()
    router.add("POST", "/v1/families/{family}/events", MatchedRoute(endpoint=PUSH, app=push))
    router.add("GET", "/v1/families/{family}/live", MatchedRoute(endpoint=LIVE, app=live), is_finite=False)
    for method, template, declared, app in (*tus_routes.ROUTES, *clip_routes.ROUTES):
        router.add(method, template, MatchedRoute(endpoint=declared, app=app))
    for route in framework.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            methods = handler.http_methods - {"OPTIONS", "HEAD"}
            if not methods:  # the framework's own route for OPTIONS; the gateway responds to OPTIONS itself
                continue
            endpoint = handler.opt.get(KEY)
            if not isinstance(endpoint, Endpoint):
                raise RouteWithoutEndpoint(route.path)
            for method in methods:
                router.add(str(method), route.path_format, MatchedRoute(endpoint=endpoint, app=framework))
    return router


@asynccontextmanager
async def _lifespan(app: Litestar, settings: Settings, log_clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Opens the parts, and passes an error during startup to the process, which reports it."""
    gateway, has_started = app.state.gateway, False
    try:
        async with _open(app, settings, log_clock):
            has_started = True
            yield
    except Exception as error:
        if not has_started:
            gateway.when_start_fails(error)
        raise


@asynccontextmanager
async def _open(app: Litestar, settings: Settings, log_clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Opens the parts in order and closes them in reverse order, so that each part outlives the parts that use it."""
    assert settings.database_url is not None, "build() checks that a database is named"
    gateway: Gateway = app.state.gateway
    async with AsyncExitStack() as opened:
        pool = await open_pool(settings.database_url, size_max=settings.pool)
        opened.push_async_callback(close_pool, pool)
        notifier = await _start(opened, notifier_of(settings))
        log = await _start(opened, Log(pool=pool, database_url=settings.database_url, notifier=notifier, now=log_clock))
        await _start(opened, Clock(pool=pool, log=log))
        egress = EgressPolicy(allow_private=settings.webhooks_anywhere)
        sender = await _start(opened, Sender(pool=pool, notifier=notifier, egress=egress, now=log.now))
        prose_queue = ProseQueue()
        opened.push_async_callback(prose_queue.stop)
        clips = await _start(opened, Clips.of(settings, pool=pool, now=log.now))
        streams = await _start(opened, Streams(pool=pool, notifier=notifier))
        gateway.runtime = Runtime(
            settings=settings,
            database_url=settings.database_url,
            pool=pool,
            log=log,
            notifier=notifier,
            streams=streams,
            clips=clips,
            guard=Guard(pool=pool),
            limits=limits_of(settings),
            budgets=BodyBudgets(gateway.metrics.held_body_bytes.labels),
            known_addresses=KnownAddresses(),
            metrics=gateway.metrics,
            webhook_sender=sender,
            egress=EgressPolicy(allow_private=settings.webhooks_anywhere),
            prose_queue=prose_queue,
            imports=asyncio.Semaphore(IMPORTS_AT_ONCE),
        )
        try:
            yield
        finally:
            gateway.runtime = None


async def _start(opened: AsyncExitStack, part: StartedPart) -> StartedPart:
    """Starts a part, and stops it when `opened` closes."""
    await part.start()
    opened.push_async_callback(part.stop)
    return part


def notifier_of(settings: Settings) -> Notifier:
    """Returns the notifier: over Redis if the settings name a Redis, else inside this process."""
    if settings.redis_url is not None:
        return RedisNotifier(settings.redis_url)
    return LocalNotifier(is_alone=settings.workers == 1)


def _refuse(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Returns the problem document of an error, like the gateway, and stores the error's code in the scope for the log line."""
    if isinstance(error, HTTPException):
        # The gateway has matched the route before: 405 and 404 occur here only if the framework disagrees with the gateway.
        error = MethodNotAllowed(allowed=()) if error.status_code == 405 else NotFound() if error.status_code == 404 else error
    refusal = logged_refusal(error)
    assert isinstance(request, RouteRequest), "the framework makes no other requests"
    request.asgi["code"] = refusal.code
    headers = {name.decode(): value.decode() for name, value in headers_of(refusal)}
    return Response(bytes_of(refusal), status_code=refusal.status, headers=headers)
