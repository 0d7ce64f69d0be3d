"""`stillnew import`, as a parent runs it: a real command, a real service."""

import re
from pathlib import Path

from tests.service.daycare.conftest import Village, said_by
from tests.service.test_cli import stillnew

FILE = """id,child,child_name,occurred_at,text
1,m,Mia,2026-03-01T10:00,Slept well
2,m,Mia,2026-03-01T11:00,She took her first steps today!
3,m,Mia,2026-13-01,Never
"""


async def test_a_file_is_imported_once_and_what_became_of_it_is_said(village: Village, service_url: str, tmp_path: Path) -> None:
    file, token = tmp_path / "journal.csv", tmp_path / "token"
    file.write_text(FILE)
    token.write_text(village.ada.token)
    as_ada = ("--url", service_url, "--token-file", str(token), "--source", "plain")
    tried = stillnew("import", str(file), *as_ada, "--child", village.child, "--dry-run")
    assert (tried.returncode, tried.stderr) == (0, "")
    records, outcome, unread = tried.stdout.splitlines()
    assert (records, outcome) == ("3 records", "       2  would be recorded")
    assert re.fullmatch(r"  cannot be read: \S+occurred_at: .+", unread), unread
    waiting = stillnew("import", str(file), *as_ada)
    assert "       2  waiting" in waiting.stdout
    assert "  m  (Mia)" in waiting.stdout
    assert "--child ID" in waiting.stdout
    imported = stillnew("import", str(file), *as_ada, "--child", village.child)
    assert "       2  already recorded" in imported.stdout
    listed = (await village.ada.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    member = next(one["member"] for one in listed if one["references"])
    assert len(await said_by(village.ben, member)) == 2


async def test_whatever_goes_wrong_is_said_in_one_sentence(village: Village, service_url: str, tmp_path: Path) -> None:
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
    for said, command in wrong.items():
        assert (command.returncode, command.stdout) == (1, "")
        assert said in command.stderr
        assert command.stderr.count("\n") == 1
