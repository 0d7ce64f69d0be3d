"""Puts the house together: read this page and you know the whole of it.

    request -> front (one URL, who, how often, log line) -> push, live          plain ASGI, the two hot routes
                                                         -> litestar            everything else
    house   =  pool, log, wake-ups, streams, guard, limits, metrics             one of each a process

Owns the order in which parts start and stop. Decides nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, Final

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
from service.daycare import import_routes, parent_routes, signed_routes
from service.daycare.auth import DaycareAuth
from service.daycare.prose_queue import ProseQueue
from service.feed import routes as feed_routes
from service.feed.notifier import LocalNotifier, Notifier
from service.feed.notifier_redis import RedisNotifier
from service.feed.streams import Streams
from service.http import openapi
from service.http.body_budget import BodyBudgets
from service.http.endpoint import KEY, Endpoint
from service.http.gateway import Gateway, MatchedRoute, send_refusal
from service.http.plain_routes import LIVE, PUSH, live, push
from service.http.problems import MethodNotAllowed, NotFound, bytes_of, headers_of
from service.http.rate_limit import limits_of
from service.http.request import RouteRequest
from service.http.router import Router
from service.log.log import Log
from service.postgres.pool import close_pool, open_pool
from service.runtime import Runtime, now_utc
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
"""What litestar answers. The two hot routes are added in `paths_of`."""


IMPORTS_AT_ONCE: Final = 2


class RouteSaysNothing(TypeError):
    """A route without a declaration beside it: nobody would check who asks."""


def build(settings: Settings, *, log_clock: Callable[[], datetime] | None = None) -> Gateway:
    """The ASGI application. Nothing is opened before its lifespan begins.

    `log_clock`: the time of the log, of its ticks and of deliveries; the machine's unless given.

    Raises:
        SettingWrong: there is no database to work with.
    """
    if settings.database_url is None:
        raise SettingWrong("DATABASE_URL names no database; `stillnew serve` brings its own")
    configure(settings.log)
    framework = Litestar(
        route_handlers=ROUTES,
        request_class=RouteRequest,
        openapi_config=None,
        exception_handlers={Exception: _refuse},
        lifespan=[lambda app: _watched(app, settings, log_clock or now_utc)],
        debug=False,
        logging_config=None,
    )
    gateway = Gateway(paths=paths_of(framework), framework=framework, log_request=request_log(settings.log))  # type: ignore[arg-type]
    framework.state.gateway = gateway
    framework.state.openapi = msgspec.json.encode(openapi.draw((m, t, target.says) for m, t, target in gateway.paths.as_text()))
    return gateway


def from_env() -> Gateway:
    """The application as the environment describes it: what each worker process calls."""
    return build(from_environment())


def paths_of(framework: Litestar) -> Router[MatchedRoute]:
    """Every route of the service, hot ones and litestar's.

    Raises:
        RouteSaysNothing
    """
    paths: Router[MatchedRoute] = Router()
    paths.add("POST", "/v1/families/{family}/events", MatchedRoute(says=PUSH, app=push))
    paths.add("GET", "/v1/families/{family}/live", MatchedRoute(says=LIVE, app=live), ends=False)
    for route in framework.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            methods = handler.http_methods - {"OPTIONS", "HEAD"}
            if not methods:  # the framework's own answer to OPTIONS; the front has a better one
                continue
            says = handler.opt.get(KEY)
            if not isinstance(says, Endpoint):
                raise RouteSaysNothing(route.path)
            for method in methods:
                paths.add(str(method), route.path_format, MatchedRoute(says=says, app=framework))  # type: ignore[arg-type]
    return paths


@asynccontextmanager
async def _watched(app: Litestar, settings: Settings, log_clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Open the parts, and hand an error of the start to the process, which says it in its own way."""
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
    """Open the parts in order; close them in the opposite one, so that nothing is missed by what still needs it."""
    assert settings.database_url is not None, "build() has seen to it"
    gateway: Gateway = app.state.gateway
    async with AsyncExitStack() as opened:
        pool = await open_pool(settings.database_url, size_max=settings.pool)
        opened.push_async_callback(close_pool, pool)
        wake = wake_of(settings)
        await wake.start()
        opened.push_async_callback(wake.stop)
        log = Log(pool=pool, database_url=settings.database_url, wake=wake, now=log_clock)
        await log.start()
        opened.push_async_callback(log.stop)
        clock = Clock(pool=pool, log=log)
        await clock.start()
        opened.push_async_callback(clock.stop)
        sender = Sender(pool=pool, wake=wake, reach=EgressPolicy(allow_private=settings.webhooks_anywhere), now=log.now)
        await sender.start()
        opened.push_async_callback(sender.stop)
        reading = ProseQueue()
        opened.push_async_callback(reading.stop)
        streams = Streams(pool=pool, wake=wake)
        await streams.start()
        opened.push_async_callback(streams.stop)
        gateway.runtime = Runtime(
            settings=settings,
            database_url=settings.database_url,
            pool=pool,
            log=log,
            wake=wake,
            streams=streams,
            guard=Guard(pool=pool),
            limits=limits_of(settings),
            budgets=BodyBudgets(gateway.metrics.held_body_bytes.labels),
            senders=DaycareAuth(),
            metrics=gateway.metrics,
            webhook_sender=sender,
            reach=EgressPolicy(allow_private=settings.webhooks_anywhere),
            reading=reading,
            imports=asyncio.Semaphore(IMPORTS_AT_ONCE),
        )
        try:
            yield
        finally:
            gateway.runtime = None


def wake_of(settings: Settings) -> Notifier:
    if settings.redis_url is not None:
        return RedisNotifier(settings.redis_url)
    return LocalNotifier(is_alone=settings.workers == 1)


def _refuse(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer as the front answers, which learns from the scope what was refused."""
    if isinstance(error, HTTPException):
        # The framework knows no resource that the front does not: these two come up only where they disagree.
        error = MethodNotAllowed(allowed=()) if error.status_code == 405 else NotFound() if error.status_code == 404 else error
    refusal = send_refusal(error)
    request.scope["code"] = refusal.code  # type: ignore[typeddict-unknown-key]
    headers = {name.decode(): value.decode() for name, value in headers_of(refusal)}
    return Response(bytes_of(refusal), status_code=refusal.status, headers=headers)
