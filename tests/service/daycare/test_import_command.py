"""Tests `stillnew import` as a parent runs it, with the real command and a real service."""

import re
import subprocess
from pathlib import Path

from tests.service.conftest import Village
from tests.service.daycare.conftest import events_by
from tests.service.daycare.test_import_room import TOO_MANY
from tests.service.test_cli import stillnew

FILE = """id,child,child_name,occurred_at,text
1,m,Mia,2026-03-01T10:00,Slept well
2,m,Mia,2026-03-01T11:00,She took her first steps today!
3,m,Mia,2026-13-01,Never
"""


async def test_a_file_is_imported_once_and_its_outcomes_are_printed(village: Village, service_url: str, tmp_path: Path) -> None:
    file, token = tmp_path / "journal.csv", tmp_path / "token"
    file.write_text(FILE)
    token.write_text(village.ada.token)
    as_ada = ("--url", service_url, "--token-file", str(token), "--source", "plain")
    dry = stillnew("import", str(file), *as_ada, "--child", village.child, "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    records, outcome, unreadable, unread, legend, zone = dry.stdout.splitlines()
    assert (records, outcome, unreadable) == ("3 records", "       2  would be recorded", "       1  cannot be read")
    assert re.fullmatch(r"  rows\[2\].occurred_at cannot be read: .+", unread), unread
    assert "rows[0] is the first row" in legend
    assert "local times" in zone
    waiting = stillnew("import", str(file), *as_ada)
    assert "       2  waiting" in waiting.stdout
    assert "  m  (Mia)" in waiting.stdout
    assert "--child ID" in waiting.stdout
    imported = stillnew("import", str(file), *as_ada, "--child", village.child)
    assert "       2  already recorded" in imported.stdout
    listed = (await village.ada.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    member = next(one["member"] for one in listed if one["references"])
    assert len(await events_by(village.ben, member)) == 2


async def test_the_command_prints_each_error_as_one_sentence(village: Village, service_url: str, tmp_path: Path) -> None:
    file = tmp_path / "journal.csv"
    file.write_text("a,b\n1,2\n")
    as_sam = {"STILLNEW_TOKEN": village.sam.token}
    wrong = {
        "cannot be read": stillnew("import", str(tmp_path / "none"), "--source", "plain", "--url", service_url, **as_sam),
        "Only parents import": stillnew("import", str(file), "--source", "plain", "--url", service_url, **as_sam),
        "header": stillnew(
            "import", str(file), "--source", "plain", "--url", service_url, STILLNEW_TOKEN=village.ada.token
        ),
        "is no address": stillnew("import", str(file), "--source", "plain", "--url", "nowhere", **as_sam),
    }
    for sentence, command in wrong.items():
        assert (command.returncode, command.stdout) == (1, "")
        assert sentence in command.stderr
        assert command.stderr.count("\n") == 1


def run(village: Village, url: str, file: Path, *arguments: str, source: str = "plain") -> subprocess.CompletedProcess[str]:
    """Runs `stillnew import` with Ada's token."""
    return stillnew("import", str(file), "--url", url, "--source", source, *arguments, STILLNEW_TOKEN=village.ada.token)


async def test_too_many_waiting_records_are_one_sentence_that_names_the_reference(
    village: Village, service_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "big.csv"
    file.write_text(TOO_MANY)
    for arguments in (("--dry-run",), (), ()):
        result = run(village, service_url, file, *arguments)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        for part in ("10001 records would wait", "at most 10000", "mia (10001)", "A parent links each child first", "--child ID"):
            assert part in result.stderr
        assert "same file again" not in result.stderr


async def test_a_refused_row_is_listed_with_its_place_and_its_reason_in_both_runs(
    village: Village, service_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "plain.csv"
    file.write_text("id,child,occurred_at,text\na,mia,2026-06-01 10:00,Fine.\nb,mia,2062-06-01 10:00,Digits the wrong way.\n")
    dry = run(village, service_url, file, "--child", village.child, "--zone", "UTC", "--dry-run")
    done = run(village, service_url, file, "--child", village.child, "--zone", "UTC")
    assert (dry.returncode, done.returncode) == (0, 0)
    assert dry.stdout.splitlines()[:3] == ["2 records", "       1  would be recorded", "       1  would be refused"]
    assert done.stdout.splitlines()[:3] == ["2 records", "       1  recorded", "       1  refused"]
    for result, would in ((dry, "would be refused"), (done, "refused")):
        assert f"  rows[1] {would}: A time lies at most a day ahead of now" in result.stdout


async def test_the_exit_code_is_1_when_nothing_of_a_file_is_imported(village: Village, service_url: str, tmp_path: Path) -> None:
    file = tmp_path / "diary.csv"
    file.write_text("id,child,occurred_at,text\na,mia,2026-06-01 10:00,\nb,mia,2062-06-01 10:00,Later\nc,mia,yesterday,Never\n")
    dry = run(village, service_url, file, "--child", village.child, "--dry-run")
    done = run(village, service_url, file, "--child", village.child)
    assert (dry.returncode, dry.stderr) == (1, "stillnew: Nothing of this file would be imported.\n")
    assert (done.returncode, done.stderr) == (1, "stillnew: Nothing of this file was imported.\n")
    assert "       1  left out: no words" in done.stdout


async def test_a_notice_states_that_local_times_without_a_zone_are_read_as_utc(
    village: Village, service_url: str, tmp_path: Path
) -> None:
    local, placed, a_day = (tmp_path / f"{name}.csv" for name in ("local", "placed", "a_day"))
    header = "id,child,occurred_at,text\n"
    local.write_text(header + "0,mia,2026-06-25,Sang.\n1,mia,2026-06-25 19:30,Fell asleep at half past seven.\n")
    placed.write_text(header + "2,mia,2026-06-25T19:30:00+02:00,Fell asleep.\n")
    a_day.write_text(header + "3,mia,2026-06-25,Sang.\n")
    child = ("--child", village.child)
    for result in (run(village, service_url, local, *child, "--dry-run"), run(village, service_url, local, *child)):
        assert result.returncode == 0
        assert "taken for UTC" in result.stdout
        assert "--zone Europe/Berlin" in result.stdout
    quiet = (
        run(village, service_url, local, *child, "--zone", "UTC"),
        run(village, service_url, local, *child, "--zone", "Europe/Berlin"),
        run(village, service_url, placed, *child),
        run(village, service_url, a_day, *child),
    )
    assert not any("UTC" in result.stdout for result in quiet)
