"""Serves health checks and metrics, for operators and not for families."""

import asyncio
import hmac
import os
from typing import Any, Final

import asyncpg
import msgspec
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import PASSING, NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.postgres.migrate import pending
from service.postgres.queries import load
from service.runtime import Runtime

QUERIES: Final = load(__package__, "health.sql")
WITHIN_S: Final = 1.5
"""The time limit of each check. All checks run at once, so monitoring gets a response within two seconds."""
OK: Final = "ok"


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The response of a live process."""

    alive: bool = True


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The readiness of the service: whether it can work, and for each part the text `ok` or its fault."""

    ready: bool
    database: str
    migrations: str
    redis: str


LIVE = Endpoint(summary="Whether the process lives", caller=CallerKind.ANYONE, kind=Kind.FREE, response=Alive)
READY = Endpoint(
    summary="Whether the service can work, and which part is missing: 503 then",
    caller=CallerKind.ANYONE, kind=Kind.FREE, response=Ready, other_statuses=(503,),
)  # fmt: skip
METRICS = Endpoint(
    summary="Metrics for Prometheus, which sends the token of the operator",
    caller=CallerKind.ANYONE, kind=Kind.FREE, response=str, media_types=("text/plain",), errors=(NotFound,),
)  # fmt: skip


@get("/health/live", opt=LIVE.opt())
async def live(request: RouteRequest) -> Response[bytes]:
    """Responds that the process is alive. Checks no part."""
    return request.answer(Alive())


@get("/health/ready", opt=READY.opt())
async def ready(request: RouteRequest) -> Response[bytes]:
    """Checks each part. The service is ready even without Redis: then devices are late, never wrong (law 18)."""
    database, migrations, redis = await asyncio.gather(
        database_health(request.runtime), _migrations(request.runtime.database_url), _redis(request.runtime.settings.redis_url)
    )
    is_ready = database == OK and migrations == OK
    health = Ready(ready=is_ready, database=database, migrations=migrations, redis=redis)
    return request.answer(health, status=200 if is_ready else 503)


@get("/metrics", opt=METRICS.opt())
async def metrics(request: RouteRequest) -> Response[bytes]:
    """Returns the metrics of all workers.

    The metrics are visible only to the operator. In a service with few families, the count of open streams would show a parent
    whether the other parent is online (law 14).
    """
    token = request.runtime.settings.metrics_token
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    # The scheme is case-insensitive (RFC 9110, section 11.1).
    if token is None or scheme.lower() != "bearer" or not hmac.compare_digest(sent.lstrip(" ").encode(), token.encode()):
        raise NotFound
    registry = request.runtime.metrics.registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client does not type it
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


async def database_health(runtime: Runtime) -> str:
    """Returns `ok`, or a text about the database's fault."""
    try:
        async with asyncio.timeout(WITHIN_S):
            await runtime.pool.fetchval(QUERIES.ping)
    except PASSING as error:
        return f"does not answer ({type(error).__name__})"
    return OK


async def _migrations(database_url: str) -> str:
    try:
        async with asyncio.timeout(WITHIN_S):
            missing = await pending(database_url)
    except (*PASSING, asyncpg.PostgresError) as error:
        return f"cannot be read ({type(error).__name__})"
    return f"{len(missing)} missing: run `stillnew migrate`" if missing else OK


async def _redis(redis_url: str | None) -> str:
    if redis_url is None:
        return "not configured"
    client: Any = Redis.from_url(redis_url, socket_connect_timeout=WITHIN_S, socket_timeout=WITHIN_S)
    try:
        async with asyncio.timeout(WITHIN_S):
            await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return f"does not answer ({type(error).__name__}): devices are late until it does"
    finally:
        await client.aclose()
    return OK


ROUTES: Final = (live, ready, metrics)
