"""Tests invalid pushes in MessagePack: the rules for JSON refuse these pushes too, with the field names that JSON has."""

import json
import time
from typing import Any

import msgspec
import pytest
from msgspec.msgpack import Ext

from tests.service.access_fixtures import SENT_AT, Standing, problem_in
from tests.service.bad_drafts import DRAFTS, EVENTS, MISSING, with_ids

MSGPACK = "application/msgpack"
pack = msgspec.msgpack.encode


def packed_map(*pairs: tuple[Any, bytes]) -> bytes:
    """Returns a MessagePack map. Keys are packed here; values must be packed already."""
    return bytes([0x80 | len(pairs)]) + b"".join(pack(key) + value for key, value in pairs)


def push_of(*drafts: bytes) -> bytes:
    """Returns a push body of drafts that are already packed."""
    return packed_map(("sent_at", pack(SENT_AT)), ("drafts", bytes([0xDC, 0, len(drafts)]) + b"".join(drafts)))


WHEN = pack(SENT_AT)
ENVELOPES: dict[str, tuple[bytes, str, str | None]] = {
    "nothing": (b"", "body.malformed", None),
    "a byte that means nothing": (b"\xc1", "body.malformed", None),
    "JSON": (b'{"sent_at":1}', "body.invalid", None),
    "nil": (b"\xc0", "body.invalid", None),
    "a list": (b"\x90", "body.invalid", None),
    "an empty map": (b"\x80", "body.invalid", "sent_at"),
    "two values": (push_of(b"\xc0") + b"\xc0", "body.malformed", None),
    "cut short": (push_of(b"\xc0")[:-1], "body.malformed", None),
    "a map that promises more": (b"\x83" + push_of(b"\xc0")[1:], "body.malformed", None),
    "a list of 2^32 drafts": (packed_map(("sent_at", WHEN), ("drafts", b"\xdd\xff\xff\xff\xff")), "body.malformed", None),
    "a map of 2^32 pairs": (b"\xdf\xff\xff\xff\xff", "body.malformed", None),
    "a text of 2^32 bytes": (packed_map(("sent_at", b"\xdb\xff\xff\xff\xff")), "body.malformed", None),
    "an unknown field": (packed_map(("sent_at", WHEN), ("drafts", b"\x90"), ("x", b"\xc0")), "body.invalid", "x"),
    "a key that is a number": (packed_map((1, WHEN), ("drafts", b"\x90")), "body.invalid", None),
    "a key in bytes": (packed_map((b"sent_at", WHEN), ("drafts", b"\x90")), "body.invalid", None),
    "a key that is a list": (b"\x81\x90\xc0", "body.invalid", None),
    "a key that is not UTF-8": (b"\x81\xa7sent_a\xff\xc0", "body.malformed", None),
    "sent_at twice": (packed_map(("sent_at", WHEN), ("sent_at", WHEN), ("drafts", b"\x91\xc0")), "body.duplicate_key", "sent_at"),
    "drafts twice": (packed_map(("drafts", b"\x90"), ("sent_at", WHEN), ("drafts", b"\x91\xc0")), "body.duplicate_key", "drafts"),
    "drafts twice, in a long map": (
        b"\xde\x00\x03" + packed_map(("drafts", b"\x90"), ("sent_at", WHEN), ("drafts", b"\x91\xc0"))[1:],
        "body.duplicate_key", "drafts",
    ),
    "drafts a hundred thousand times": (
        b"\xdf" + (100_001).to_bytes(4, "big") + pack("sent_at") + WHEN + (pack("drafts") + b"\x91\xc0") * 100_000,
        "body.duplicate_key", None,
    ),
    "sent_at in bytes": (packed_map(("sent_at", pack(SENT_AT.encode())), ("drafts", b"\x91\xc0")), "body.invalid", "sent_at"),
    "sent_at is a number": (packed_map(("sent_at", b"\x01"), ("drafts", b"\x91\xc0")), "body.invalid", "sent_at"),
    "sent_at is an extension": (packed_map(("sent_at", pack(Ext(5, b"x"))), ("drafts", b"\x91\xc0")), "body.invalid", "sent_at"),
    "sent_at out of all time": (
        packed_map(("sent_at", b"\xc7\x0c\xff\x00\x00\x00\x00\x7f" + b"\xff" * 7), ("drafts", b"\x91\xc0")),
        "body.invalid", "sent_at",
    ),
    "sent_at with too many nanoseconds": (
        packed_map(("sent_at", b"\xd7\xff" + b"\xff" * 8), ("drafts", b"\x91\xc0")), "body.invalid", "sent_at",
    ),
    "drafts in a map": (packed_map(("sent_at", WHEN), ("drafts", b"\x80")), "body.invalid", "drafts"),
    "0 drafts": (packed_map(("sent_at", WHEN), ("drafts", b"\x90")), "body.invalid", "drafts"),
    "257 drafts": (packed_map(("sent_at", WHEN), ("drafts", b"\xdc\x01\x01" + b"\xc0" * 257)), "body.invalid", "drafts"),
    "a hundred thousand lists": (b"\x91" * 100_000 + b"\xc0", "body.invalid", None),
    "a hundred thousand lists in a draft": (push_of(b"\x91" * 100_000 + b"\xc0"), "body.malformed", None),
    "a hundred thousand maps in a draft": (push_of(b"\x81\xa1a" * 100_000 + b"\xc0"), "body.malformed", None),
}  # fmt: skip


def refusal(standing: Standing, body: bytes) -> tuple[int, str, str | None]:
    answer = standing.push("ada", body, media_type=MSGPACK)
    problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
    return answer.status_code, problem["code"], problem["at"]


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("name", ENVELOPES)
def test_a_push_that_cannot_be_read_is_refused_whole_and_changes_nothing(standing: Standing, name: str) -> None:
    """Law 17, for MessagePack: an unreadable push is refused as a whole, and nothing changes."""
    body, code, at = ENVELOPES[name]
    found = refusal(standing, body)
    assert found == (400, code, at)


@pytest.mark.usefixtures("nothing_changes")
def test_a_mebibyte_of_nothing_is_refused_quickly(standing: Standing) -> None:
    """Law 17: a mebibyte of nulls gets a response within a second.

    A check of each null once blocked the event loop for more than two seconds.
    """
    floods = [
        packed_map(("sent_at", WHEN), ("drafts", b"\xdd" + (1_000_000).to_bytes(4, "big") + b"\xc0" * 1_000_000)),
        push_of(*[b"\xdd" + (65_000).to_bytes(4, "big") + b"\xc0" * 65_000] * 16),
        push_of(*[packed_map(("x", b"\xdd" + (65_000).to_bytes(4, "big") + b"\xc0" * 65_000))] * 16),
    ]
    for flood in floods:
        began_s = time.monotonic()
        assert standing.push("ada", flood, media_type=MSGPACK).status_code in (200, 400)
        assert time.monotonic() - began_s < 1.0


def good(standing: Standing) -> bytes:
    return pack(standing.seen())


def in_map(draft: dict[str, Any], *more: tuple[Any, bytes]) -> bytes:
    return packed_map(*((key, pack(value)) for key, value in draft.items()), *more)


def with_event(draft: dict[str, Any], *more: tuple[Any, bytes]) -> bytes:
    """Returns a draft with more pairs in its event, so that a key may occur twice."""
    event = in_map(draft["event"], *more)
    return packed_map(*((key, event if key == "event" else pack(value)) for key, value in draft.items()))


# A change of a valid draft, and the expected code and field.
LOOSE: dict[str, tuple[Any, str, str]] = {
    "id twice": (lambda draft: in_map(draft, ("id", pack(draft["id"]))), "body.duplicate_key", ".id"),
    "event twice": (lambda draft: in_map(draft, ("event", pack(draft["event"]))), "body.duplicate_key", ".event"),
    "child twice": (
        lambda draft: with_event(draft, ("child", pack(draft["event"]["child"]))), "body.duplicate_key", ".event.child",
    ),
    "a note twice": (
        lambda draft: with_event(draft, ("note", pack("a")), ("note", pack("b"))), "body.duplicate_key", ".event.note",
    ),
    "a note twice, once nil": (
        lambda draft: with_event(draft, ("note", b"\xc0"), ("note", pack("b"))), "body.duplicate_key", ".event.note",
    ),
    "a note in bytes": (lambda draft: with_event(draft, ("note", pack(b"a"))), "body.invalid", ".event.note"),
    "a note that is an extension": (lambda draft: with_event(draft, ("note", pack(Ext(5, b"x")))), "body.invalid", ".event.note"),
    "a note that is a time": (lambda draft: with_event(draft, ("note", b"\xd6\xff\0\0\0\0")), "body.invalid", ".event.note"),
    "a note with NUL": (lambda draft: with_event(draft, ("note", pack("a\0b"))), "body.nul", ".event.note"),
    "a note that is not UTF-8": (lambda draft: with_event(draft, ("note", b"\xa1\xff")), "body.malformed", ""),
    "a note of a surrogate": (lambda draft: with_event(draft, ("note", b"\xa3\xed\xa0\x80")), "body.malformed", ""),
    "a note 900 deep": (lambda draft: with_event(draft, ("note", b"\x91" * 900 + b"\xc0")), "body.invalid", ".event.note"),
    "a key that is a number": (lambda draft: with_event(draft, (7, b"\xc0")), "body.invalid", ".event"),
    "an id in bytes": (lambda draft: in_map({**draft, "id": b"\x01\x93" + b"\x70" * 14}), "body.malformed", ".id"),
    "an id in an extension": (lambda draft: in_map({**draft, "id": Ext(2, b"\x01" * 16)}), "body.invalid", ".id"),
    "a child in bytes": (lambda draft: with_event({**draft, "event": {**draft["event"], "child": b"\x01" * 16}}),
                         "body.malformed", ".event.child"),
    "a draft that is nil": (lambda draft: b"\xc0", "body.invalid", ""),
    "a draft that is bytes": (lambda draft: pack(b"draft"), "body.invalid", ""),
    "a draft that is an extension": (lambda draft: pack(Ext(5, b"x")), "body.invalid", ""),
    "a draft that is too long": (lambda draft: with_event(draft, ("note", pack("a" * 65_536))), "draft.too_large", ""),
}  # fmt: skip


def spelled(standing: Standing, kind: str, name: str) -> tuple[bytes, str, str]:
    match kind:
        case "draft":
            changed, code, at = DRAFTS[name]
            return pack({key: value for key, value in {**standing.seen(), **changed}.items() if value is not MISSING}), code, at
        case "event":
            event, code, at = EVENTS[name]
            return pack(standing.draft(with_ids(event, standing.ids))), code, at
        case _:
            become, code, at = LOOSE[name]
            return become(standing.seen()), code, at


BEYOND_MSGPACK = {"10^400 days", "2^64 days"}
CASES = [("draft", name) for name in DRAFTS] + [("event", name) for name in EVENTS if name not in BEYOND_MSGPACK]
CASES += [("loose", name) for name in LOOSE]


@pytest.mark.parametrize("kind", ["draft", "event", "loose"])
def test_drafts_that_are_wrong_are_refused_by_name_among_others_that_are_recorded(standing: Standing, kind: str) -> None:
    """Law 17: a push has invalid drafts of every kind between valid ones. Only the valid ones are recorded, each once."""
    cases = [spelled(standing, kind, name) for of_kind, name in CASES if of_kind == kind]
    drafts = [good(standing)]
    for bad, _, _ in cases:
        drafts += [bad, good(standing)]
    push = push_of(*drafts)
    before = standing.event_count()
    receipts = standing.push("ada", push, media_type=MSGPACK).json()["receipts"]
    assert [receipt["outcome"] for receipt in receipts] == ["recorded"] + ["refused", "recorded"] * len(cases)
    assert standing.event_count() == before + len(cases) + 1
    wrong = []
    for index, (_, code, at) in enumerate(cases):
        problem = receipts[2 * index + 1]["problem"]
        if (problem["code"], problem["at"]) != (code, f"drafts[{2 * index + 1}]{at}"):
            wrong.append((problem, code, at))
    assert not wrong, json.dumps(wrong, indent=1)

    rows = standing.digest()
    again = standing.push("ada", push, media_type=MSGPACK).json()["receipts"]
    assert [receipt["outcome"] for receipt in again] == ["already_recorded"] + ["refused", "already_recorded"] * len(cases)
    assert standing.digest() == rows


@pytest.mark.usefixtures("nothing_changes")
def test_a_problem_document_is_always_json(standing: Standing) -> None:
    """RFC 9457: a problem document is always JSON, because a caller whose MessagePack is broken may be unable to read any."""
    headers = {"Content-Type": MSGPACK, "Accept": MSGPACK}
    answer = standing.ask("ada", "POST", "/v1/families/{family}/events", content=b"\xc1", headers=headers)
    assert problem_in(answer.status_code, answer.headers["content-type"], answer.content)["code"] == "body.malformed"
