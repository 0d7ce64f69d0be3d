"""Tests that the worked histories of docs/surprise.md are true: by the fold alone, and through the service's own log."""

import dataclasses
import re

import asyncpg
import pytest

from tests.surprise.essay_page import PAGE, History, NotUnderstood, histories
from tests.surprise.essay_runs import fold, through_the_service

PAGE_TEXT = PAGE.read_text("utf-8")
HISTORIES = histories(PAGE_TEXT)
each_history = pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.title.replace(" ", "-"))


def test_the_essay_works_out_as_many_histories_as_it_has_blocks() -> None:
    assert len(HISTORIES) == PAGE_TEXT.count("```history\n") >= 10
    assert len({history.title for history in HISTORIES}) == len(HISTORIES)


@each_history
def test_a_worked_history_is_what_the_rule_makes_of_it(history: History) -> None:
    """Laws 6, 9: the fold delivers, holds and releases the events, and gives the hints, that each line of the page states."""
    outcomes, reads = fold(history)
    said = [dataclasses.replace(line.outcome, quiet=frozenset()) for line in history.lines]
    assert outcomes == said
    assert reads == history.reads


@each_history
async def test_a_worked_history_is_what_devices_are_told(history: History, database_url: str, pool: asyncpg.Pool) -> None:
    """Laws 6, 9: when devices push the lines, the service's feeds, receipts and held events are those that the page states."""
    outcomes, reads = await through_the_service(history, database_url, pool)
    assert outcomes == [line.outcome for line in history.lines]
    assert reads == history.reads


SAID = re.compile(r"-> .*|reads .*")
WORD = re.compile(r"\((?P<why>\w+)\)|(?P<name>Ada|Ben|Sam|Gran)|(?P<number>\d+)")


def altered(word: re.Match[str]) -> str:
    """Returns another word in place of a name, a number or a reason."""
    if word["name"]:
        return "Sunflowers"
    return "99" if word["number"] else "(time)" if word["why"] != "time" else "(told)"


def test_every_word_of_an_outcome_counts() -> None:
    """If one name, number or reason of an outcome is replaced, the page is read as another history, so no word is ignored."""
    alterations = 0
    for said in SAID.finditer(PAGE_TEXT):
        for word in WORD.finditer(PAGE_TEXT, *said.span()):
            alterations += 1
            assert histories(PAGE_TEXT[: word.start()] + altered(word) + PAGE_TEXT[word.end() :]) != HISTORIES, word
    assert alterations > 200


@pytest.mark.parametrize(
    "line",
    [
        " 1  Mon  Ben chooses silence for all",
        " 1  Mon  Ben chooses keep for all (loudly)",
        " 1  Mon  Eve sees Mia walks",
        " 1  Mon  Ben sees Mia flies",
        " 1  Moon  Ben sees Mia walks",
        " 2  Mon  Ben sees Mia walks",
        " 1  Mon  Ben sees Mia walks  -> known to Ada",
        " 1  Mon  Ben sees Mia walks  -> Ada gets 1 (somehow)",
        "Ben reads the news",
    ],
)
def test_a_line_that_is_not_understood_fails(line: str) -> None:
    """A line that does not follow the notation raises `NotUnderstood`, so that no line of a block is left untested."""
    with pytest.raises(NotUnderstood):
        histories(f"## A\n```history\nhere: Ada, Ben\n{line}\n```\n")
