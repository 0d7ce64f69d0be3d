"""Tests the CSV of Baby Connect and our plain CSV: stable ids, local times, and the forms in which spreadsheets save a file."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources.reading import ImportHints, Unreadable
from tests.service.daycare.sources import feed_csv
from tests.service.daycare.sources.invented import NAMES, NEVER
from tests.service.daycare.sources.outcomes import read, records, tally, verdict

LIA = ImportHints(reference="lia", zone="America/New_York")
CET = timezone(timedelta(hours=1))


def lia(*rows: tuple[str, ...], given: ImportHints = LIA) -> list[Record]:
    return records(read("baby_connect", feed_csv.written(feed_csv.BABY_CONNECT, list(rows)), given))


def row(text: str, *, start: str = "3/14/21 9:05", end: str = "", activity: str = "Sleep", quantity: str = "") -> tuple[str, ...]:
    return (start, end, "", activity, quantity, "", text, "", NEVER)


def test_a_whole_file_of_baby_connect_gives_the_expected_outcomes() -> None:
    """Each of 60 everyday rows and 13 edge cases gets its outcome. The errors name the row.

    Three rows of one minute share an id. Later, `row_ids` gives each row an id of its own.
    """
    found = read("baby_connect", feed_csv.baby_connect(), LIA)
    assert tally(found) == {"translated": 60 + 8, "no_words": 1, "unreadable": 4}
    assert [one.at for one in found if isinstance(one, Unreadable)] == [
        "rows[68].start",
        "rows[69].start",
        "rows[70].start",
        "rows[72]",
    ]
    assert len({record.id for record in records(found)}) == 60 + 6


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("Lia slept", "2021-11-07T01:30:00-04:00", "minute"),
        ('Lia had a "wet" diaper, again\nRash:\ncream put on', "2021-03-14T00:05:00-05:00", "minute"),
        ("Bottle: 4 oz", "2021-03-14T21:05:00-04:00", "minute"),
        ("A day alone", "2021-03-14T12:00:00-04:00", "day"),
        ("By the other calendar", "2021-03-14T10:00:00-04:00", "minute"),
    ],
)
def test_the_time_of_a_row_is_in_the_importers_zone(text: str, at: str, precision: str) -> None:
    found = lia(*(case for case in feed_csv.BABY_CONNECT_EDGE_CASES if len(case) == len(feed_csv.BABY_CONNECT)))
    (record,) = (one for one in found if one.text == text)
    assert (record.occurred_at.isoformat(), record.precision, record.reference) == (at, precision, "lia")
    assert record.recorded_at == record.revised_at == record.occurred_at


def test_an_entry_keeps_its_id_when_its_words_its_end_or_its_quantity_are_corrected() -> None:
    before = lia(row("Lia slept"))
    after = lia(row("Lia slept well", end="3/14/21 10:00", quantity="2"))
    elsewhere = lia(row("Lia slept"), given=ImportHints(reference="lia", zone="Asia/Tokyo"))
    assert before[0].id == after[0].id == elsewhere[0].id
    others = (lia(row("Lia slept", start="3/14/21 9:06")), lia(row("Lia slept", activity="Nap")))
    assert before[0].id not in {found[0].id for found in others}
    assert before[0].id != lia(row("Lia slept"), given=ImportHints(reference="ben"))[0].id


def test_a_whole_plain_file_gives_the_expected_outcomes() -> None:
    """Each of 60 everyday rows and 14 edge cases gets its outcome. One everyday row is in the file twice."""
    found = read("plain", feed_csv.plain())
    assert tally(found) == {"translated": 60 + 1 + 5, "no_words": 1, "unreadable": 8}
    assert [one.at.partition(".")[2] for one in found if isinstance(one, Unreadable)] == [
        "milestone",
        "media",
        "id",
        "child",
        "occurred_at",
        "gone",
        "text",
        "",
    ]


def test_a_plain_file_with_semicolons_gives_the_same_records() -> None:
    assert read("plain", feed_csv.plain(separator=";")) == read("plain", feed_csv.plain())


def test_plain_rows_are_translated_exactly() -> None:
    by_id = {record.id: record for record in records(read("plain", feed_csv.plain(), ImportHints(zone="Europe/Berlin")))}
    noon = datetime(2026, 3, 14, 12, tzinfo=CET)
    times = dict.fromkeys(("recorded_at", "revised_at", "occurred_at"), noon)
    shape: dict[str, Any] = {"reference": "ada", "precision": Precision.DAY, **times}
    assert by_id["steps"] == Record(id="steps", milestone="movement.first-steps", is_dated=False, **shape)
    assert by_id["quoted"] == Record(
        id="quoted",
        reference="ada",
        occurred_at=datetime(2026, 3, 14, 9, 5, tzinfo=CET),
        precision=Precision.MINUTE,
        recorded_at=datetime(2026, 3, 14, 18, tzinfo=CET),
        revised_at=datetime(2026, 3, 15, 8, tzinfo=UTC),
        text='He said "ball",\nthen "more"',
    )
    gone = {**shape, "revised_at": datetime(2026, 3, 20, 12, tzinfo=UTC)}
    assert by_id["gone"] == Record(id="gone", is_gone=True, **gone)
    month = by_id["month"]
    assert (month.occurred_at.isoformat(), month.precision) == ("2026-03-15T12:00:00+01:00", Precision.MONTH)
    assert month.media == (Media(name="hum.m4a"), Media(name="hum.jpg", content_type="image/jpeg"))
    assert by_id["dst"].shown_name == NAMES[2]
    assert by_id["dst"].occurred_at.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_time_whose_old_offset_has_seconds_is_given_in_utc() -> None:
    """Monrovia's offset was -00:44:30 until 1972. An offset is written in whole minutes, so this time is given in UTC."""
    (old,) = records(
        read("plain", b"id,child,occurred_at,text\n1,ada,1960-01-01 12:00,Old\n", ImportHints(zone="Africa/Monrovia"))
    )
    assert old.occurred_at.isoformat() == "1960-01-01T12:44:30+00:00"


def test_a_text_with_nul_is_unreadable() -> None:
    """A single record with NUL in its text is unreadable. (A whole file with NUL is refused before its records are read.)"""
    row = {"id": "1", "child": "ada", "occurred_at": "2026-03-14", "text": "a\0b"}
    assert verdict("plain", row) == "it.text"
