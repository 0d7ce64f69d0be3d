"""Tests invalid bodies of the access routes (found, add, invite, accept, pair). Both encodings give the same field names."""

import json
from typing import Any

import msgspec
import pytest

from tests.service.access_fixtures import Standing, problem_in, some_uuid

pytestmark = pytest.mark.usefixtures("nothing_changes")

NAME = "n" * 120
FOUND: dict[str, Any] = {"you": {"name": "A"}, "household": {"name": "H"}, "child": {"name": "C"}, "device": {"name": "D"}}
ACCEPT: dict[str, Any] = {"code": "none", "name": "N", "device": {"name": "D"}}
SLIP = "access.birth_date_out_of_range"
CHILDREN, INVITES = "/v1/families/{family}/children", "/v1/families/{family}/invites"

# By path: an invalid body, and the expected status, code and field.
WRONG: list[tuple[str, Any, int, str, str | None]] = [
    ("/v1/families", {}, 400, "body.invalid", "you"),
    ("/v1/families", [], 400, "body.invalid", None),
    ("/v1/families", {**FOUND, "pet": {"name": "Rex"}}, 400, "body.invalid", "pet"),
    ("/v1/families", {**FOUND, "you": "A"}, 400, "body.invalid", "you"),
    ("/v1/families", {**FOUND, "you": {"name": ""}}, 400, "body.invalid", "you.name"),
    ("/v1/families", {**FOUND, "you": {"name": NAME + "n"}}, 400, "body.invalid", "you.name"),
    ("/v1/families", {**FOUND, "you": {"name": "a\0"}}, 400, "body.nul", "you.name"),
    ("/v1/families", {**FOUND, "you": {"name": "A", "role": "parent"}}, 400, "body.invalid", "you.role"),
    ("/v1/families", {**FOUND, "household": None}, 400, "body.invalid", "household"),
    ("/v1/families", {**FOUND, "child": {"name": "C", "born": "yesterday"}}, 400, "body.invalid", "child.born"),
    ("/v1/families", {**FOUND, "child": {"name": "C", "born": "2026-02-29"}}, 400, "body.invalid", "child.born"),
    ("/v1/families", {**FOUND, "child": {"name": "C", "born": "0000-01-01"}}, 400, "body.invalid", "child.born"),
    ("/v1/families", {**FOUND, "child": {"name": "C", "born": "2026-02-28T00:00:00Z"}}, 400, "body.invalid", "child.born"),
    ("/v1/families", {**FOUND, "child": {"name": "C", "born": 20260228}}, 400, "body.invalid", "child.born"),
    ("/v1/families", {**FOUND, "child": {"name": "C", "born": "2206-01-31"}}, 422, SLIP, "child.born"),
    ("/v1/families", {**FOUND, "device": {}}, 400, "body.invalid", "device.name"),
    (CHILDREN, {"name": 1}, 400, "body.invalid", "name"),
    (CHILDREN, {"name": "C", "child": some_uuid(4)}, 400, "body.invalid", "child"),
    (CHILDREN, {"name": ["C"]}, 400, "body.invalid", "name"),
    (CHILDREN, {"name": "C", "born": ""}, 400, "body.invalid", "born"),
    (CHILDREN, {"name": "C", "born": "1926-01-31"}, 422, SLIP, "born"),
    (INVITES, {}, 400, "body.invalid", "role"),
    (INVITES, {"role": "owner"}, 400, "body.invalid", "role"),
    (INVITES, {"role": "Parent"}, 400, "body.invalid", "role"),
    (INVITES, {"role": "parent", "household": 1}, 400, "body.invalid", "household"),
    (INVITES, {"role": "parent", "household": "Bens"}, 400, "body.invalid", "household"),
    (INVITES, {"role": "parent", "household": {"household": some_uuid(4)}}, 400, "body.invalid", "household.household"),
    (INVITES, {"role": "caregiver", "sees": "everything"}, 400, "body.invalid", "sees"),
    (INVITES, {"role": "caregiver", "name": ""}, 400, "body.invalid", "name"),
    (INVITES, {"role": "daycare", "sees": "all"}, 422, "access.sees_not_allowed", "sees"),
    (INVITES, {"role": "parent", "household": "{foreign_household}"}, 422, "access.not_your_household", "household"),
    (INVITES, {"role": "parent", "household": "{bens_household}"}, 422, "access.not_your_household", "household"),
    (INVITES, {"role": "parent", "household": some_uuid(4)}, 422, "access.not_your_household", "household"),
    (INVITES, {"role": "caregiver", "household": {"name": "New"}}, 422, "access.not_your_household", "household"),
    ("/v1/invites/accept", {**ACCEPT, "code": ""}, 400, "body.invalid", "code"),
    ("/v1/invites/accept", {**ACCEPT, "code": "c" * 101}, 400, "body.invalid", "code"),
    ("/v1/invites/accept", {**ACCEPT, "code": 7}, 400, "body.invalid", "code"),
    ("/v1/invites/accept", {**ACCEPT, "code": "a\0"}, 400, "body.nul", "code"),
    ("/v1/invites/accept", {**ACCEPT, "role": "parent"}, 400, "body.invalid", "role"),
    ("/v1/invites/accept", {**ACCEPT, "family": some_uuid(4)}, 400, "body.invalid", "family"),
    ("/v1/invites/accept", {**ACCEPT, "surprise": {}}, 400, "body.invalid", "surprise"),
    ("/v1/invites/accept", {**ACCEPT, "surprise": [{"scope": "all"}]}, 400, "body.invalid", "surprise[0].mode"),
    ("/v1/invites/accept", {**ACCEPT, "surprise": [{"scope": "all", "mode": "keep"}] * 65}, 400, "body.invalid", "surprise"),
    ("/v1/invites/accept", ACCEPT, 404, "access.code_unusable", "code"),
    ("/v1/invites/accept", {**ACCEPT, "code": "ü😀"}, 404, "access.code_unusable", "code"),
    ("/v1/devices/pair", {"code": "none"}, 400, "body.invalid", "device"),
    ("/v1/devices/pair", {"code": "none", "device": {"name": "D", "token": "t"}}, 400, "body.invalid", "device.token"),
    ("/v1/devices/pair", {"code": "none", "device": {"name": "D"}}, 404, "access.code_unusable", "code"),
]


@pytest.fixture(scope="module")
def households(standing: Standing) -> dict[str, str]:
    """Returns homes into which Ada may not invite."""
    ours = standing.ask("ben", "GET", "/v1/me").json()["memberships"][0]["household"]
    theirs = standing.ask("eve", "GET", "/v1/me").json()["memberships"][0]["household"]
    return {"{bens_household}": ours, "{foreign_household}": theirs}


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "at"), WRONG, ids=[f"{row[0]} {row[4]} {n}" for n, row in enumerate(WRONG)]
)
def test_a_body_that_is_wrong_is_refused_by_name(
    standing: Standing, households: dict[str, str], path: str, body: Any, status: int, code: str, at: str | None
) -> None:
    """Law 17: an invalid body is refused alike in JSON and in MessagePack, and no row changes."""
    if isinstance(body, dict) and body.get("household") in list(households):
        body = {**body, "household": households[body["household"]]}
    sent = {"application/json": json.dumps(body).encode(), "application/msgpack": msgspec.msgpack.encode(body)}
    for media_type, content in sent.items():
        answer = standing.ask("ada", "POST", path, content=content, headers={"Content-Type": media_type})
        problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
        assert (answer.status_code, problem["code"], problem["at"]) == (status, code, at), media_type


BYTES: dict[str, tuple[bytes, int, str, str | None]] = {
    "nothing": (b"", 400, "body.malformed", None),
    "invalid UTF-8": (b'{"name":"\xff"}', 400, "body.malformed", None),
    "a byte order mark": (b'\xef\xbb\xbf{"name":"C"}', 400, "body.malformed", None),
    "two values": (b'{"name":"C"}{"name":"C"}', 400, "body.malformed", None),
    "a key twice": (b'{"name":"C","name":"C"}', 400, "body.duplicate_key", "name"),
    "a key twice, spelled otherwise": (b'{"name":"C","\\u006eame":"C"}', 400, "body.duplicate_key", "name"),
    "NaN": (b'{"name":NaN}', 400, "body.malformed", None),
    "a huge number": (b'{"name":' + b"9" * 5_000 + b"}", 400, "body.invalid", "name"),
    "1e400": (b'{"name":1e400}', 400, "body.invalid", "name"),
    "a raw NUL": (b'{"name":"C\0"}', 400, "body.malformed", None),
    "a lone surrogate": (b'{"name":"\\ud800"}', 400, "body.malformed", "name"),
    "a lone surrogate in a key": (b'{"name":"C","\\ud800":1}', 400, "body.malformed", None),
    "sixteen deep": (b'{"name":' + b"[" * 15 + b"]" * 15 + b"}", 400, "body.invalid", "name"),
    "a hundred thousand deep": (b'{"name":' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "body.invalid", "name"),
    "deep, in an unknown field": (b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "body.invalid", "x"),
    "an unknown field of 60,000 letters": (b'{"' + b"x" * 60_000 + b'":1}', 400, "body.invalid", "x" * 200),
    "an unknown field with quotes": (b'{"a`b - at `$.name`":1}', 400, "body.invalid", None),
    "an unknown field of two lines": (b'{"a\\nb":1}', 400, "body.invalid", "a\nb"),
    "64 KiB and a byte": (b'{"name":"C"}' + b" " * (65_536 - 11), 413, "body.too_large", None),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_body_are_refused(standing: Standing, name: str) -> None:
    """Law 17: the access routes refuse malformed bodies as the push does."""
    content, status, code, at = BYTES[name]
    for path in (CHILDREN, INVITES, "/v1/families", "/v1/invites/accept", "/v1/devices/pair"):
        answer = standing.ask("ada", "POST", path, content=content, headers={"Content-Type": "application/json"})
        problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
        assert answer.status_code == status, (path, problem)
        if path == CHILDREN:
            assert problem["code"] == code
            assert at is None or problem["at"] == at


def test_a_body_below_the_bound_is_accepted(standing: Standing) -> None:
    """Law 17: a body of 64 KiB, to the byte, is read."""
    content = b'{"name":""}' + b" " * (65_536 - 11)
    answer = standing.ask("ada", "POST", CHILDREN, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["at"]) == (400, "name")


def test_what_somebody_else_holds_is_refused_as_if_it_did_not_exist(standing: Standing) -> None:
    """Requests to delete a device or a member of others get the bytes that an absent device or member gets."""
    eve, ben = standing.people["eve"], standing.people["ben"]
    for absent, held in (
        (f"/v1/devices/{some_uuid(4)}", [f"/v1/devices/{eve.device}", f"/v1/devices/{ben.device}"]),
        (f"/v1/families/{{family}}/members/{some_uuid(4)}", [f"/v1/families/{{family}}/members/{eve.member}"]),
    ):
        alike = standing.ask("ada", "DELETE", absent)
        assert alike.status_code == 404
        for path in held:
            answer = standing.ask("ada", "DELETE", path)
            assert (answer.status_code, answer.content) == (404, alike.content), path


def test_a_code_that_was_used_and_one_that_never_was_are_alike(standing: Standing) -> None:
    """A guessed code and a used code get the same response."""
    responses = [
        standing.http.post("/v1/invites/accept", json={**ACCEPT, "code": code}).content
        for code in (standing.ids["used_code"], "x" * 27, "none")
    ]
    assert len(set(responses)) == 1


def test_a_surprise_that_cannot_be_is_refused_and_the_code_still_works(standing: Standing) -> None:
    """Law 17: an invite with an invalid choice is not accepted. No row is created, and the code stays valid."""
    wrong = [
        ({"child": standing.ids["foreign_child"], "scope": "all", "mode": "keep"}, "child"),
        ({"child": some_uuid(4), "scope": "all", "mode": "keep"}, "child"),
        ({"scope": "milestone:movement.flies", "mode": "keep"}, "scope"),
    ]
    good = {"scope": "all", "mode": "tell"}
    for choice, field in wrong:
        body = {**ACCEPT, "code": standing.ids["open_code"], "surprise": [good, choice]}
        answer = standing.http.post("/v1/invites/accept", json=body)
        problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
        assert (answer.status_code, problem["at"]) == (422, f"surprise[1].{field}"), problem


@pytest.mark.parametrize("who", ["cleo", "ducklings"])
def test_what_a_role_may_not_do_is_refused_and_changes_nothing(standing: Standing, who: str) -> None:
    """Law 10: a sitter and a daycare may not add children, invite, remove members, or author events of parents."""
    for path, body in ((CHILDREN, {"name": "C"}), (INVITES, {"role": "caregiver"})):
        answer = standing.ask(who, "POST", path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "access.not_for_role")
    member = standing.people["ada"].member
    assert standing.ask(who, "DELETE", f"/v1/families/{{family}}/members/{member}").json()["code"] == "access.not_yours_to_remove"
    first = {"type": "ParentFirstSaw", "child": standing.ids["child"], "milestone": "movement.first-steps", "how": "in_person"}
    receipt = standing.push(who, [standing.draft(first)]).json()["receipts"][0]
    assert (receipt["problem"]["code"], receipt["problem"]["at"]) == ("event.role_may_not", "drafts[0].event.type")
