"""Tests the named queries: each name occurs once, and its text contains only SQL."""

import pytest

from service.postgres.queries import BadQueryFile, Queries, parse


def test_a_query_is_read_by_its_name_without_our_comments() -> None:
    text = "-- About this file.\n\n-- name: one\n-- Why.\nSELECT 1;\n\n-- name: two\nSELECT\n  2;\n"
    queries = Queries(parse(text, source="x.sql"), source="x.sql")
    assert (queries.one, queries["two"], len(queries)) == ("SELECT 1;", "SELECT\n  2;", 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 0;\n-- name: a\nSELECT 1;", "before the first"),
        ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;", "two queries are named a"),
        ("-- name: a\n-- nothing\n-- name: b\nSELECT 1;", "a is empty"),
    ],
)
def test_a_file_that_could_be_misread_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadQueryFile, match=reason):
        parse(text, source="x.sql")


def test_an_unknown_name_is_reported_with_its_file() -> None:
    with pytest.raises(AttributeError, match=r"x\.sql has no query named three"):
        _ = Queries({}, source="x.sql").three
