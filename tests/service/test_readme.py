"""Tests that the commands in the README work as printed."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
URL_IN_README = "URL=http://127.0.0.1:8000\n"


def commands() -> str:
    """Returns the block of commands in the README that sends requests to the service."""
    found = [block for block in re.findall(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL) if URL_IN_README in block]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.needs("bash", "curl", "jq")
async def test_the_commands_of_the_readme_found_a_family_and_show_two_timelines(service_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", commands().replace(URL_IN_README, f"URL={service_url}\n"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "no_proxy": "127.0.0.1"},
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    decoder, rest, answers = json.JSONDecoder(), output.decode().strip(), []
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].strip()
    pushed, feed, of_ada, of_ben = answers
    assert [receipt["outcome"] for receipt in pushed["receipts"]] == ["recorded"]
    assert pushed["receipts"][0]["place"] == feed["place"] == 5
    assert [entry["state"] for entry in of_ada["entries"]] == ["seen"]
    assert [entry["state"] for entry in of_ben["entries"]] == ["still_new"]
