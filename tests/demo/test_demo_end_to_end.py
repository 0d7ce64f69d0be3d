"""Tests `stillnew demo --once` as a whole: its own service, real devices, and the output at the end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import Device

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "service.cli", "demo")
# Nothing listens at this address: a demo that used it as its database would fail.
ENVIRONMENT = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "STILLNEW_FOUNDNG": "closed", "NO_COLOR": "1"}

A_COMMAND = re.compile(r"^(\S.*)\n(curl .+)$", re.MULTILINE)
A_NAME = re.compile("Ada|Ben|Sami")
DEVICE_BY_NAME = {"Ada": "ada", "Ben": "ben", "Sami": "sitter"}
A_DATE = r"[●◐] (\d{1,2} [A-Z][a-z]{2})"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.fixture(scope="module")
def once() -> subprocess.CompletedProcess[str]:
    return run("--once")


def test_the_demo_ends_well_within_a_minute_and_says_nothing_on_the_side(once: subprocess.CompletedProcess[str]) -> None:
    assert (once.returncode, once.stderr) == (0, "")


def test_the_same_milestone_is_new_to_each_parent_on_a_day_of_their_own(once: subprocess.CompletedProcess[str]) -> None:
    """Law 13: in the printed timelines, each parent has a first time of their own for the same milestone."""
    assert "Ada saw it" in once.stdout
    assert "Ben saw it" in once.stdout
    two_dates = [re.findall(A_DATE, line) for line in once.stdout.splitlines()]
    apart = [dates for dates in two_dates if len(dates) == 2 and dates[0] != dates[1]]
    assert len(apart) >= 20
    assert re.search(r"First steps alone +[●◐] ", once.stdout)
    assert "It was new again" in once.stdout or "it was new again" in once.stdout


def test_the_picture_shows_who_saw_it_before_and_what_is_still_new(once: subprocess.CompletedProcess[str]) -> None:
    for name in ("Nana", "Acorns", "Sami", "Ada", "Ben"):
        assert re.search(rf"{name}, (the day before|the same day|\d+ \w+ earlier)", once.stdout)
    assert "✧ still new" in once.stdout


def part_about_ben(once: subprocess.CompletedProcess[str]) -> str:
    return once.stdout.partition("What Ben is not told")[2].partition("events recorded")[0]


def number_in(text: str, pattern: str) -> int:
    """Returns the number that the first group of a pattern matches in a text."""
    found = re.search(pattern, text)
    assert found is not None, pattern
    return int(found[1])


def cells_of(line: str, columns: list[int]) -> list[str]:
    """Returns the parts of a line that begin at these columns."""
    return [line[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)]


def test_ben_has_nothing_of_it_before_and_all_of_it_after_his_own_first(
    once: subprocess.CompletedProcess[str],
) -> None:
    """Laws 8 and 9: first steps are missing in Ben's timeline right before his own first, and are present right after it."""
    lines = part_about_ben(once).splitlines()
    headings = next(line for line in lines if "Ben, before" in line)
    columns = [headings.index(heading) for heading in ("Ada, all along", "Ben, before", "Ben, after")]
    ada, before, after = cells_of(next(line for line in lines if line.strip().startswith("First steps alone")), columns)
    assert re.fullmatch(rf"{A_DATE} +Nana, same day", ada)
    assert before == ""
    assert re.fullmatch(rf"{A_DATE} +Nana, \d d", after)
    assert any(cells_of(line, columns)[1] for line in lines if re.search(A_DATE, line))
    assert re.search(r"you saw it: \w+day, \d+ \w+\. Nana saw it on Sunday", part_about_ben(once))


def test_released_entries_keep_the_order_of_the_log_and_state_their_reason(once: subprocess.CompletedProcess[str]) -> None:
    """Laws 7 and 9: the entries that are printed from Ben's first on are in the order of places.

    All of them except his first have the mark `own_first`.
    """
    last = number_in(part_about_ben(once), r"places 1 to\s+(\d+)\s+of")
    entries = re.findall(r"^ +(\d+)  (\w+) +(saw it on|cheers|puts|adds)(.*)$", part_about_ben(once), re.MULTILINE)
    places = [int(place) for place, *_ in entries]
    assert places == sorted(set(places))
    assert places[0] > last
    assert [name for _, name, verb, _ in entries if verb == "saw it on"] == ["Ben", "Ada", "Acorns", "Nana", "Sami"]
    assert ["own_first" in rest for *_, rest in entries] == [False] + [True] * (len(entries) - 1)


def test_the_sitters_card_names_who_waits_and_what_for(once: subprocess.CompletedProcess[str]) -> None:
    card = part_about_ben(once).partition("Sami's card")[2].partition("╰")[0]
    assert "before you meet Ben" in card
    assert "First steps alone" in card.partition("do not mention")[2].partition("speak freely of")[0]
    assert "“Mia is as busy as ever." in card
    printed = " ".join(part_about_ben(once).split())
    assert "keep quiet before Ben" in printed
    assert "everybody is told what to make safe" in printed


def test_duplicates_are_counted_as_ignored(once: subprocess.CompletedProcess[str]) -> None:
    """Law 2: the demo counts drafts that were sent again as duplicates, and not as events."""
    recorded, duplicates = (number_in(once.stdout, rf"(\d+) +{what}") for what in ("events recorded", "duplicates"))
    assert recorded >= 300
    assert duplicates >= 15


def test_the_picture_fits_a_hundred_columns_and_a_pipe_gets_no_colours(once: subprocess.CompletedProcess[str]) -> None:
    assert max(len(line) for line in once.stdout.splitlines()) <= 100
    assert "\x1b" not in once.stdout


def test_no_token_is_written_into_a_pipe(once: subprocess.CompletedProcess[str]) -> None:
    assert "Bearer" not in once.stdout


def test_a_used_port_is_reported_in_a_sentence_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        failed = run("--once", "--port", str(taken.getsockname()[1]))
    assert failed.returncode == 1
    assert failed.stderr.startswith("The demo stopped.")
    assert "--port" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.needs("bash", "curl")
def test_it_keeps_serving_until_it_is_told_to_stop_and_keeps_what_it_was_asked_to_keep(open_folder: Path) -> None:
    data = open_folder / "demo"
    output = open_folder / "demo.out"
    with output.open("w") as out:
        demo = subprocess.Popen([*COMMAND, "--data", str(data)], cwd=ROOT, env=ENVIRONMENT, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + 100
            while "Control-C ends it" not in output.read_text() and time.monotonic() < deadline:
                time.sleep(0.2)
            printed = output.read_text()
            url = re.search(r"Still open at (http://\S+)", printed)
            assert url, printed
            assert httpx.get(f"{url[1]}/health/ready", trust_env=False).status_code == httpx.codes.OK
            assert "Tokens are shown on a terminal alone" in printed
            commands = [(title, line) for title, line in A_COMMAND.findall(printed) if "/live?" not in line]
            answers = {
                title: answer_to(line, device=DEVICE_BY_NAME[A_NAME.findall(title)[0]], data=data) for title, line in commands
            }
            outcomes = [answer["receipts"][0]["outcome"] for answer in answers.values() if "receipts" in answer]
            assert (len(answers), outcomes) == (6, ["recorded"] * 3)
            assert {card["name"] for card in answers["What Sami is asked to keep quiet"]["cards"]} == {"Ben"}
        finally:
            demo.send_signal(signal.SIGTERM)
            code = demo.wait(timeout=30)
    assert code == 0
    assert {off.total_seconds() // 60 for off in _how_far_clocks_were_off(next(data.glob("devices-*/ada.device")))} == {7 * 60}
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url[1]}/health/live", trust_env=False)
    checked = [*COMMAND[:-1], "replay", "--check", "--data", str(data)]
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "DATABASE_URL"}
    replayed = subprocess.run(checked, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def answer_to(command: str, *, device: str, data: Path) -> dict[str, Any]:
    """Runs a command that the demo printed, with the token of a device, in a shell. Returns the response."""
    opened = Device.open(next(data.glob(f"devices-*/{device}.device")))
    token = opened.identity.token
    opened.store.close()
    ran = subprocess.run(
        ["bash", "-c", command.replace("<token>", token)], capture_output=True, text=True, timeout=30, check=True
    )
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _how_far_clocks_were_off(path: Path) -> list[timedelta]:
    """Returns by how much the service corrected the times of events in a device's feed, plus half a minute for rounding."""
    device = Device.open(path)
    events = [entry.event for entry in device.entries()]
    device.store.close()
    pairs = [(event["claimed_at"], event["occurred_at"]) for event in events if "claimed_at" in event]
    return [
        datetime.fromisoformat(claimed) - datetime.fromisoformat(corrected) + timedelta(seconds=30)
        for claimed, corrected in pairs
    ]
