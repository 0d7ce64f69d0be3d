"""Tests the printed hand-over page with the real command and a real service."""

import re
from datetime import date
from pathlib import Path

import httpx
import pytest

from client.handover_page import Card, Line, page
from tests.service.conftest import Village, found_family, keeps, push
from tests.service.test_cli import stillnew

WALKED, SPOKE = "movement.first-steps", "talking.first-word"
FRIDGE = """\
WHAT TO KEEP QUIET

Ben, about Mia
--------------
Do not mention:
  * First steps alone
Keep everyday notes and pictures quiet, too.
Knows: First word.
You can always say: Mia is as busy as ever. Have fun together, and keep the
  camera handy.

Hang this where it is not read by Ben.
"""


async def test_the_command_prints_what_the_sitter_may_know(village: Village, service_url: str, tmp_path: Path) -> None:
    """The page is plain text with the date at the bottom. The token comes from a file or from the environment."""
    await keeps(village.ben, "domain:movement", hold_unsorted=True)
    await push(village.sam, village.saw(WALKED), village.saw(SPOKE))
    token = tmp_path / "token"
    token.write_text(village.sam.token + "\n")
    by_file = stillnew("handover", "--url", service_url, "--token-file", str(token))
    by_environment = stillnew("handover", "--url", service_url, "--family", village.sam.family, STILLNEW_TOKEN=village.sam.token)
    assert (by_file.returncode, by_file.stderr) == (0, "")
    assert by_file.stdout == by_environment.stdout
    assert by_file.stdout.startswith(FRIDGE)
    last = by_file.stdout.splitlines()[-1]
    assert re.fullmatch(r"For Sam, \d{1,2} [A-Z][a-z]+ 20\d\d\. Print it again before the next hand-over\.", last)
    quiet = stillnew("handover", "--url", service_url, STILLNEW_TOKEN=village.ben.token)
    assert "Nobody waits for a surprise" in quiet.stdout


async def test_every_error_is_one_sentence_without_the_token(
    http: httpx.AsyncClient, service_url: str, tmp_path: Path
) -> None:
    """Each sentence names the next step. The output has neither a traceback nor the token."""
    ada = await found_family(http)
    nothing, absent = tmp_path / "empty", tmp_path / "absent"
    nothing.write_text("\n")
    wrong = {
        "holds no token": stillnew("handover", "--url", service_url),
        "holds no token: put": stillnew("handover", "--url", service_url, "--token-file", str(nothing)),
        "cannot be read": stillnew("handover", "--url", service_url, "--token-file", str(absent)),
        "still paired": stillnew("handover", "--url", service_url, STILLNEW_TOKEN="CanaryToken"),
        "is no address": stillnew("handover", "--url", "localhost:8000", STILLNEW_TOKEN="CanaryToken"),
        "see that it runs": stillnew("handover", "--url", "http://127.0.0.1:1", STILLNEW_TOKEN="CanaryToken"),
        "check --url": stillnew("handover", "--url", f"{service_url}/elsewhere", STILLNEW_TOKEN=ada.token),
        "by --family": stillnew("handover", "--url", service_url, "--family", ada.member, STILLNEW_TOKEN=ada.token),
    }
    for sentence, result in wrong.items():
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.stderr
        assert sentence in result.stderr
        assert "CanaryToken" not in result.stderr
        assert ada.token not in result.stderr


@pytest.mark.parametrize("name", ["Ben", "B" * 120, "Ben \x1b[2J\r\n\u202eof the other home", "ベンジャミン", "a " * 60])
def test_a_page_fits_its_paper_and_commands_no_terminal(name: str) -> None:
    """The page has at most eighty columns. Control characters in a name are not printed."""
    lines = tuple(Line(milestone="x", title=f"{name} {number}") for number in range(12))
    card = Card(name=name, child_name=name, knows=lines, not_to_mention=lines, notes_too=False, phrase=f"{name} is fine.")
    printed = page([card, card], reader=name, today=date(2026, 11, 22))
    assert max(map(len, printed.splitlines())) <= 80
    assert all(letter.isprintable() for line in printed.split("\n") for letter in line)
    assert "22 November 2026" in printed.replace("\n", " ")


def test_a_page_is_sorted_by_name_and_states_where_not_to_hang_it() -> None:
    """The page does not depend on the order in which the service sends the cards."""
    cards = [
        Card(name=name, child_name=child, knows=(), not_to_mention=(), notes_too=False, phrase="All is well.")
        for name, child in (("Ben", "Noah"), ("Ada", "Mia"), ("Ben", "Mia"))
    ]
    printed = page(cards, reader="Sam", today=date(2026, 11, 22))
    assert [line for line in printed.splitlines() if "about" in line] == ["Ada, about Mia", "Ben, about Mia", "Ben, about Noah"]
    assert "not read by Ada or Ben." in printed
    assert printed == page(cards[::-1], reader="Sam", today=date(2026, 11, 22))
