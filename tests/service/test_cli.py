"""Tests the command line with real processes and real signals."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.checks.spelling import unknown_variables
from service.settings import SettingWrong, from_environment
from tests.service.conftest import found_family

ROOT = Path(__file__).parents[2]


def stillnew(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=ROOT, env=_environment(environment), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Runs a service, and yields its process after the service has printed its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve", "--port", "0", *arguments],
        # Without a reader a pipe fills up, and the service would block when it writes its log.
        cwd=ROOT, env=_environment(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def _environment(given: dict[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name != "DATABASE_URL" and not name.startswith("STILLNEW_")}
    return ours | given


def address_in(line: str) -> str:
    assert line.startswith("Stillnew listens on http://127.0.0.1:"), line
    return line.split(" ")[3]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_serve_prints_one_line_when_ready_and_drains_at_sigterm(database_url: str, workers: str) -> None:
    """After SIGTERM open streams end, nothing more is printed, and the exit code is 0, within ten seconds."""
    with serving("--workers", workers, DATABASE_URL=database_url) as process:
        assert process.stdout is not None
        url = address_in(process.stdout.readline().strip())
        async with httpx.AsyncClient(base_url=url, timeout=10) as http:
            ada = await found_family(http)
            async with http.stream("GET", f"/v1/families/{ada.family}/live", headers=ada.headers) as stream:
                assert stream.status_code == 200
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                async for _ in stream.aiter_bytes():
                    pass
        out, _ = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "")
        assert time.monotonic() - began < 10


def test_unwritable_log_lines_do_not_change_the_exit_code(database_url: str) -> None:
    """If log lines cannot be written, for example on a full disk, the exit code is still 0."""
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", "--port", "0"], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=full, text=True,
            # Empty: Python buffers lines that it cannot write, and tries to write them again at exit.
            env=_environment({"DATABASE_URL": database_url, "PYTHONUNBUFFERED": ""}),
        )  # fmt: skip
        assert process.stdout is not None
        url = address_in(process.stdout.readline().strip())
        assert httpx.get(f"{url}/v1/families/nobody/feed").status_code == 404
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


async def test_serve_brings_its_own_postgres_and_keeps_the_data(open_folder: Path) -> None:
    """Law 1: a second start on the same data directory finds the family. A killed embedded Postgres is started again."""
    data = open_folder / "brought-along"
    with serving("--data", str(data)) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.endswith(f"(data in {data})")
        async with httpx.AsyncClient(base_url=address_in(line), timeout=20) as http:
            ada = await found_family(http)
            os.kill(int((data / "postgres" / "postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)
            deadline = time.monotonic() + 30
            while (answer := await ada.ask("GET", "/v1/me")).status_code == 503:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            assert answer.status_code == 200
    with serving("--data", str(data)) as process:
        assert process.stdout is not None
        async with httpx.AsyncClient(base_url=address_in(process.stdout.readline().strip()), timeout=20) as http:
            again = await http.get("/v1/me", headers=ada.headers)
            assert again.json()["memberships"][0]["family"] == ada.family


def test_an_address_in_use_is_reported_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = stillnew("serve", "--port", str(taken.getsockname()[1]), DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    assert result.returncode == 1
    assert result.stderr.startswith("stillnew: Cannot listen on 127.0.0.1:")
    assert result.stderr.count("\n") == 1


def test_a_setting_of_the_wrong_kind_is_named_without_its_value() -> None:
    """The message names the setting without its value, because the value may be a password."""
    result = stillnew("doctor", STILLNEW_LIMIT_PUSH="CanaryPassword")
    assert (result.returncode, "STILLNEW_LIMIT_PUSH" in result.stderr) == (1, True)
    assert "CanaryPassword" not in result.stderr + result.stdout


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("STILLNEW_POOL", text) for text in ("1", "101", "x", "2.5")),
        *(("STILLNEW_WORKERS", text) for text in ("0", "1001", "-1", "two")),
        *(("STILLNEW_LIMIT_PUSH", text) for text in ("-1", "nan", "inf", "1e400", "1000001")),
        ("STILLNEW_METRICS_TOKEN", "short"),
        ("STILLNEW_LOG", "xml"),
        ("STILLNEW_WEBHOOKS_ANYWHERE", "perhaps"),
    ],
)
def test_a_number_out_of_range_is_refused_by_its_name(variable: str, text: str) -> None:
    """Law 17: a setting that is out of range, no number, or none of the allowed words is refused with its name."""
    with pytest.raises(SettingWrong, match=f"^{variable}: ") as refused:
        from_environment({variable: text})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("command", ["replay", "family list", "migrate"])
async def test_a_missing_or_unusable_database_is_reported_in_one_sentence(
    empty_database_url: str, command: str
) -> None:
    """The exit code is 3, and the output is one sentence without a password.

    If only tables are missing, the sentence names the command for them.
    """
    places = {
        "me:CanaryPassword@nowhere": "write it as DATABASE_URL=",
        "postgresql://me:CanaryPassword@127.0.0.1:1/x": "nobody listens",
    }
    if command != "migrate":
        places[empty_database_url] = "run `stillnew migrate`"
    for place, cause in places.items():
        result = await asyncio.to_thread(stillnew, *command.split(" "), DATABASE_URL=place)
        assert (result.returncode, result.stderr.count("\n")) == (3, 1), result.stderr
        assert cause in result.stderr
        assert "CanaryPassword" not in result.stderr + result.stdout
    there = await asyncio.to_thread(stillnew, *command.split(" "), STILLNEW_DATA="/proc/stillnew")
    assert (there.returncode, there.stderr.count("\n")) == (3, 1), there.stderr


def test_settings_are_read_by_name_and_misspelt_ones_are_found() -> None:
    settings = from_environment({"STILLNEW_WORKERS": "3", "DATABASE_URL": "postgresql://x", "STILLNEW_FOUNDING": "closed"})
    assert (settings.workers, settings.database_url, settings.founding) == (3, "postgresql://x", "closed")
    assert unknown_variables({"STILLNEW_WROKERS": "3", "PATH": "x"}) == ["STILLNEW_WROKERS"]
    with pytest.raises(SettingWrong, match="STILLNEW_FOUNDING"):
        from_environment({"STILLNEW_FOUNDING": "perhaps"})


def test_doctor_shows_remedies_and_no_password(database_url: str) -> None:
    """With unreachable servers, doctor names both settings, prints no password, and exits with 1."""
    well = stillnew("doctor", DATABASE_URL=database_url)
    assert all(word in well.stdout for word in ("fsync", "clips", "sandbox"))
    ill = stillnew("doctor", DATABASE_URL="postgresql://me:CanaryPassword@127.0.0.1:1/x", STILLNEW_REDIS_URL="redis://127.0.0.1:1")
    assert ill.returncode == 1
    assert "DATABASE_URL" in ill.stdout
    assert "STILLNEW_REDIS_URL" in ill.stdout
    assert "CanaryPassword" not in ill.stdout + ill.stderr


async def test_operators_see_ids_and_counts_and_no_names(http: httpx.AsyncClient, database_url: str) -> None:
    ada = await found_family(http, you="CanaryAda", child="CanaryMia")
    listed = stillnew("family", "list", DATABASE_URL=database_url, COLUMNS="200")
    shown = stillnew("family", "show", ada.family, DATABASE_URL=database_url, COLUMNS="200")
    assert ada.family in listed.stdout
    assert ada.member in shown.stdout
    assert "Canary" not in listed.stdout + shown.stdout
    before = (await ada.ask("GET", "/v1/families/{family}/feed")).json()["log"]
    assert stillnew("family", "new-log", ada.family, DATABASE_URL=database_url).returncode == 0
    assert (await ada.ask("GET", "/v1/families/{family}/feed")).json()["log"] != before
    absent = stillnew("family", "show", ada.member, DATABASE_URL=database_url)
    assert (absent.returncode, absent.stderr.count("\n")) == (1, 1)


def test_migrate_reports_what_it_applied_and_then_nothing(empty_database_url: str) -> None:
    first = stillnew("migrate", DATABASE_URL=empty_database_url)
    second = stillnew("migrate", DATABASE_URL=empty_database_url)
    assert "0001_log" in first.stdout
    assert "Nothing to apply." in second.stdout
