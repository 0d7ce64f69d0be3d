"""Tests the worked example of docs/architecture.md: a copy of the project gets a new event type by the steps on that page.

A real service of the copy, on a real Postgres, then receives events of the new type. Each test founds a family of its own.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from events.event import REQUIRED_DECLARATIONS
from tests.conftest import execute, named
from tests.events.worked_example import Copy, Step, steps
from tests.families import CRAWLED, WALKED, Draft, drafted

NEW = "MilestoneCelebrated"
START_S_MAX = 30.0
OTHER_FILES_MAX = 2
REPLAY = """
import asyncio, sys
from service.replay import replay
print(asyncio.run(replay(sys.argv[1], check=True, processes=1)).differences)
"""


class Changed(NamedTuple):
    """A copy of the project with the new type, and the paths of the files that the steps changed or added."""

    copy: Copy
    paths: set[str]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    copy = Copy(tmp_path_factory.mktemp("with-a-new-type"))
    before = copy.files()
    for step in steps():
        copy.perform(step)
    return Changed(copy, {path for path, content in copy.files().items() if before.get(path) != content})


@pytest.fixture(scope="module")
def database_url(postgres: str, template: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    asyncio.run(execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    yield named(postgres, name)
    asyncio.run(execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def http(changed: Changed, database_url: str) -> Iterator[httpx.Client]:
    """Starts the service of the copy in a process of its own, and yields an HTTP client for it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    unlimited = {f"STILLNEW_LIMIT_{kind}": "0" for kind in ("PUSH", "DRAFTS", "READ", "ACCESS", "STRANGERS")}
    environment = {**changed.copy.environment, **unlimited, "DATABASE_URL": database_url}
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port)]
    log = changed.copy.folder.parent / "log"
    with log.open("wb") as output:
        serving = subprocess.Popen(command, cwd=changed.copy.folder, env=environment, stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            wait_until_ready(client, serving, log)
            yield client
    finally:
        serving.terminate()
        serving.wait()


def wait_until_ready(client: httpx.Client, serving: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline_s = time.monotonic() + START_S_MAX
    while True:
        assert serving.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        try:
            client.get("/health/live")
        except httpx.ConnectError:
            time.sleep(0.02)
        else:
            return


class Parent:
    """A parent with a device that has no outbox."""

    def __init__(self, http: httpx.Client, joined: dict[str, Any]) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {joined['token']}"}
        self._family = f"/v1/families/{joined['family']}"
        self.child: str | None = joined.get("child")

    def invite(self, name: str) -> "Parent":
        """Invites the other parent and accepts the invite for them. Returns the other parent."""
        body = {"role": "parent", "household": {"name": f"{name}'s home"}}
        invited = self._http.post(f"{self._family}/invites", json=body, headers=self._headers).json()
        accepted = {"code": invited["code"], "name": name, "device": {"name": "phone"}}
        return Parent(self._http, self._http.post("/v1/invites/accept", json=accepted).json())

    def push(self, *drafts: Draft) -> list[dict[str, Any]]:
        """Pushes drafts, and returns their receipts."""
        body = {"sent_at": datetime.now(UTC).isoformat(), "drafts": drafts}
        answer = self._http.post(f"{self._family}/events", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        receipts: list[dict[str, Any]] = answer.json()["receipts"]
        return receipts

    def record(self, *drafts: Draft) -> None:
        """Pushes drafts, and checks that the log recorded all of them."""
        assert [receipt["outcome"] for receipt in self.push(*drafts)] == ["recorded"] * len(drafts)

    def sent(self, *drafts: Draft) -> list[tuple[int, str | None]]:
        """Returns which of the drafts are in this parent's feed, in the feed's order.

        Each is an index in `drafts`, with the mark of the event's release. The mark is None if the event was not held.
        """
        entries = self._http.get(f"{self._family}/feed", headers=self._headers).json()["entries"]
        index_by_id = {draft["id"]: index for index, draft in enumerate(drafts)}
        return [
            (index_by_id[entry["event"]["id"]], entry["released"]) for entry in entries if entry["event"].get("id") in index_by_id
        ]


class Parents(NamedTuple):
    ada: Parent
    ben: Parent

    def celebrated(self, milestone: str, **more: Any) -> Draft:
        return drafted(NEW, child=self.ada.child, milestone=milestone, **more)

    def saw(self, milestone: str) -> Draft:
        return drafted("MilestoneObserved", child=self.ada.child, milestone=milestone)


@pytest.fixture
def parents(http: httpx.Client) -> Parents:
    body = {"you": {"name": "Ada"}, "household": {"name": "Home"}, "child": {"name": "Mia"}, "device": {"name": "phone"}}
    ada = Parent(http, http.post("/v1/families", json=body).json())
    return Parents(ada, ada.invite("Ben"))


def test_a_new_type_touches_events_and_two_other_files(changed: Changed) -> None:
    """Law 10: a new type changes only files in events/, its golden row, and docs/events.md, which is made from the types."""
    others = {path for path in changed.paths if not path.startswith("events/")}
    assert changed.paths - others == {"events/observations.py", "events/wire.py"}
    assert {re.sub(r"\.[0-9a-f]{16}\.", ".", path) for path in others} == {"docs/events.md", f"tests/events/golden/{NEW}.v1.json"}
    assert len(others) <= OTHER_FILES_MAX


def test_the_tests_of_the_types_pass_with_the_new_one(changed: Changed) -> None:
    """Laws 4 and 10: the project's tests of declarations, golden rows and docs/events.md pass in the copy with the new type."""
    paths = [f"tests/events/test_{name}.py" for name in ("declarations", "golden", "describe")]
    plain = ("-q", "-c", os.devnull, "--rootdir", ".", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider")
    done = changed.copy.run(sys.executable, "-m", "pytest", *plain, *paths, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 0, done.stdout


def test_the_new_type_is_on_the_page_and_in_the_openapi_document(changed: Changed, http: httpx.Client) -> None:
    page = (changed.copy.folder / "docs" / "events.md").read_text("utf-8")
    assert f"\n### {NEW}\n\nA home celebrated that the child reached a milestone.\n" in page
    document = http.get("/schema/openapi.json").json()
    schema = document["components"]["schemas"][NEW]
    assert set(schema["properties"]) == {"type", "child", "milestone", "about", "words"}
    assert schema["required"] == ["type", "child", "milestone"]


def test_a_celebration_is_delivered_to_the_other_parent(parents: Parents) -> None:
    """Law 6: a celebration is delivered to the family, which its type declares, or to one home if its draft states so."""
    seen = parents.saw(WALKED)
    celebrated = parents.celebrated(WALKED, about=seen["id"], words="There was cake.")
    at_home = parents.celebrated(WALKED, audience="household")
    parents.ada.record(seen, celebrated, at_home)
    assert parents.ben.sent(seen, celebrated, at_home) == [(0, None), (1, None)]


def test_a_celebration_refers_to_a_sighting_and_to_nothing_else(parents: Parents) -> None:
    words = drafted("NoteWritten", child=parents.ada.child, text="a good day")
    parents.ada.record(words)
    (receipt,) = parents.ada.push(parents.celebrated(WALKED, about=words["id"]))
    assert (receipt["problem"]["code"], receipt["problem"]["at"]) == ("event.unknown_target", "drafts[0].event.about")


def test_a_celebration_is_held_from_a_parent_who_waits_for_its_milestone(parents: Parents) -> None:
    """Laws 9 and 20: a celebration of a kept milestone is held until an own first, and its receipt names who waits."""
    parents.ben.record(drafted("SurpriseChosen", scope=f"milestone:{WALKED}", mode="keep"))
    walked, crawled = parents.celebrated(WALKED), parents.celebrated(CRAWLED)
    receipts = parents.ada.push(walked, crawled)
    assert [receipt.get("keep_quiet") for receipt in receipts] == [["Ben"], None]
    own = parents.saw(WALKED)
    assert parents.ben.sent(walked, crawled, own) == [(1, None)]
    parents.ben.record(own)
    assert parents.ben.sent(walked, crawled, own) == [(1, None), (2, None), (0, "own_first")]


def test_a_celebration_of_a_milestone_that_a_parent_has_met_is_delivered(parents: Parents) -> None:
    """Point 2 of the surprise rule: a celebration is delivered to a parent who keeps its milestone and has met it."""
    parents.ben.record(parents.saw(WALKED), drafted("SurpriseChosen", scope="all", mode="keep"))
    walked = parents.celebrated(WALKED)
    parents.ada.record(walked)
    assert parents.ben.sent(walked) == [(0, None)]


def test_a_celebration_is_held_with_the_sighting_that_it_refers_to(parents: Parents) -> None:
    """Point 3 of the surprise rule: a celebration that refers to a held sighting is held with it, though it tells nothing itself.

    An opened envelope releases the sighting and the celebration, in the order of the log.
    """
    parents.ben.record(drafted("SurpriseChosen", scope=f"milestone:{WALKED}", mode="keep"))
    seen = parents.saw(WALKED)
    celebrated = parents.celebrated(CRAWLED, about=seen["id"])
    parents.ada.record(seen, celebrated)
    assert parents.ben.sent(seen, celebrated) == []
    parents.ben.record(drafted("EnvelopeOpened", scope="all"))
    assert parents.ben.sent(seen, celebrated) == [(0, "opened"), (1, "opened")]


def test_a_celebration_is_amended_and_withdrawn_as_it_declares(parents: Parents) -> None:
    celebrated = parents.celebrated(WALKED, words="There was cake.")
    amended = drafted("Amended", target=celebrated["id"], changes={"words": "There was a lot of cake."})
    parents.ada.record(celebrated, amended)
    (refused,) = parents.ada.push(drafted("Amended", target=celebrated["id"], changes={"milestone": CRAWLED}))
    assert (refused["problem"]["code"], refused["problem"]["at"]) == ("event.not_amendable", "drafts[0].event.changes.milestone")
    withdrawn = drafted("Withdrawn", target=celebrated["id"])
    parents.ada.record(withdrawn)
    assert parents.ben.sent(celebrated, amended, withdrawn) == [(0, None), (1, None), (2, None)]


def test_a_replay_of_the_log_with_celebrations_finds_no_difference(changed: Changed, parents: Parents, database_url: str) -> None:
    """Law 11: a replay gives exactly the live rows, for the families of all tests in this file."""
    parents.ben.record(drafted("SurpriseChosen", scope="all", mode="keep"))
    parents.ada.record(parents.celebrated(WALKED))
    done = changed.copy.run(sys.executable, "-c", REPLAY, database_url)
    assert (done.stdout, done.stderr) == ("()\n", "")


@pytest.mark.parametrize("declaration", REQUIRED_DECLARATIONS)
def test_a_new_type_that_leaves_out_a_declaration_does_not_import(tmp_path: Path, declaration: str) -> None:
    """Law 10: the import fails with an error that names the type and the missing declaration."""
    copy = Copy(tmp_path, "events")
    definition, *others = steps()
    text = re.sub(rf"^    {declaration}: ClassVar = .*\n", "", definition.text, flags=re.MULTILINE)
    assert text != definition.text
    for step in (Step(definition.language, definition.file, text), *[one for one in others if one.language == "diff"]):
        copy.perform(step)
    done = copy.run(sys.executable, "-c", "import events.wire")
    assert done.returncode == 1
    assert done.stderr.endswith(f"TypeError: {NEW} must declare {declaration} beside its fields\n")
