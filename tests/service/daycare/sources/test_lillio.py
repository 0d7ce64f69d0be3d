"""Tests Lillio: `list_date` is the time of the activity, and the import request names the child."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import ImportHints
from tests.service.daycare.sources.feed_lillio import body, edge_cases
from tests.service.daycare.sources.invented import Day
from tests.service.daycare.sources.outcomes import only, read, records, tally, verdict

EDGE_CASES = edge_cases(Day(1, start=datetime(2025, 6, 2, 12, tzinfo=UTC), offset_h=-4))
ADA = ImportHints(reference=" account 7 ", name_by_reference={"account 7": "Ada"})


def test_a_whole_feed_gives_the_expected_outcomes() -> None:
    """Each of 60 everyday entries and 9 edge cases gets its outcome. One everyday entry is in two months."""
    found = read("lillio", body(), ADA)
    assert tally(found) == {"translated": 60 + 1 + 4, "no_words": 2, "unreadable": 3}
    assert {record.reference for record in records(found)} == {"account 7"}


def test_where_there_is_no_list_date_it_happened_when_it_was_created() -> None:
    at = datetime(2025, 6, 23, 9, 48, 4, 267_000, tzinfo=timezone(timedelta(hours=-4)))
    assert only("lillio", EDGE_CASES["no_list_date"], ADA) == Record(
        id="100102",
        reference="account 7",
        shown_name="Ada",
        occurred_at=at,
        precision=Precision.MINUTE,
        recorded_at=at,
        revised_at=at,
        is_dated=False,
        text="Garden\nDug for worms.",
        prose="Dug for worms.",
    )
    assert only("lillio", EDGE_CASES["no_list_date"], ADA).occurred_at.isoformat() == at.isoformat()


def test_a_list_date_of_midnight_is_a_day_and_one_second_later_is_a_time() -> None:
    day = only("lillio", EDGE_CASES["a_day"], ADA)
    assert (day.occurred_at.isoformat(), day.precision) == ("2025-06-23T00:00:00-04:00", Precision.DAY)
    assert day.recorded_at == datetime(2025, 6, 24, 12, tzinfo=UTC)
    assert only("lillio", EDGE_CASES["after_midnight"], ADA).precision is Precision.MINUTE


def test_pictures_are_listed_by_the_name_of_their_file() -> None:
    assert only("lillio", EDGE_CASES["picture"], ADA).media == (
        Media(name="two.jpeg", content_type="image/jpeg"),
        Media(name="two.mp4", content_type="video/mp4"),
    )


LEFT_OUT = {
    "bare_picture": "no_words",
    "nulls": "no_words",
    "no_time": "it.created_at",
    "no_id": "it.id",
    "no_activity": "it.created_at",
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_entry_is_left_out_with_its_reason_or_its_place(name: str) -> None:
    assert verdict("lillio", EDGE_CASES[name], ADA) == LEFT_OUT[name]


def test_a_bare_activity_gives_the_same_record() -> None:
    assert only("lillio", EDGE_CASES["picture"]["activity"], ADA) == only("lillio", EDGE_CASES["picture"], ADA)


@pytest.mark.parametrize("given", [ImportHints(), ImportHints(reference=""), ImportHints(reference="  ")])
@pytest.mark.parametrize("source", ["lillio", "baby_connect"])
def test_a_file_that_names_no_child_is_refused_until_the_importer_does(source: str, given: ImportHints) -> None:
    with pytest.raises(FieldInvalid) as refusal:
        SOURCES[source].read(body(), given)
    assert refusal.value.at == "reference"
