"""Tests that a file in another encoding is refused with advice, and that one broken row does not stop the other rows."""

import json
from typing import Any

import pytest

from events.errors import BodyMalformed
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import ImportHints, Unreadable
from tests.service.daycare.sources.outcomes import read, records

HEADER = "id,child,occurred_at,text\n"
MUESLI = HEADER + "1,mia,2026-03-14,Zoë aß Müsli\n2,mia,2026-03-15,Schlief früh\n3,mia,2026-03-16,Pièce montée voilà\u00a0»\n"
CAT = "\N{CAT FACE}"


def note(own_id: str, text: str) -> dict[str, Any]:
    at = "2026-03-14T09:00:00Z"
    return {"object_id": own_id, "action_type": "ac_note", "event_date": at, "note": text, "target": {"object_id": "c"}}


def refusal_of(source: str, body: bytes) -> BodyMalformed:
    with pytest.raises(BodyMalformed) as refusal:
        SOURCES[source].read(body)
    return refusal.value


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("source", ["plain", "brightwheel"])
def test_a_file_in_utf_16_is_refused_with_advice(source: str, encoding: str) -> None:
    refusal = refusal_of(source, MUESLI.encode(encoding))
    assert "UTF-16" in refusal.detail
    assert "CSV UTF-8" in refusal.detail


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_file_in_the_encoding_of_older_spreadsheets_is_refused_with_advice(encoding: str) -> None:
    """The file is refused even if three of its bytes happen to be a valid UTF-8 character."""
    refusal = refusal_of("plain", MUESLI.encode(encoding))
    assert "Windows-1252" in refusal.detail
    assert "CSV UTF-8" in refusal.detail


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_json_is_refused_with_advice(constant: str) -> None:
    refusal = refusal_of("brightwheel", b'{"activities": [{"object_id": "a", "state": %s}]}' % constant.encode())
    assert constant in refusal.detail
    assert "null" in refusal.detail


def test_invalid_json_is_refused_with_its_line() -> None:
    refusal = refusal_of("brightwheel", b'{"activities":\n [{"object_id": }]}')
    assert refusal.at == "line 2, column 17"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_row_that_was_cut_inside_a_character_does_not_stop_the_others(cut: int) -> None:
    whole = f"1,mia,2026-03-14,Müsli {CAT}\n".encode()
    broken = b"2,mia,2026-03-15,Cut " + CAT.encode()[:cut] + b"\n"
    found = read("plain", HEADER.encode() + whole + broken + b"3,mia,2026-03-16,Slept\n")
    assert [record.id for record in records(found)] == ["1", "3"]
    assert [one.at for one in found if isinstance(one, Unreadable)] == ["rows[1].text"]


def test_a_lone_surrogate_in_one_json_record_does_not_stop_the_others() -> None:
    """The record with the lone surrogate is unreadable, and the other records are read.

    JavaScript's JSON.stringify writes a lone surrogate if a text was cut inside of an emoji.
    """
    notes = [note("a", "Ate soup."), note("b", "Cut off \ud83c"), note("c", f"Slept {CAT}")]
    found = read("brightwheel", json.dumps({"activities": notes}).encode())
    assert [record.text for record in records(found)] == ["Ate soup.", f"Slept {CAT}"]
    assert [one.at for one in found if isinstance(one, Unreadable)] == ["activities[1].note"]


def test_a_lone_surrogate_in_a_field_that_is_not_read_changes_nothing() -> None:
    (record,) = records(read("brightwheel", json.dumps([{**note("a", "Ate."), "comments": ["\ud83c"]}]).encode()))
    assert record.text == "Ate."


def test_a_lone_surrogate_in_a_month_is_replaced_in_the_place() -> None:
    found = read("lillio", json.dumps({"intervals": {"June \ud83c": [{}]}}).encode(), ImportHints(reference="lia"))
    assert [one.at for one in found if isinstance(one, Unreadable)] == ["intervals.June ?[0].created_at"]
