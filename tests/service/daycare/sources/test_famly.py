"""Tests Famly: only records that were sent to parents are imported, and only their prose."""

from datetime import UTC, datetime

import pytest

from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources.reading import Ignored, ImportHints, Why
from tests.service.daycare.sources.feed_famly import body, item_edge_cases, note_edge_cases, observation_edge_cases
from tests.service.daycare.sources.invented import NAMES, Day
from tests.service.daycare.sources.outcomes import only, outcome, read, records, tally, translated, verdict

DAY = Day(1, start=datetime(2026, 2, 2, 17, tzinfo=UTC))
EDGE_CASES = {**observation_edge_cases(DAY), **note_edge_cases(DAY), **item_edge_cases(DAY)}
LINKED = ImportHints(reference="ada", name_by_reference={"ada": "Ada"})


def test_a_whole_feed_gives_the_expected_outcomes() -> None:
    """Each record gets its outcome: 50 everyday observations and 17 edge cases, 5 notes and 6 edge cases, 2 feed items."""
    found = read("famly", body())
    assert tally(found) == {
        "translated": 50 + 1 + 5 + 5 + 1,
        "draft": 3,
        "unmarked": 1 + 1,
        "by_parent": 1,
        "assessment": 2,
        "no_words": 1,
        "unreadable": 4,
        "safeguarding": 1,
        "sensitive": 1,
        "not_for_parents": 1,
        "no_child": 1 + 1,
        "elsewhere": 1,
    }
    assert len(records(found)) == 50 + 1 + 5 + 5 + 1 + 1  # one observation is about two children


def test_an_observation_occurs_on_its_day_and_is_recorded_when_it_was_begun() -> None:
    def about(name: str) -> Record:
        return Record(
            id=f"two#{name}",
            reference=name,
            shown_name=name,
            occurred_at=datetime(2026, 2, 28, 12, tzinfo=UTC),
            precision=Precision.DAY,
            recorded_at=datetime(2026, 3, 1, 10, tzinfo=UTC),
            revised_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
            text="Built a tower of six together.",
        )

    assert translated("famly", EDGE_CASES["several"]) == (about(NAMES[1]), about(NAMES[2]))


LEFT_OUT = {
    "draft": "draft",
    "under_review": "draft",
    "taken_back": "draft",
    "no_state": "unmarked",
    "parents_own": "by_parent",
    "assessment": "assessment",
    "at_two": "assessment",
    "media_only": "no_words",
    "wrong_date": "it.remark.date",
    "two_of_a_name": "it.children",
    "nobody": "it.children",
    "nulls": "it.remark.date",
    "safeguarding": "safeguarding",
    "sensitive": "sensitive",
    "hidden": "not_for_parents",
    "unmarked": "unmarked",
    "about_nobody": "no_child",
    "of_a_room": "no_child",
    "of_an_observation": "elsewhere",
}
IMPORTED = {"several", "approved", "out_of_order", "with_media", "no_date", "plain"}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_entry_is_left_out_with_its_reason_or_its_place(name: str) -> None:
    assert verdict("famly", EDGE_CASES[name]) == LEFT_OUT[name]


@pytest.mark.parametrize("name", sorted(IMPORTED))
def test_an_entry_that_was_sent_to_parents_is_imported(name: str) -> None:
    assert verdict("famly", EDGE_CASES[name]) == "translated"


def test_every_edge_case_is_tested() -> None:
    assert {*LEFT_OUT, *IMPORTED} == set(EDGE_CASES)


@pytest.mark.parametrize("mark", ["safeguardingConcern", "sensitive", "parentVisible"])
@pytest.mark.parametrize("change", ["missing", "null", "the other way"])
def test_a_note_is_imported_only_if_each_of_its_flags_allows_it(mark: str, change: str) -> None:
    note = dict(EDGE_CASES["plain"])
    match change:
        case "missing":
            del note[mark]
        case "null":
            note[mark] = None
        case _:
            note[mark] = not note[mark]
    assert isinstance(outcome("famly", note), Ignored)


def test_a_withdrawn_observation_names_the_record_to_withdraw() -> None:
    found = outcome("famly", EDGE_CASES["taken_back"])
    assert isinstance(found, Ignored)
    (gone,) = found.taken_back
    assert (gone.id, gone.is_gone, gone.text) == (f"back#{NAMES[0]}", True, None)
    assert gone.revised_at == datetime(2026, 3, 3, 10, tzinfo=UTC)


def test_pictures_are_listed_by_id_and_counted_if_there_is_no_text() -> None:
    assert only("famly", EDGE_CASES["with_media"]).media == (Media(name="i-3"), Media(name="f-1"))
    bare = outcome("famly", EDGE_CASES["media_only"])
    assert isinstance(bare, Ignored)
    assert (bare.why, bare.media) == (Why.NO_WORDS, 3)


def test_a_feed_item_is_about_the_importers_child() -> None:
    record = only("famly", EDGE_CASES["of_a_room"], LINKED)
    assert (record.reference, record.shown_name) == ("ada", "Ada")
    assert record.id.endswith("#ada")
    assert verdict("famly", EDGE_CASES["of_an_observation"], LINKED) == "elsewhere"


def test_a_note_keeps_its_offsets_on_the_day_when_clocks_change() -> None:
    note = only("famly", EDGE_CASES["plain"])
    written, changed = note.occurred_at.isoformat(), note.revised_at.isoformat()
    assert (written, changed) == ("2026-03-29T01:30:00+01:00", "2026-03-30T08:00:00+02:00")
    assert (note.text, note.precision) == ("Tooth!", Precision.MINUTE)


def test_an_observation_without_a_day_occurs_on_the_day_when_it_was_begun() -> None:
    undated = only("famly", EDGE_CASES["no_date"])
    assert (undated.occurred_at, undated.precision) == (datetime(2026, 3, 1, 10, tzinfo=UTC), Precision.DAY)
    assert undated.text == "Undated"


def test_two_children_with_ids_may_share_a_name() -> None:
    twins = [{"id": "7", "name": "Lia"}, {"id": "8", "name": "Lia"}]
    found = translated("famly", {**EDGE_CASES["no_date"], "children": twins})
    assert [(record.reference, record.shown_name) for record in found] == [("7", "Lia"), ("8", "Lia")]
