"""Tests Brightwheel: the record of each kind of activity, and the fields that are never imported."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest

from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources.reading import Ignored, Unreadable, Why
from tests.service.daycare.sources.feed_brightwheel import CHILD, activity, body, edge_cases
from tests.service.daycare.sources.invented import Day
from tests.service.daycare.sources.outcomes import only, outcome, read, records, tally, text, verdict

EDGE_CASES = edge_cases(Day(1, start=datetime(2021, 10, 1, 13, tzinfo=UTC)))


def test_a_whole_feed_gives_the_expected_outcomes() -> None:
    """Each of 48 everyday entries and 19 edge cases gets its outcome. The entry that is on two pages gives one id."""
    found = read("brightwheel", body())
    assert tally(found) == {
        "translated": 48 + 1 + 10,
        "staff_only": 1,
        "by_parent": 1,
        "no_words": 1,
        "unknown_kind": 2,
        "unreadable": 4,
    }
    assert sum(count - 1 for count in Counter(record.id for record in records(found)).values()) == 1


def test_a_kudo_keeps_the_time_of_what_it_praises_and_of_when_it_was_typed() -> None:
    assert only("brightwheel", EDGE_CASES["late_kudo"]) == Record(
        id="late-kudo",
        reference=CHILD,
        shown_name="Åse Björk",
        occurred_at=datetime(2021, 9, 30, 16, 33, tzinfo=UTC),
        precision=Precision.MINUTE,
        recorded_at=datetime(2021, 9, 30, 18, 6, 43, 86_000, tzinfo=UTC),
        revised_at=datetime(2021, 9, 30, 19, tzinfo=UTC),
        text="Kudos! Stood on one leg.",
    )


TEXTS = {
    "parents_note_at_the_door": "Signed in",
    "parents_medicine": "Medication\nDrops at 7, one in each eye.",
    "incident_without_a_word": "Incident",
    "film": "Dancing",
    "bottle": "Bottle: 4 oz",
    "potty": "Potty: nothing",
    "both": "Nappy: wet, soiled",
    "unknown_kind_with_words": "Sunny, we went out.",
    "nulls": "So",
}
LEFT_OUT = {
    "staff_only": "staff_only",
    "parents_note": "by_parent",
    "bare_photo": "no_words",
    "unknown_kind": "unknown_kind",
    "unknown_state": "unknown_kind",
    "no_target": "it.target.object_id",
    "no_time": "it.event_date",
    "flag_that_is_no_flag": "it.staff_only",
    "no_record_at_all": "it",
}


@pytest.mark.parametrize("name", TEXTS)
def test_an_entry_gives_its_text(name: str) -> None:
    assert text("brightwheel", EDGE_CASES[name]) == TEXTS[name]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_entry_is_left_out_with_its_reason_or_its_place(name: str) -> None:
    assert verdict("brightwheel", EDGE_CASES[name]) == LEFT_OUT[name]


def test_every_edge_case_is_tested() -> None:
    assert {*TEXTS, *LEFT_OUT, "late_kudo"} == set(EDGE_CASES)


def test_a_nap_is_two_entries() -> None:
    day = Day(9, start=datetime(2021, 9, 1, 13, tzinfo=UTC))
    assert [text("brightwheel", activity(day, "ac_nap", state=state)) for state in ("1", "0", 1)] == [
        "Nap: asleep",
        "Nap: awake",
        "Nap: asleep",
    ]


def test_how_much_was_eaten_is_not_guessed_from_a_bare_number() -> None:
    day = Day(9, start=datetime(2021, 9, 1, 13, tzinfo=UTC))
    details = {"food": "porridge", "amount": 0, "food_type": "food", "amount_type": "", "food_meal_type": 3}
    eaten = activity(day, "ac_food", details_blob=details, menu_item_tags=[{"name": "2% milk"}, None])
    assert text("brightwheel", eaten) == "Meal: porridge, 2% milk"
    assert text("brightwheel", activity(day, "ac_food")) == "Meal"
    assert text("brightwheel", activity(day, "ac_food", details_blob={"food_type": "bottle", "amount": 4})) == "Bottle"


def test_composed_text_is_checked_like_typed_text() -> None:
    day = Day(9, start=datetime(2021, 9, 1, 13, tzinfo=UTC))
    assert verdict("brightwheel", activity(day, "ac_food", menu_item_tags=[{"name": "pe\0as"}])) == "it.text"


def test_a_withdrawn_entry_is_named_without_its_content() -> None:
    """An entry that becomes visible to staff alone gives an id to withdraw, without its text."""
    hidden = outcome("brightwheel", {**EDGE_CASES["late_kudo"], "staff_only": True, "media": {"object_id": "m"}})
    assert isinstance(hidden, Ignored)
    assert (hidden.why, hidden.media) == (Why.STAFF_ONLY, 1)
    (gone,) = hidden.taken_back
    assert (gone.id, gone.is_gone, gone.text, gone.media) == ("late-kudo", True, None, ())


def test_a_film_is_listed_by_its_id_and_type() -> None:
    assert only("brightwheel", EDGE_CASES["film"]).media == (Media(name="film-1", content_type="video/mp4"),)


def test_the_senders_offset_is_kept() -> None:
    nulls = only("brightwheel", EDGE_CASES["nulls"])
    at = datetime(2021, 9, 30, 23, 59, 59, 999_000, tzinfo=timezone(timedelta(hours=-7)))
    assert (nulls.occurred_at.isoformat(), nulls.recorded_at, nulls.revised_at) == (at.isoformat(), at, at)


def test_a_place_names_the_page_the_row_and_the_field() -> None:
    found = [one for one in read("brightwheel", body()) if isinstance(one, Unreadable)]
    assert [one.at for one in found] == [
        "[2].activities[19].target.object_id",
        "[2].activities[20].event_date",
        "[2].activities[21].staff_only",
        "[2].activities[22]",
    ]
