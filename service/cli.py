"""Defines the command `stillnew`. Owns its texts and exit codes; other modules do the work of each command."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import Progress, TaskID

from service import operate
from service.checks.database import check_database, migrate_or_refuse
from service.checks.finding import CannotStart, refuse_what_stops
from service.checks.folder import check_folder
from service.checks.unreachable import UNREACHABLE, unreachable
from service.doctor import examine, table_of
from service.postgres.account import AccountCannotReach
from service.postgres.binaries import BinariesMissing
from service.postgres.embedded import DataDirectoryInUse, EmbeddedPostgres, PostgresDidNotStart
from service.replay import ReplayResult, count_events
from service.replay import replay as fold_afresh
from service.serve import CannotServe
from service.serve import serve as run_service
from service.settings import Settings, SettingWrong, from_environment, token_from
from service.telemetry import drop_unwritable_lines

if TYPE_CHECKING:
    from client.importing import Imported

# An error that an operator can repair is printed as one sentence; any other error is a bug and keeps its traceback.
OPERATOR_ERRORS = (
    SettingWrong, CannotServe, DataDirectoryInUse, AccountCannotReach, BinariesMissing, PostgresDidNotStart,
    operate.NoSuchFamily,
)  # fmt: skip

app = App(name="stillnew", help="A family's milestones, told to each parent as the first time they saw it.")
family = App(name="family", help="For operators: ids and counts, never a name.")
app.command(family)

console = Console(highlight=False)
DIFFERENCES_SHOWN = 20

Data = Annotated[Path | None, Parameter(help="Where an embedded PostgreSQL keeps its files, when DATABASE_URL names none.")]


@app.command
def serve(*, host: str = "127.0.0.1", port: int = 8000, data: Data = None, workers: int | None = None) -> None:
    """Serve until SIGTERM. Without DATABASE_URL, an embedded PostgreSQL runs in the data directory."""
    run_service(_settings(data=data, workers=workers), host=host, port=port)


@app.command
def demo(*, once: bool = False, port: int | None = None, data: Data = None) -> None:
    """Play a family's first year through real devices, and show both parents' timelines."""
    from demo.main import main as play

    asyncio.run(play(once=once, port=port, data=data))


@app.command
def migrate(*, data: Data = None) -> None:
    """Bring the database's tables up to this release."""
    applied = _with_database(_migrate, data=data)
    console.print(f"Applied {', '.join(applied)}." if applied else "Nothing to apply.")


async def _migrate(database_url: str) -> list[str]:
    refuse_what_stops(await check_database(database_url, from_environment()))
    return await migrate_or_refuse(database_url)


@app.command
def replay(*, check: bool = False, data: Data = None) -> None:
    """Fold the log again and repair the rows; with --check, only report the differences."""
    found: ReplayResult = _with_database(lambda url: _replay(url, check=check), data=data)
    console.print(f"{found.events} events of {found.families} families: {len(found.differences)} differences.")
    for difference in found.differences[:DIFFERENCES_SHOWN]:
        console.print(f"  {difference}")
    if check and found.differences:
        raise SystemExit(1)


async def _replay(database_url: str, *, check: bool) -> ReplayResult:
    total = await count_events(database_url)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("folding", total=total)
        return await fold_afresh(database_url, check=check, progress=lambda events: progress.update(task, completed=events))


@app.command
def doctor(*, data: Data = None) -> None:
    """Show what is configured, what can be reached, and what to change."""
    findings = asyncio.run(examine(_settings(data=data, workers=None)))
    Console(highlight=False).print(table_of(findings))
    if any(finding.is_fine is False for finding in findings):
        raise SystemExit(1)


@app.command
def handover(*, url: str = "http://127.0.0.1:8000", token_file: Path | None = None, family: UUID | None = None) -> None:
    """Print the hand-over card, with what the member of one device may know.

    Args:
        url: the address of the service.
        token_file: a file that contains the device's token; without it, STILLNEW_TOKEN is used.
        family: the id of a family, if the person of the device belongs to several families.
    """
    from client.handover_page import CardUnavailable, handover_page

    token = token_from(token_file)
    try:
        printed = asyncio.run(handover_page(url=url, token=token, family=family, today=datetime.now().astimezone().date()))
    except CardUnavailable as error:
        print(f"stillnew: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    print(printed, end="")


@app.command(name="import")
def import_(
    file: Path,
    *,
    source: str,
    child: UUID | None = None,
    reference: str | None = None,
    zone: str | None = None,
    dates: Literal["month_first", "day_first"] | None = None,
    as_parent: bool = False,
    dry_run: bool = False,
    url: str = "http://127.0.0.1:8000",
    token_file: Path | None = None,
    family: UUID | None = None,
) -> None:
    """Import a file that another system exported, as a parent's device. Repeated imports create no duplicates.

    Args:
        file: JSON or CSV, as the source exports it.
        source: brightwheel, procare, famly, lillio, tadpoles, baby_connect, or plain for a CSV of one's own.
        child: the id of the one child that the file is about; without it, parents link each child that the file names.
        reference: a name for the child, if the file has no name; use the same name for each file of the child.
        zone: the time zone of local times, such as Europe/Berlin; default UTC.
        dates: the order in dates such as 5/6/2026, if no row of the file makes it clear.
        as_parent: the file comes from a parent's own account, so rows without a mark are visible to parents.
        dry_run: show what would be imported, and write nothing.
        url: the address of the service.
        token_file: a file that contains the device's token; without it, STILLNEW_TOKEN is used.
        family: the id of a family, if the person of the device belongs to several families.
    """
    from client.import_summary import nothing_was_accepted, summary_lines

    given = {"child": child, "reference": reference, "zone": zone, "dates": dates}
    given |= {"as_parent": "true" if as_parent else None, "dry_run": "true" if dry_run else None}
    query = {"source": source} | {name: str(value) for name, value in given.items() if value is not None}
    imported = _import_with_progress(file, url=url, token=token_from(token_file), family=family, query=query)
    print(*summary_lines(imported), sep="\n")
    if nothing_was_accepted(imported):
        nothing = "Nothing of this file would be imported." if dry_run else "Nothing of this file was imported."
        print(f"stillnew: {nothing}", file=sys.stderr)
        raise SystemExit(1)


def _import_with_progress(file: Path, *, url: str, token: str, family: UUID | None, query: dict[str, str]) -> "Imported":
    """Imports a file, and shows the progress on a terminal. Exits with status 1 if the import failed."""
    from client.importing import ImportFailed, import_file

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        tasks: dict[str, TaskID] = {}

        def show_progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of)

        importing = import_file(file, url=url, token=token, family=family, query=query, on_progress=show_progress)
        try:
            return asyncio.run(importing)
        except ImportFailed as error:
            print(f"stillnew: {error}", file=sys.stderr)
            raise SystemExit(1) from None


@family.command(name="list")
def list_families(*, after: UUID | None = None, data: Data = None) -> None:
    """List families by id."""
    console.print(_with_database(lambda url: operate.list_families(url, after=after), data=data))


@family.command
def show(family_id: UUID, /, *, data: Data = None) -> None:
    """Show one family's members by id."""
    console.print(_with_database(lambda url: operate.show_family(url, family_id), data=data))


@family.command
def new_log(family_id: UUID | None = None, /, *, everyone: bool = False, data: Data = None) -> None:
    """Make devices push again every event that they ever authored, after a restore: of one family, or --everyone."""
    if (family_id is None) is not everyone:
        console.print("Name one family, or say --everyone.")
        raise SystemExit(2)
    console.print(_with_database(lambda url: operate.begin_new_log(url, family_id), data=data))


def _settings(*, data: Path | None, workers: int | None) -> Settings:
    settings = from_environment()
    changes = {name: value for name, value in (("data", data and str(data)), ("workers", workers)) if value is not None}
    try:
        return msgspec.convert({**msgspec.to_builtins(settings), **changes}, Settings)
    except msgspec.ValidationError as error:
        raise SettingWrong(f"--workers: {str(error).partition(' - at')[0]}") from None


def _with_database(work: Callable[[str], Coroutine[Any, Any, Any]], *, data: Path | None) -> Any:
    with _database_of(_settings(data=data, workers=None)) as database_url:
        try:
            return asyncio.run(work(database_url))
        except asyncpg.UndefinedTableError:
            raise CannotStart("The database has not the tables of this release; run `stillnew migrate`.") from None
        except UNREACHABLE as error:
            raise CannotStart(unreachable(database_url, error).sentence) from None


@contextmanager
def _database_of(settings: Settings) -> Iterator[str]:
    """Yields the URL of the configured database. If there is none, runs the embedded database while the block runs."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    refuse_what_stops(check_folder(settings))
    embedded = EmbeddedPostgres(settings.data_dir)
    database_url = embedded.start()
    try:
        yield database_url
    finally:
        embedded.stop()


EXIT_CANNOT_START = 3
"""The exit code of a service that cannot start until an operator changes the setup."""


def main() -> None:
    """Runs a command. On an error, exits with a code other than 0 and prints one sentence on standard error."""
    try:
        app()
    except CannotStart as error:
        print(f"stillnew: {error}", file=sys.stderr)
        raise SystemExit(EXIT_CANNOT_START) from None
    except OPERATOR_ERRORS as error:
        print(f"stillnew: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        drop_unwritable_lines()


if __name__ == "__main__":
    main()
