"""Tests whole files: which are refused before a record is read, and which ways of saving a file give the same records."""

import json
from typing import Any

import pytest

from events.errors import Refused
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import RECORDS_MAX, ImportHints
from tests.service.daycare.sources import feed_csv
from tests.service.daycare.sources.feed_brightwheel import pages
from tests.service.daycare.sources.outcomes import read, records

LIA = ImportHints(reference="lia")
ROW = b"id,child,occurred_at,text\r\n"

NOT_JSON = {
    b"": "body.malformed",
    b"{": "body.malformed",
    b'{"activities": [] } x': "body.malformed",
    b'{"activities": [NaN]}': "body.malformed",
    b'{"activities": ["\xff"]}': "body.malformed",
    b'{"activities": [Infinity, "\\ud800"]}': "body.malformed",
    b'{"activities": [{"\\ud800": 1, "\\ud800": 2}]}': "body.duplicate_key",
    b'{"activities": ["\\ud800", 1' + b"0" * 5_000 + b"]}": "body.malformed",
    b'{"activities": [], "activities": []}': "body.duplicate_key",
    b'{"activities": [{"staff_only": true, "staff_only": false}]}': "body.duplicate_key",
    b'{"activities": [' + b"[" * 70 + b"]" * 70 + b"]}": "body.too_deep",
    b'{"activities": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}": "body.too_deep",
    b'{"activities": [' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}": "body.too_deep",
    b"null": "body.invalid",
    b"7": "body.invalid",
    b'"activities"': "body.invalid",
    b"{}": "body.invalid",
    b'{"errors": [{"title": "Expired"}]}': "body.invalid",
    b'{"activities": {}}': "body.invalid",
}


@pytest.mark.parametrize("body", NOT_JSON, ids=range(len(NOT_JSON)))
def test_a_file_of_another_system_is_refused(body: bytes) -> None:
    """Law 17: a file that is not a response of the named source is refused before a record is read."""
    with pytest.raises(Refused) as refusal:
        SOURCES["brightwheel"].read(body)
    assert refusal.value.code == NOT_JSON[body]


NOT_CSV = {
    b"": ("body.invalid", "header"),
    b"\r\n\r\n": ("body.invalid", "header"),
    b"id,child,,text\r\n": ("body.invalid", "header"),
    b"id,child,occurred_at\r\n": ("body.invalid", "header.text"),
    b"id,child,occurred_at,text,ID\r\n": ("body.invalid", "header.id"),
    b"id,child,occurred_at,text,staff\r\n": ("body.invalid", "header.staff"),
    ROW + b'1,ada,2026-03-14,"open': ("body.malformed", "line 2"),
    ROW + b'1,ada,2026-03-14,"a"b': ("body.malformed", "line 2"),
    ROW + b"1,ada,2026-03-14,\xff": ("body.malformed", None),
    ROW + b"1,ada,2026-03-14,\x00": ("body.nul", None),
    b"id,child,occurred_at,text,\xf0\x9f\n": ("body.invalid", "header"),
    ROW + b"1,ada,2026-03-14," + b"x" * 200_000: ("body.malformed", "line 2"),
}


@pytest.mark.parametrize("body", NOT_CSV, ids=range(len(NOT_CSV)))
def test_an_invalid_plain_csv_is_refused_with_its_place(body: bytes) -> None:
    """Law 17: an invalid plain CSV is refused before a record is read, and the error names the place in the file."""
    with pytest.raises(Refused) as refusal:
        SOURCES["plain"].read(body)
    assert (refusal.value.code, refusal.value.at) == NOT_CSV[body]


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("brightwheel", json.dumps([{}] * (RECORDS_MAX + 1)).encode()),
        ("procare", json.dumps([{"daily_activities": [{}] * RECORDS_MAX}, {"daily_activities": [{}]}]).encode()),
        ("plain", ROW + b"1,ada,2026-03-14,x\n" * (RECORDS_MAX + 1)),
    ],
)
def test_a_file_with_too_many_records_is_refused(source: str, body: bytes) -> None:
    """Law 17: a file of more than 20,000 records is refused as a whole."""
    with pytest.raises(Refused) as refusal:
        SOURCES[source].read(body)
    assert refusal.value.code == "body.invalid"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../UTC", "America", "utc\0", "x" * 5_000])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(Refused) as refusal:
        SOURCES["plain"].read(feed_csv.plain(), ImportHints(zone=zone))
    assert refusal.value.at == "zone"


def test_one_response_several_and_a_list_of_records_give_the_same_records() -> None:
    answers = pages()
    rows = [row for answer in answers for row in answer["activities"]]
    alike: list[Any] = [answers, rows, {"activities": rows}, [{"activities": rows}, {"activities": []}]]
    translated = [records(read("brightwheel", json.dumps(one).encode())) for one in alike]
    assert translated[0]
    assert all(one == translated[0] for one in translated)


def test_a_byte_order_mark_and_escapes_change_nothing() -> None:
    plain, escaped = (json.dumps(pages(), ensure_ascii=ascii_only) for ascii_only in (False, True))
    assert read("brightwheel", b"\xef\xbb\xbf" + plain.encode()) == read("brightwheel", escaped.encode())


def test_line_ends_blank_lines_and_spare_commas_change_nothing() -> None:
    unix = b"id,child,occurred_at,text\n1,ada,2026-03-14,Sang\n2,ada,2026-03-15,Slept\n"
    other = b"\xef\xbb\xbf\r\nID , child,occurred_at,text,,\r\n\r\n1,ada,2026-03-14,Sang,,\r\n,,,,,\r\n2,ada,2026-03-15,Slept,,"
    assert read("plain", unix) == read("plain", other)
    assert len(records(read("plain", unix))) == 2


def test_a_missing_column_of_baby_connect_is_named() -> None:
    with pytest.raises(Refused) as refusal:
        SOURCES["baby_connect"].read(b"Start Time,Activity\n3/14/21 9:00,Nap\n", LIA)
    assert refusal.value.at == "header.text"
