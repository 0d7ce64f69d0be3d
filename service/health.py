"""Says whether this process lives, whether it can work, and what it has counted. For whoever operates it, not for families."""

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
from service.runtime import Runtime

WITHIN_S: Final = 1.5
"""Each part, all at one time: whoever watches has an answer within two seconds."""
OK: Final = "ok"


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    alive: bool = True


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service can work; and of each part, `ok` or what is wrong with it."""

    ready: bool
    database: str
    migrations: str
    redis: str


LIVE = Endpoint(summary="Whether the process lives", who=CallerKind.ANYONE, kind=Kind.FREE, answers=Alive)
READY = Endpoint(
    summary="Whether the service can work, and which part is missing: 503 then",
    who=CallerKind.ANYONE, kind=Kind.FREE, answers=Ready, answers_also_at=(503,),
)  # fmt: skip
METRICS = Endpoint(
    summary="Metrics for Prometheus, which sends the token of the operator",
    who=CallerKind.ANYONE, kind=Kind.FREE, answers=str, answers_as="text/plain", refuses=(NotFound,),
)  # fmt: skip


@get("/health/live", opt=LIVE.opt())
async def live(request: RouteRequest) -> Response[bytes]:
    """The process answers: nothing else is asked."""
    return request.answer(Alive())


@get("/health/ready", opt=READY.opt())
async def ready(request: RouteRequest) -> Response[bytes]:
    """Look at each part. Redis is no condition: without it devices are late, never wrong (law 18)."""
    database, migrations, redis = await asyncio.gather(
        database_health(request.runtime), _migrations(request.runtime.database_url), _redis(request.runtime.settings.redis_url)
    )
    is_ready = database == OK and migrations == OK
    said = Ready(ready=is_ready, database=database, migrations=migrations, redis=redis)
    return request.answer(said, status=200 if is_ready else 503)


@get("/metrics", opt=METRICS.opt())
async def metrics(request: RouteRequest) -> Response[bytes]:
    """All workers' counters, where several share a folder for them.

    For the operator alone: where few families live, a count of open streams tells one parent that the other is there (law 14).
    """
    token = request.runtime.settings.metrics_token
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    # A scheme is a word in any case (RFC 9110, section 11.1).
    if token is None or scheme.lower() != "bearer" or not hmac.compare_digest(sent.lstrip(" ").encode(), token.encode()):
        raise NotFound
    registry = request.runtime.metrics.registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


async def database_health(runtime: Runtime) -> str:
    try:
        async with asyncio.timeout(WITHIN_S):
            await runtime.pool.fetchval("SELECT 1")
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
