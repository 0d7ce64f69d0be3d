"""Runs all checks, for the commands `serve` and `doctor`.

Owns the order: first the settings, then the data directory and the Redis server, then the database.
"""

from service.checks.database import check_database
from service.checks.finding import Finding
from service.checks.folder import check_folder
from service.checks.redis import check_redis
from service.checks.spelling import check_public_url, check_spelling
from service.settings import Settings


async def check_settings(settings: Settings) -> list[Finding]:
    """Runs the checks that need no database."""
    folder = check_folder(settings) if settings.database_url is None else []
    return [*check_spelling(), *check_public_url(settings), *folder, await check_redis(settings)]


async def check_everything(settings: Settings) -> list[Finding]:
    """Runs every check. For an embedded database, checks only the data directory: the database runs only with the service."""
    findings = await check_settings(settings)
    if settings.database_url is not None:
        findings += await check_database(settings.database_url, settings)
    return findings
