"""Runs all checks in one order, for `serve`, which may refuse to start, and for `doctor`, which shows them.

Owns the order: first the settings, then the folder and the Redis that they name, then the database.
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
    """Runs every check. Of an embedded database only the folder is checked, because it runs only while the service runs."""
    findings = await check_settings(settings)
    if settings.database_url is not None:
        findings += await check_database(settings.database_url, settings)
    return findings
