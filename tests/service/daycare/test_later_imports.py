"""Tests that a later import corrects an earlier one, for example with another time zone."""

from datetime import datetime
from typing import Any

import pytest

from tests.service.conftest import Village
from tests.service.daycare.conftest import events_by, link
from tests.service.daycare.test_imports import imported

DIARY = "id,child,occurred_at,text\n1,mia,2026-06-25 19:30,Fell asleep at half past seven.\n"
CHANGED = "id,child,occurred_at,text,revised_at\n1,mia,2026-06-25 19:30,Fell asleep at half past seven.,2026-06-26 08:00\n"
CONNECT = "Start Time,End Time,Duration,Activity,Quantity,Extra data,Text,Notes\n06/25/2026 07:30 PM,,,Diary,,,Fell asleep.,\n"
ZONES = {"Europe/Berlin": "+02:00", "America/Los_Angeles": "-07:00", "Asia/Kathmandu": "+05:45", "UTC": "Z"}
FILES = {
    "plain": ("plain", DIARY, {}),
    "plain, with local dates of change": ("plain", CHANGED, {}),
    "baby_connect": ("baby_connect", CONNECT, {"reference": "mia"}),
}


async def happened(village: Village, importer: str) -> str:
    """Returns the time of an importer's only record in a parent's feed, after the latest amendment."""
    page = (await village.ben.ask("GET", "/v1/families/{family}/feed")).json()
    own = [one["event"] for one in page["entries"] if one["event"].get("author") == importer]
    first, *amended = own
    assert first["event"]["type"] == "NoteWritten"
    assert {one["event"]["target"] for one in amended} <= {first["id"]}
    later = max(amended, key=lambda one: (datetime.fromisoformat(one["recorded_at"]), one["id"]), default=None)
    return str(first["occurred_at"] if later is None else later["event"]["changes"]["occurred_at"])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("zones", [*(["UTC", zone] for zone in ZONES if zone != "UTC"), [*ZONES, *ZONES]], ids=str)
async def test_a_zone_in_a_later_import_corrects_the_time(village: Village, name: str, zones: list[str]) -> None:
    """The zone of each later import replaces the earlier zone, east or west of UTC, also if the earlier zone was right."""
    source, body, more = FILES[name]

    async def imports(zone: str, *, dry_run: str) -> Any:
        return await imported(
            village.ada, source, body, as_="text/csv", child=village.child, zone=zone, dry_run=dry_run, **more
        )

    first, *later = zones
    report = await imports(first, dry_run="false")
    for zone in later:
        assert (await imports(zone, dry_run="true"))["outcomes"] == {"amended": 1}
        assert (await imports(zone, dry_run="false"))["outcomes"] == {"amended": 1}
        assert await happened(village, report["member"]) == f"2026-06-25T19:30:00{ZONES[zone]}"
        assert (await imports(zone, dry_run="false"))["outcomes"] == {"already_recorded": 1}


async def test_a_corrected_zone_of_a_waiting_record_counts_once_it_is_linked(village: Village) -> None:
    for zone in ("UTC", "Europe/Berlin"):
        report = await imported(village.ada, "plain", DIARY, as_="text/csv", zone=zone)
        assert report["outcomes"] == {"waiting": 1}
    assert (await link(village.ada, report["member"], village.child, reference="mia")).status_code == 204
    assert await happened(village, report["member"]) == "2026-06-25T19:30:00+02:00"


async def test_of_dated_contents_the_later_one_counts_in_whatever_order_they_are_imported(village: Village) -> None:
    old = CHANGED.replace("08:00", "07:00").replace("Fell", "Woke")
    for body, zone, outcome in (
        (CHANGED, "UTC", "recorded"), (old, "UTC", "outdated"), (old, "Asia/Kathmandu", "outdated"),
        (old, "America/Los_Angeles", "outdated"), (CHANGED, "America/Los_Angeles", "amended"),
    ):  # fmt: skip
        report = await imported(village.ada, "plain", body, as_="text/csv", child=village.child, zone=zone)
        assert report["outcomes"] == {outcome: 1}


async def test_a_file_with_a_record_twice_has_the_same_result_each_time(village: Village) -> None:
    """Law 2: without dates of change, the last row of a record counts. So a second import of the file changes nothing."""
    body = DIARY + "1,mia,2026-06-25 19:30,Fell asleep late.\n1,mia,2026-06-25 19:30,Fell asleep late.\n"
    report = await imported(village.ada, "plain", body, as_="text/csv", child=village.child)
    assert report["outcomes"] == {"already_recorded": 1, "outdated": 1, "recorded": 1}
    again = await imported(village.ada, "plain", body, as_="text/csv", child=village.child)
    assert again["outcomes"] == {"already_recorded": 2, "outdated": 1}
    assert [one["text"] for one in await events_by(village.ben, report["member"])] == ["Fell asleep late."]
