"""Tests dates with slashes: a file's rows show whether the day or the month comes first. If no row does, the report says so."""

from typing import Any

import pytest

from tests.service.conftest import Village
from tests.service.daycare.test_import_command import run
from tests.service.daycare.test_imports import imported

HEADER = "Start Time,End Time,Activity,Duration (min),Quantity,Extra data,Text,Notes,Caregiver,Unit\n"


def file(*starts: str) -> str:
    return HEADER + "".join(f"{start},,Nap,,,,Slept.,,X,\n" for start in starts)


async def days_of(village: Village, body: str, **query: str) -> tuple[list[str], Any]:
    report = await imported(village.ada, "baby_connect", body, as_="text/csv", child=village.child, zone="UTC", **query)
    page = (await village.ada.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    events = [entry["event"] for entry in page["entries"] if entry["event"].get("author") == report["member"]]
    return sorted(event["occurred_at"][:10] for event in events), report


async def test_one_row_proves_that_the_day_is_first_in_all_rows(village: Village) -> None:
    days, report = await days_of(village, file("05/06/2026 9:00 AM", "13/06/2026 9:00 AM"))
    assert (days, report["notices"]) == (["2026-06-05", "2026-06-13"], [])


async def test_one_row_proves_that_the_month_is_first_in_all_rows(village: Village) -> None:
    days, report = await days_of(village, file("6/5/2026 9:00 AM", "6/13/2026 9:00 AM"))
    assert (days, report["notices"]) == (["2026-06-05", "2026-06-13"], [])


async def test_rows_that_prove_both_are_read_as_the_app_writes_them_and_the_other_is_listed(village: Village) -> None:
    days, report = await days_of(village, file("6/13/2026 9:00 AM", "14/6/2026 9:00 AM"))
    assert days == ["2026-06-13"]
    assert [one["at"] for one in report["unreadable"]] == ["rows[1].start"]
    assert "month/day/year" in report["unreadable"][0]["detail"]


@pytest.mark.parametrize(("dates", "day"), [("day_first", "2026-06-05"), ("month_first", "2026-05-06")])
async def test_a_parent_can_state_the_order_that_a_file_does_not_prove(village: Village, dates: str, day: str) -> None:
    days, report = await days_of(village, file("5/6/2026 9:00 AM"), dates=dates)
    assert (days, report["notices"]) == ([day], [])


async def test_both_runs_report_a_file_that_proves_no_order(village: Village, service_url: str, tmp_path: Any) -> None:
    diary = tmp_path / "diary.csv"
    diary.write_text(file("5/6/2026 9:00 AM"))
    given = ("--child", village.child, "--zone", "UTC")
    for more in (("--dry-run",), ()):
        result = run(village, service_url, diary, *given, *more, source="baby_connect")
        assert result.returncode == 0
        assert "--dates day_first" in result.stdout
    assert "--dates" not in run(village, service_url, diary, *given, "--dates", "month_first", source="baby_connect").stdout
