"""Tests Procare: an activity of several children becomes one record for each child, and times keep the offset of the centre."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources.reading import ImportHints
from tests.service.daycare.sources.feed_procare import KIDS, activity, body, edge_cases
from tests.service.daycare.sources.invented import Day
from tests.service.daycare.sources.outcomes import only, read, records, tally, text, translated, verdict

EDGE_CASES = edge_cases(Day(1, start=datetime(2026, 2, 2, 17, tzinfo=UTC), offset_h=-8))


def test_a_whole_feed_gives_the_expected_outcomes() -> None:
    """Each of 60 everyday entries and 15 edge cases gets its outcome. Ten entries are about one to three children."""
    found = read("procare", body())
    assert tally(found) == {"translated": 60 + 1 + 11, "no_words": 1, "unknown_kind": 1, "unreadable": 2}
    learning = 4 * 1 + 3 * 2 + 3 * 3
    on_two_pages = 2  # a learning activity about two children
    assert len(records(found)) == 60 - 10 + learning + on_two_pages + 11 + 1


def test_a_record_about_several_children_is_one_for_each_under_an_id_of_its_own() -> None:
    def about(kid: str, name: str | None) -> Record:
        at = datetime(2026, 2, 6, 14, 20, 26, tzinfo=timezone(timedelta(hours=-8)))
        return Record(
            id=f"group#{kid}",
            reference=kid,
            shown_name=name,
            occurred_at=at,
            precision=Precision.MINUTE,
            recorded_at=at,
            revised_at=at,
            is_dated=False,
            text="At the pond",
            media=(Media(name="pond.jpg", content_type="image/jpeg"),),
        )

    given = ImportHints(name_by_reference={KIDS[0]: "Åse"})
    assert translated("procare", EDGE_CASES["several_kids"], given) == (about(KIDS[1], None), about(KIDS[0], "Åse"))


def test_a_second_child_that_is_added_later_leaves_the_first_ones_id_as_it_was() -> None:
    alone = {**EDGE_CASES["several_kids"], "kid_ids": [KIDS[0]]}
    assert only("procare", alone).id in {record.id for record in translated("procare", EDGE_CASES["several_kids"])}


def test_the_childrens_names_come_from_the_response_that_lists_them() -> None:
    names = {record.reference: record.shown_name for record in records(read("procare", body()))}
    assert names == {KIDS[0]: "Åse", KIDS[1]: "Zoë", KIDS[2]: "Nguyễn"}


TEXTS = {
    "before_midnight": "Signed out",
    "odd_offset": "Signed in",
    "incident": "Incident: Bump, Head\nOff the step.\nIce.",
    "incident_without_a_word": "Incident",
    "nap_of_both_times": "Nap: 9:30 to 10:05",
    "mood": "Mood: Happy",
    "unknown_quantity": "Meal: rice",
    "unit_that_is_none": "Bottle",
    "day_alone": "A fine day",
    "corrected": "Now right",
}
LEFT_OUT = {"bare_photo": "no_words", "unknown_kind": "unknown_kind", "no_kids": "it.kid_ids", "null_kid": "it.kid_ids[0]"}
EVERYDAY = {
    ("bathroom", "Wet"): "Nappy: wet",
    ("bathroom", "BM & Wet"): "Nappy: soiled, wet",
    ("bathroom", "Dry"): "Nappy: dry",
}


@pytest.mark.parametrize("name", TEXTS)
def test_an_entry_gives_its_text(name: str) -> None:
    assert text("procare", EDGE_CASES[name]) == TEXTS[name]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_entry_is_left_out_with_its_reason_or_its_place(name: str) -> None:
    assert verdict("procare", EDGE_CASES[name]) == LEFT_OUT[name]


def test_every_edge_case_is_tested() -> None:
    assert {*TEXTS, *LEFT_OUT, "several_kids"} == set(EDGE_CASES)


@pytest.mark.parametrize(("kind", "sub_type"), EVERYDAY)
def test_a_nappy_change_gives_its_text(kind: str, sub_type: str) -> None:
    day = Day(9, start=datetime(2026, 2, 2, 17, tzinfo=UTC))
    assert text("procare", activity(day, kind, data={"type": "Diaper", "sub_type": sub_type})) == EVERYDAY[kind, sub_type]


def test_everyday_entries_keep_the_centres_words() -> None:
    texts = {record.text or "" for record in records(read("procare", body()))}
    assert {"Lunch: pasta, pears (most)", "Nap: asleep", "Nap: awake", "Bottle: 2 of 2.5", "Nappy: soiled"} <= texts
    assert any(text.startswith("Activity: Finger painting\n") for text in texts)


def test_a_date_without_a_time_is_noon_of_that_day() -> None:
    """A date alone means noon, also on the day on which the clocks of New York go forward (8 March 2026)."""
    day = only("procare", EDGE_CASES["day_alone"], ImportHints(zone="America/New_York"))
    assert (day.occurred_at.isoformat(), day.precision) == ("2026-03-08T12:00:00-04:00", Precision.DAY)


@pytest.mark.parametrize(
    ("name", "at"), [("before_midnight", "2026-02-06T23:59:59-08:00"), ("odd_offset", "2026-02-06T09:00:00+05:45")]
)
def test_the_senders_offset_is_kept(name: str, at: str) -> None:
    assert only("procare", EDGE_CASES[name], ImportHints(zone="Europe/Berlin")).occurred_at.isoformat() == at


def test_the_times_of_entry_and_change_are_kept() -> None:
    fixed = only("procare", EDGE_CASES["corrected"])
    assert (fixed.recorded_at, fixed.revised_at) == (datetime(2026, 2, 6, 18, tzinfo=UTC), datetime(2026, 2, 7, 18, tzinfo=UTC))
