"""Lists the checks, in the order in which they are made: the one list that `serve` refuses by and `doctor` shows.

Owns the order: what the settings say, then the places that they name, then the database itself.
"""

from service.checks.database import check_database
from service.checks.finding import Finding
from service.checks.folder import check_folder
from service.checks.redis import check_redis
from service.checks.spelling import check_public_url, check_spelling
from service.settings import Settings


async def check_settings(settings: Settings) -> list[Finding]:
    """Look at all that is there before a database runs."""
    folder = check_folder(settings) if settings.database_url is None else []
    return [*check_spelling(), *check_public_url(settings), *folder, await check_redis(settings)]


async def check_everything(settings: Settings) -> list[Finding]:
    """Look at every part; at the embedded database's place, and not at the database in it, which runs only while it is served."""
    findings = await check_settings(settings)
    if settings.database_url is not None:
        findings += await check_database(settings.database_url, settings)
    return findings
