"""Tests damaged pushes (flipped, cut and spliced bytes): each gets a response, and the service does not crash."""

import json
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.access_fixtures import Standing, problem_in

# Many examples, because an example takes a few milliseconds, and crashes are rare.
BRUISED = settings(max_examples=max(300, settings().max_examples), suppress_health_check=[HealthCheck.too_slow])

SNIPPETS = [
    b"", b"\0", b"\xff", b"\xc1", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u0022", b"null", b"true", b"1.0", b"-1", b"1e999",
    b"NaN", b"{}", b"[]", b"[[[[", b"}}", b",", b":", b'"id":', b'"type":"Erased",', b'"drafts":[],', b'"sent_at":"x",',
    b"\xef\xbb\xbf", b"9" * 400, b"[" * 1_500, b"\xc0", b"\x80", b"\x90", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xd6\xff\xff\xff\xff\xff", b"\xc7\xff\x01", b"\x91" * 1_500,
    b"\xcf" + b"\xff" * 8, b"\xcb\x7f\xf8", b"9999-12-31T23:59:59-23:59", b"0001-01-01T00:00:00+23:59", b"2026-11-21T18:03:11",
    b"00000000-0000-7000-8000-000000000000",
]  # fmt: skip


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, float, float, Any]]:
    """Draws a list of damages to a body. Positions are fractions of the body's length."""
    place = st.floats(0, 1, exclude_max=True)
    return draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("flip"), place, place, st.integers(1, 255)),
                st.tuples(st.just("cut"), place, place, st.none()),
                st.tuples(st.just("drop"), place, place, st.none()),
                st.tuples(st.just("copy"), place, place, place),
                st.tuples(st.just("put"), place, place, st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=8))),
            ),
            min_size=1,
            max_size=4,
        )
    )


def damaged(body: bytes, what: list[tuple[str, float, float, Any]]) -> bytes:
    """Returns the body after the given damages."""
    for kind, from_part, to_part, more in what:
        if not body:
            break
        start, end = sorted((int(from_part * len(body)), int(to_part * len(body))))
        match kind:
            case "flip":
                body = body[:start] + bytes([body[start] ^ more]) + body[start + 1 :]
            case "cut":
                body = body[:end]
            case "drop":
                body = body[:start] + body[start + min(end - start, 40) :]
            case "copy":
                at = int(more * len(body))
                body = body[:at] + body[start:end][:400] + body[at:]
            case _:
                body = body[:start] + more + body[start:]
    return body


def four_drafts(standing: Standing) -> dict[str, Any]:
    child, seen, note = standing.ids["child"], standing.ids["seen"], standing.ids["bens_note"]
    return {
        "sent_at": "2026-11-21T18:03:11+01:00",
        "drafts": [
            standing.seen(note='three steps, "at last" \\ ü😀'),
            standing.draft({"type": "Amended", "target": seen, "changes": {"note": None, "occurred_at": "2026-02-01T00:00:00Z"}}),
            standing.draft(
                {"type": "SurpriseChosen", "child": child, "scope": "domain:talking", "mode": "tell", "at_most_days": 3}
            ),
            standing.draft({"type": "Sorted", "target": note, "child": child, "milestone": "movement.walks"}),
        ],
    }


def check(standing: Standing, body: bytes, media_type: str) -> None:
    """Pushes a body, and checks the response: a receipt for every draft, or one problem document and no new event."""
    before = standing.event_count()
    answer = standing.push("ada", body, media_type=media_type)
    written = standing.event_count() - before
    if answer.status_code == 200:
        receipts = answer.json()["receipts"]
        assert written == sum(receipt["outcome"] == "recorded" for receipt in receipts)
        for receipt in receipts:
            assert (receipt["outcome"] == "refused") == ("problem" in receipt)
            assert (receipt["outcome"] == "refused") == ("place" not in receipt)
    else:
        assert answer.status_code in (400, 413)
        problem_in(answer.status_code, answer.headers["content-type"], answer.content)
        assert written == 0


@BRUISED
@given(what=damages())
def test_a_damaged_push_of_json_is_answered(standing: Standing, what: list[tuple[str, float, float, Any]]) -> None:
    """Law 17: no damage to a push in JSON causes a 5xx, and only drafts with a receipt are recorded."""
    check(standing, damaged(json.dumps(four_drafts(standing)).encode(), what), "application/json")


@BRUISED
@given(what=damages())
def test_a_damaged_push_of_messagepack_is_answered(standing: Standing, what: list[tuple[str, float, float, Any]]) -> None:
    """Law 17: no damage to a push in MessagePack causes a 5xx, and only drafts with a receipt are recorded."""
    check(standing, damaged(msgspec.msgpack.encode(four_drafts(standing)), what), "application/msgpack")


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates().map(str), st.uuids().map(str)
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
BODIES = [
    "/v1/families",
    "/v1/families/{family}/children",
    "/v1/families/{family}/invites",
    "/v1/invites/accept",
    "/v1/devices/pair",
]


@BRUISED
@given(
    path=st.sampled_from(BODIES),
    fields=st.dictionaries(
        st.sampled_from(["you", "household", "child", "device", "name", "born", "role", "sees", "code", "surprise", "x"]),
        JSON_VALUES | st.fixed_dictionaries({"name": JSON_VALUES}),
        max_size=6,
    ),
)
def test_a_body_of_any_values_is_answered(standing: Standing, path: str, fields: dict[str, Any]) -> None:
    """A body with any values in the known fields gets a documented status, and never a 5xx."""
    content = json.dumps(fields).encode()
    answer = standing.ask("ada", "POST", path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (201, 400, 404, 409, 413, 422)
    if answer.status_code != 201:
        problem_in(answer.status_code, answer.headers["content-type"], answer.content)


@BRUISED
@given(
    query=st.one_of(st.text(max_size=40), st.binary(max_size=20).map(lambda raw: raw.decode("latin-1"))),
    name=st.sampled_from(["", "after=", "limit=", "child=", "as_of=", "lang="]),
    route=st.sampled_from(["/v1/families/{family}/feed", "/v1/families/{family}/timeline", "/v1/catalogue", "/v1/me"]),
)
def test_any_query_is_answered(standing: Standing, query: str, name: str, route: str) -> None:
    """Any query gets a documented status, and never a 5xx."""
    answer = standing.ask("ada", "GET", route + "?" + name + "".join(f"%{byte:02x}" for byte in query.encode("utf-8", "replace")))
    assert answer.status_code in (200, 400, 409, 422)
