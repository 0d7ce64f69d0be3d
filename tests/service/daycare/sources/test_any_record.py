"""Tests that a record of any content is translated, ignored or unreadable, and that forbidden fields are never imported."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.daycare.record import Record
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import Ignored, ImportHints, Outcome, Unreadable
from tests.service.daycare.sources.feeds import BODY_BY_SOURCE
from tests.service.daycare.sources.invented import NEVER
from tests.service.daycare.sources.outcomes import outcome, read, records

LINKED = ImportHints(reference="ada", zone="Europe/Lisbon")
FOUND = {source: [one.record for one in SOURCES[source].open(body()).found] for source, body in BODY_BY_SOURCE.items()}

STRANGE = ("", " ", "\0", "0000-01-01", "9999-12-31T23:59:59-23:59", "2026-02-30", "1e400", "#", "\ud800")
TEXTS = st.text() | st.sampled_from(STRANGE)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def test_every_source_has_a_feed() -> None:
    assert set(BODY_BY_SOURCE) == set(SOURCES)
    assert all(SOURCES[name].name == name for name in SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_a_feed_is_long_enough_to_say_something(source: str) -> None:
    assert len(read(source, BODY_BY_SOURCE[source](), LINKED)) >= 60


@pytest.mark.parametrize("source", SOURCES)
def test_fields_that_are_not_for_the_family_are_not_imported(source: str) -> None:
    """No result has a name of staff, a URL, a like, or a text that is not for parents."""
    found = read(source, BODY_BY_SOURCE[source](), LINKED)
    assert NEVER in BODY_BY_SOURCE[source]().decode() or source == "plain"  # our own format has no other fields
    encoded = msgspec.json.encode(found).decode()
    assert NEVER not in encoded
    assert "://" not in encoded


@pytest.mark.parametrize("source", SOURCES)
def test_reading_a_record_twice_gives_the_same_and_does_not_change_it(source: str) -> None:
    before = deepcopy(FOUND[source])
    first, second = ([outcome(source, record, LINKED) for record in FOUND[source]] for _ in range(2))
    assert first == second
    assert before == FOUND[source]


@pytest.mark.parametrize("source", SOURCES)
def test_records_keep_their_bounds(source: str) -> None:
    for record in records(read(source, BODY_BY_SOURCE[source](), LINKED)):
        assert 1 <= len(record.id) <= 255
        assert 1 <= len(record.reference) <= 255
        assert record.text is None or record.text == record.text.strip() != ""
        assert record.text is not None or record.milestone is not None or record.is_gone
        assert _has_partial_prose(record)
        for time in (record.occurred_at, record.recorded_at, record.revised_at):
            assert msgspec.json.decode(msgspec.json.encode(time), type=type(time)) == time


def _has_partial_prose(record: Record) -> bool:
    """Checks whether the prose of a record is only a part of its text."""
    if record.prose is None:
        return True
    text = record.text or ""
    return record.prose != text != "" and all(line in text for line in record.prose.split("\n"))


def _is_sane(found: Outcome) -> bool:
    match found:
        case Unreadable():
            return found.at.startswith("it") and 0 < len(found.detail) <= 300
        case Ignored():
            return all(gone.is_gone and gone.text is None and not gone.media for gone in found.taken_back)
        case _:
            return len(found) > 0 and all(map(_has_partial_prose, found))


@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data())
def test_a_record_with_any_field_missing_null_or_strange_is_an_outcome_and_no_exception(source: str, data: st.DataObject) -> None:
    record = deepcopy(data.draw(st.sampled_from(FOUND[source])))
    for _ in range(data.draw(st.integers(1, 3))):
        record = _changed(record, data)
    found = outcome(source, record, LINKED)
    assert _is_sane(found)
    msgspec.json.encode(found)


def _changed(value: Any, data: st.DataObject) -> Any:
    """Draws a change to a value: one field is left out, is null, gets a strange value or is added."""
    if not isinstance(value, dict) or not value:
        return data.draw(ANYTHING)
    key = data.draw(st.sampled_from(sorted(value)))
    match data.draw(st.sampled_from(["missing", "null", "strange", "added", "within"])):
        case "missing":
            return {name: inner for name, inner in value.items() if name != key}
        case "null":
            return {**value, key: None}
        case "strange":
            return {**value, key: data.draw(ANYTHING)}
        case "added":
            return {**value, data.draw(TEXTS): data.draw(ANYTHING)}
        case _:
            inner = value[key]
            if isinstance(inner, list) and inner:
                return {**value, key: [_changed(inner[0], data), *inner[1:]]}
            return {**value, key: _changed(inner, data)}


@pytest.mark.parametrize("source", SOURCES)
@given(record=ANYTHING)
def test_anything_at_all_is_an_outcome_and_no_exception(source: str, record: Any) -> None:
    assert _is_sane(outcome(source, record, LINKED))


@pytest.mark.parametrize("source", ["brightwheel", "procare", "famly", "lillio", "tadpoles"])
def test_one_bad_record_stops_no_other(source: str) -> None:
    good = [one for one in FOUND[source] if isinstance(outcome(source, one, LINKED), tuple)]
    found = read(source, json.dumps([good[0], None, {}, good[1]]).encode(), LINKED)
    assert [isinstance(one, Unreadable) for one in found] == [False, True, True, False]
    assert [one.at.partition(".")[0] for one in found if isinstance(one, Unreadable)] == ["[1]", "[2]"]
