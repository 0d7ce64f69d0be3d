"""Checks the Redis or Valkey server that carries notifications between processes.

If the server cannot be reached, the service still starts, because devices are then late, but never wrong (law 18). If the server
responds but cannot work with the given settings, for example because of a wrong password, the service does not start.
"""

import asyncio
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from service.checks.finding import Finding, place_of
from service.settings import Settings

WITHIN_S: Final = 3.0
PLAIN: Final = "redis"
ADDRESS_FORM: Final = "write it as STILLNEW_REDIS_URL=redis://host:6379, with rediss:// for TLS and unix:// for a socket"


async def check_redis(settings: Settings) -> Finding:
    """Checks the Redis server that the settings name. Returns only information if the settings name no server."""
    if settings.redis_url is None:
        advice = "set STILLNEW_REDIS_URL to wake devices at once" if settings.workers > 1 else ""
        found = "none: wake-ups stay in the process" + (", workers look once a second" if settings.workers > 1 else "")
        return Finding(part="redis", is_fine=None, found=found, advice=advice)
    part = f"redis {place_of(settings.redis_url)}"
    try:
        client: Any = Redis.from_url(
            settings.redis_url, socket_connect_timeout=WITHIN_S, socket_timeout=WITHIN_S, retry=Retry(NoBackoff(), 0)
        )
    except ValueError:
        return Finding(part=part, is_fine=False, stops=True, found="the address cannot be read", advice=ADDRESS_FORM)
    try:
        info = await client.info("server")
    except (RedisError, OSError, ssl.SSLError) as error:
        return await _failure(settings.redis_url, part, error)
    finally:
        await client.aclose()
    name = "Valkey" if "valkey_version" in info else "Redis"
    return Finding(part=part, is_fine=True, found=f"{name} {info.get('valkey_version', info.get('redis_version'))}")


async def _failure(redis_url: str, part: str, error: Exception) -> Finding:
    match error:
        case AuthenticationError() | AuthenticationWrongNumberOfArgsError():
            advice = "mend user and password in STILLNEW_REDIS_URL (redis://user:password@host:6379)"
            return Finding(part=part, is_fine=False, stops=True, found="refuses the login", advice=advice)
        case NoPermissionError():
            found, advice = "does not let this login ask for what it needs", "let it PING, INFO, PUBLISH and SUBSCRIBE"
            return Finding(part=part, is_fine=False, stops=True, found=found, advice=advice)
        case ResponseError():
            advice = "check STILLNEW_REDIS_URL: its password, and the number of its database"
            return Finding(part=part, is_fine=False, stops=True, found="refuses what is asked of it", advice=advice)
    if await _speaks_tls(redis_url):
        advice = "write STILLNEW_REDIS_URL with rediss://"
        return Finding(part=part, is_fine=False, stops=True, found="speaks TLS, and was named without", advice=advice)
    found = f"does not answer ({type(error).__name__}): devices are late until it does"
    return Finding(part=part, is_fine=False, found=found, advice="check STILLNEW_REDIS_URL")


async def _speaks_tls(redis_url: str) -> bool:
    """Returns whether the server of a `redis://` URL completes a TLS handshake. Does not verify the certificate."""
    parts = urlsplit(redis_url)
    if parts.scheme != PLAIN:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(parts.hostname or "localhost", parts.port or 6379, ssl=context)
            writer.transport.abort()
    except (OSError, TimeoutError):
        return False
    return True
