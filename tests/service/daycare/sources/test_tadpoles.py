"""Tests Tadpoles: the time of an event is a number of seconds since 1970, with the name of a time zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources.reading import Ignored, ImportHints, Unreadable
from tests.service.daycare.sources.feed_tadpoles import body, edge_cases
from tests.service.daycare.sources.invented import Day
from tests.service.daycare.sources.outcomes import only, outcome, read, tally, verdict

EDGE_CASES = edge_cases(Day(1, start=datetime(2021, 2, 2, 14, tzinfo=UTC)))
NEW_YORK = timezone(timedelta(hours=-5))


def test_a_whole_feed_gives_the_expected_outcomes() -> None:
    """Each of 60 everyday events and 14 edge cases gets its outcome. One everyday event is on two pages."""
    assert tally(read("tadpoles", body())) == {"translated": 60 + 1 + 4, "no_words": 1, "unreadable": 9}


def test_the_time_of_an_event_is_in_its_zone() -> None:
    at = datetime(2021, 2, 28, 19, tzinfo=NEW_YORK)
    digits = only("tadpoles", EDGE_CASES["digits"])
    assert digits == Record(
        id="digits",
        reference="Zoë d'Arc",
        shown_name="Zoë d'Arc",
        occurred_at=at,
        precision=Precision.MINUTE,
        recorded_at=datetime(2021, 3, 1, 1, 0, 0, 500_000, tzinfo=UTC),
        revised_at=datetime(2021, 3, 1, 1, 0, 0, 500_000, tzinfo=UTC),
        is_dated=False,
        text=EDGE_CASES["digits"]["comment"],
    )
    assert digits.occurred_at.isoformat() == "2021-02-28T19:00:00-05:00"


@pytest.mark.parametrize(
    ("name", "at"),
    [("first_two_o_clock", "2021-11-07T01:30:00-04:00"), ("second_two_o_clock", "2021-11-07T01:30:00-05:00")],
)
def test_an_hour_that_occurs_twice_is_distinguished_by_its_offset(name: str, at: str) -> None:
    assert only("tadpoles", EDGE_CASES[name]).occurred_at.isoformat() == at


@pytest.mark.parametrize("name", ["unknown_zone", "zone_that_is_a_path"])
def test_an_event_in_an_unknown_zone_is_unreadable(name: str) -> None:
    """An event in an unknown zone is unreadable. If its time were read in UTC, the event could get a wrong day."""
    refused = outcome("tadpoles", EDGE_CASES[name], ImportHints(zone="America/New_York"))
    assert refused == Unreadable(at="it.tz", detail="There is no time zone of this name.")


@pytest.mark.parametrize("tz", [None, "", " "])
def test_an_event_without_a_zone_is_in_the_importers_zone(tz: str | None) -> None:
    event = {**EDGE_CASES["digits"], "tz": tz}
    assert only("tadpoles", event, ImportHints(zone="Europe/Berlin")).occurred_at.isoformat() == "2021-03-01T01:00:00+01:00"
    assert only("tadpoles", event).occurred_at.isoformat() == "2021-03-01T00:00:00+00:00"


LEFT_OUT = {
    "bare_pictures": "no_words",
    "no_name": "it.parent_member_display",
    "milliseconds": "it.event_time",
    "no_number": "it.event_time",
    "infinite": "it.event_time",
    "no_time": "it.event_time",
    "true": "it.event_time",
    "nulls": "it.event_time",
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_entry_is_left_out_with_its_reason_or_its_place(name: str) -> None:
    assert verdict("tadpoles", EDGE_CASES[name]) == LEFT_OUT[name]


def test_pictures_are_listed_by_key_and_counted_if_there_is_no_text() -> None:
    assert only("tadpoles", EDGE_CASES["film"]).media == (Media(name="v", content_type="video/mp4"),)
    bare = outcome("tadpoles", EDGE_CASES["bare_pictures"])
    assert isinstance(bare, Ignored)
    assert bare.media == 2


def test_an_event_without_a_name_is_about_the_importers_child() -> None:
    assert only("tadpoles", EDGE_CASES["no_name"], ImportHints(reference="zoe")).reference == "zoe"
