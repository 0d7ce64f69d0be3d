"""Tests the checks of `serve` and `doctor` at their start, with real processes and servers that are wrongly configured.

An error is one sentence with the cause and the remedy, and without a password, with one worker and with two.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from service.postgres.embedded import EmbeddedPostgres
from service.postgres.migrate import migrate
from tests.conftest import HASTY, execute
from tests.crash.serving import Serving, forking, kept_port, run, serving
from tests.service.conftest import found_family, push
from tests.service.situations import NEWER, SECRET, SITUATIONS, Place, Wrong, a_database, a_login, as_

CANNOT_START = 3
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def odd(open_folder: Path) -> Iterator[str]:
    """Runs a server that requires a password for one login and is a standby of a primary that does not exist."""
    folder = open_folder / "odd"
    folder.mkdir(mode=0o755)
    rules = folder / "rules"
    rules.write_text("local all locked scram-sha-256\nlocal all all trust\n")
    rules.chmod(0o644)
    server = EmbeddedPostgres(folder / "data", settings={**HASTY, "hba_file": str(rules)})
    asyncio.run(execute(server.start(), "CREATE ROLE locked LOGIN PASSWORD 'another'"))
    server.stop()
    (folder / "data" / "postgres" / "standby.signal").touch()
    yield server.start()
    server.stop()


@pytest.fixture
def place(postgres: str, template: str, odd: str, open_folder: Path) -> Place:
    folder = open_folder / f"says-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    return Place(postgres=postgres, template=template, odd=odd, folder=folder)


def stillnew(folder: Path, command: str, environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Runs a command to its end, and returns its exit code, its output and its log lines."""
    says = folder / f"{command}-{uuid.uuid4().hex[:8]}"
    with kept_port() as port:
        service = Serving(*arguments, port=port, folder=says, environment=environment)
        if command == "serve":
            service.begin()
        else:
            says.mkdir()
            given = {"PATH": "/usr/bin:/bin", "COLUMNS": "300", **environment}
            service.process = forking.Process(target=run, args=([command, *arguments], given, str(says)))
            service.process.start()
        assert service.process is not None
        service.process.join(WITHIN_S)
        code = service.process.exitcode
        if code is None:
            service.process.terminate()
            service.process.join()
        assert code is not None, f"it runs on: {service.log}"
    return code, (says / "stdout").read_text(), service.log


def assert_refused(code: int, output: str, log: str, wrong: Wrong) -> None:
    """Checks that the service never listened, and that one line of its log is a sentence with the cause and the remedy."""
    assert (code, output) == (CANNOT_START, ""), (code, output, log)
    sentences = [line for line in log.splitlines() if not line.startswith("{")]
    assert len(sentences) == 1, log
    assert sentences[0].startswith("stillnew: ")
    assert wrong.cause in sentences[0]
    assert wrong.remedy in sentences[0].partition("; ")[2]
    assert SECRET not in log


@pytest.mark.parametrize("name", SITUATIONS)
async def test_serve_refuses_in_one_sentence_and_doctor_shows_the_same(place: Place, name: str) -> None:
    """Law 17: `serve` prints one sentence and exits with 3. `doctor` shows the same cause and remedy, and exits with 1."""
    async with SITUATIONS[name](place) as wrong:
        for workers in ("1", "2"):
            code, output, log = await asyncio.to_thread(stillnew, place.folder, "serve", wrong.environment, "--workers", workers)
            assert_refused(code, output, log, wrong)
            assert ("library error" in log) is ("with_the_workers" in name), "all else is found before a worker starts"
        code, output, log = await asyncio.to_thread(stillnew, place.folder, "doctor", wrong.environment)
        assert SECRET not in output + log
        if "with_the_workers" in name:  # doctor only counts the workers' connections, and does not open them
            wrong = Wrong(environment={}, cause="connections", remedy="STILLNEW_POOL")
        assert code == 1, output
        errors = [line for line in output.splitlines() if line.startswith("no ")]
        assert any(wrong.cause in line and wrong.remedy in line for line in errors), output


async def test_a_data_directory_that_a_newer_release_has_used_is_refused_as_well(place: Place) -> None:
    """Law 17: `serve` and `migrate` refuse an embedded database of a newer release, like any other database."""
    server = EmbeddedPostgres(place.folder / "data", settings=HASTY)
    place.folder.chmod(0o755)
    url = await asyncio.to_thread(server.start)
    await migrate(url)
    await execute(url, NEWER)
    await asyncio.to_thread(server.stop)
    wrong = Wrong(environment={"STILLNEW_DATA": str(place.folder / "data")}, cause="9999_later", remedy="newer")
    for command in ("serve", "migrate"):
        assert_refused(*await asyncio.to_thread(stillnew, place.folder, command, wrong.environment), wrong)


@asynccontextmanager
async def nothing_wrong(place: Place) -> AsyncIterator[dict[str, str]]:
    async with a_login(place, how="CREATEROLE") as login, a_database(place, how=f"OWNER {login}") as url:
        for setting in ("statement_timeout = '20ms'", "lock_timeout = '20ms'", "idle_session_timeout = '500ms'",
                        "idle_in_transaction_session_timeout = '20ms'", "transaction_timeout = '20ms'",
                        "timezone = 'Asia/Kathmandu'", "datestyle = 'German'", "default_transaction_isolation = 'serializable'",
                        "bytea_output = 'escape'", "standard_conforming_strings = off"):  # fmt: skip
            await execute(place.postgres, f"ALTER ROLE {login} SET {setting}")
        yield {"DATABASE_URL": as_(login, url)}


async def test_a_login_whose_own_settings_are_odd_is_served_all_the_same(place: Place) -> None:
    """Unusual settings of a login do no harm, because each session sets its own time limits, time zone and isolation."""
    async with nothing_wrong(place) as environment:
        code, output, log = await asyncio.to_thread(stillnew, place.folder, "migrate", environment)
        assert (code, log) == (0, ""), output + log
        assert await migrate(environment["DATABASE_URL"]) == []
        code, output, log = await asyncio.to_thread(stillnew, place.folder, "doctor", environment)
        assert not [line for line in output.splitlines() if line.startswith("no ") and "durability" not in line], output
        with serving(folder=place.folder / "served", environment=environment) as service:
            async with httpx.AsyncClient(base_url=service.url, timeout=20) as http:
                ada = await found_family(http)
                await push(ada, {"type": "NoteWritten", "child": ada.said["child"], "text": "slept"})
                await asyncio.sleep(0.7)  # longer than the idle timeout of the login
                await push(ada, {"type": "NoteWritten", "child": ada.said["child"], "text": "slept again"})
                assert (await ada.ask("GET", "/v1/families/{family}/feed")).status_code == 200
                assert (await http.get("/health/ready")).json()["ready"] is True
