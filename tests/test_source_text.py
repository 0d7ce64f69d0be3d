"""Tests that `source_text` finds what is forbidden: an ignored check without a reason, SQL in Python, and a stray string."""

import ast
from pathlib import Path

import pytest

from tests.source_text import ignores, sql_texts, stray_texts


@pytest.mark.parametrize(
    ("comment", "has_reason"),
    [
        ("# noqa", False),
        ("# noqa: BLE001", False),
        ("# noqa: BLE001 - every error becomes a response", True),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore[arg-type]  # their type is too narrow", True),
    ],
)
def test_an_ignored_check_is_seen(comment: str, has_reason: bool) -> None:
    assert ignores(f"a = '# noqa'  {comment}\n") == [(comment, has_reason)]


@pytest.mark.parametrize(
    "text",
    [
        "'SELECT 1'", "'SET a = %d' % 1", "f'SHOW {a}'", "b'LISTEN a'", "'COPY a FROM STDIN'", "'WITH a AS ()'",
        "'CREATE TABLE a'", "'ALTER TABLE a'", "'a' ' FROM event'", "'family_id = $1'", "' and pg_sleep(1)'", "'BEGIN;'",
    ],
)  # fmt: skip
def test_sql_in_python_is_seen(text: str) -> None:
    assert len(sql_texts(ast.parse(f"def f():\n    'SELECT is no query here'\n    return {text}"))) == 1


@pytest.mark.parametrize("text", ["'UPDATE '", "'selected'", "'see pg_hba.conf'", "'costs $5.20'", "f'{a} FROM'", "'INSERTED x'"])
def test_other_words_are_no_sql(text: str) -> None:
    assert sql_texts(ast.parse(f"a = {text}")) == []


def test_a_stray_string_is_seen() -> None:
    """The second line of this pattern is a statement of its own, so the pattern lacks it and ends in an empty alternative."""
    lost = 'GREETINGS = r"dear|hello|"\nr"coucou|dag"\n'
    assert stray_texts(lost, ast.parse(lost)) == [2]
    kept = 'BYTES_MAX = 3\n"""Of a piece."""\n\ndef f() -> None: ...\n'
    assert stray_texts(kept, ast.parse(kept)) == []


def test_no_file_has_a_stray_string() -> None:
    folders = ("benchmarks", "client", "demo", "events", "projections", "requirements", "service", "tests")
    paths = [path for folder in folders for path in (Path(__file__).parents[1] / folder).rglob("*.py")]
    sources = {str(path): path.read_text("utf-8") for path in paths}
    assert {path: found for path, source in sources.items() if (found := stray_texts(source, ast.parse(source)))} == {}
