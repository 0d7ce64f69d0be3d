"""Tests that log lines, metrics and refusals contain no personal data."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
import structlog
from uuid_utils.compat import uuid7

from service.settings import Settings
from service.telemetry import configure, described
from tests.service.conftest import AS_OPERATOR, UNLIMITED, Someone, running

CANARIES = ("CanaryAda", "CanaryHome", "CanaryMia", "CanaryPhone", "CanaryBen", "CanaryNote", "CanaryQuery", "CanaryPath")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Collects the log lines that would be written to standard error."""
    stream = io.StringIO()
    configure("json", stream=stream)
    yield stream
    structlog.reset_defaults()


def test_a_field_that_is_not_listed_is_dropped(lines: io.StringIO) -> None:
    """A log line has only the fields of a fixed list."""
    structlog.get_logger().info("something happened", name="CanaryAda", note="CanaryNote", token="sn1_x", status=200)
    line = json.loads(lines.getvalue())
    assert line.keys() == {"event", "level", "timestamp", "status"}


def test_an_error_is_logged_with_class_and_place_and_without_its_message(lines: io.StringIO) -> None:
    """A log line of an error has no message, because a database repeats the row in the message."""
    try:
        raise ValueError("Key (name)=(CanaryAda) already exists")
    except ValueError as error:
        fields = described(error)
        structlog.get_logger().exception("failed")
    assert fields["error"] == "builtins.ValueError"
    assert "tests/service/test_telemetry.py" in fields["where"][0]
    assert "CanaryAda" not in lines.getvalue()
    assert json.loads(lines.getvalue())["error"] == "builtins.ValueError"


async def test_no_name_note_title_or_token_reaches_a_line_a_metric_or_a_refusal(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marked values are sent to every route. None of them is in a log line, a metric or a refusal."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with running(Settings(database_url=database_url, **UNLIMITED)) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            ada = await _family_of_canaries(http)
            invite = {"role": "parent", "name": "CanaryBen"}
            code = (await ada.ask("POST", "/v1/families/{family}/invites", json=invite)).json()["code"]
            body = {"code": code, "name": "CanaryBen", "device": {"name": "CanaryPhone"}}
            accepted = await http.post("/v1/invites/accept", json=body)
            pushed = await ada.ask("POST", "/v1/families/{family}/events", json=_push(child=await _child_of(ada)))
            assert (accepted.status_code, pushed.status_code) == (201, 200)
            assert pushed.json()["receipts"][0]["outcome"] == "recorded"
            refusals = [
                await http.post("/v1/families", json={"CanaryNote": "CanaryAda"}),
                await http.get("/CanaryPath"),
                await ada.ask("GET", "/v1/families/{family}/feed?after=CanaryQuery"),
                await http.post("/v1/invites/accept", json=body),
                await http.get("/v1/me", headers={"Authorization": "Bearer CanaryToken"}),
            ]
            metrics = (await http.get("/metrics", headers=AS_OPERATOR)).text
    lines_written = stream.getvalue()
    assert lines_written.count('"event":"request"') >= 9
    for canary in (*CANARIES, ada.token, accepted.json()["token"], code, "CanaryToken"):
        assert canary not in lines_written
        assert canary not in metrics
    # A refusal names the field, whose name the caller chose here, and never repeats a value.
    assert all("CanaryAda" not in answer.text and "CanaryQuery" not in answer.text for answer in refusals)


async def _family_of_canaries(http: httpx.AsyncClient) -> Someone:
    body = {
        "you": {"name": "CanaryAda"},
        "household": {"name": "CanaryHome"},
        "child": {"name": "CanaryMia"},
        "device": {"name": "CanaryPhone"},
    }
    answer = await http.post("/v1/families", json=body)
    assert answer.status_code == 201
    return Someone(http, answer.json())


async def _child_of(ada: Someone) -> str:
    roster = (await ada.ask("GET", "/v1/families/{family}")).json()
    child: str = roster["children"][0]["child"]
    return child


def _push(*, child: str) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    event = {"type": "NoteWritten", "child": child, "text": "CanaryNote"}
    draft = {"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}
    return {"sent_at": now, "drafts": [draft]}
