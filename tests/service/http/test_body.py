"""Tests that bodies are read strictly, by the same rules in both encodings."""

import json
from typing import Any

import msgspec
import pytest

from events.errors import Refused
from events.msgpack_checks import refuse_loose_msgpack
from service.access.shapes import FoundFamily, Invite, NewChild
from service.http.body import decode_json, decode_msgpack


def code_of(refused: pytest.ExceptionInfo[Refused]) -> tuple[str, str | None]:
    return refused.value.code, refused.value.at


@pytest.mark.parametrize(
    ("body", "code", "at"),
    [
        (b"", "body.malformed", None),
        (b"{", "body.malformed", None),
        (b'{"name":"a"} {}', "body.malformed", None),
        (b'{"name":"\xff"}', "body.malformed", None),
        (b"\xef\xbb\xbf{}", "body.malformed", None),
        (b'{"name":"a","name":"b"}', "body.duplicate_key", "name"),
        (b'{"name":"a","nickname":"b"}', "body.invalid", "nickname"),
        (b'{"name":"a\\u0000"}', "body.nul", "name"),
        (b'{"name":1}', "body.invalid", "name"),
        (b"{}", "body.invalid", "name"),
        (b"[]", "body.invalid", None),
        (b"null", "body.invalid", None),
        (b'{"name":""}', "body.invalid", "name"),
        (b'{"name":"a","born":"2026-13-01"}', "body.invalid", "born"),
        (b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}", "body.invalid", "name"),
        (b'{"name":"\\ud800"}', "body.malformed", "name"),
    ],
)
def test_loose_json_is_refused_with_the_field_that_is_wrong(body: bytes, code: str, at: str | None) -> None:
    """Law 17: JSON that is not one value in UTF-8, or has duplicate keys, NUL or unknown fields, is refused."""
    with pytest.raises(Refused) as refused:
        decode_json(body, NewChild)
    assert (code, at) == code_of(refused)


def packed_map(*pairs: tuple[Any, Any]) -> bytes:
    """Returns a MessagePack map of the given pairs, even if a key occurs twice."""
    return bytes([0x80 | len(pairs)]) + b"".join(msgspec.msgpack.encode(part) for pair in pairs for part in pair)


@pytest.mark.parametrize(
    ("body", "code", "at"),
    [
        (b"", "body.malformed", None),
        (b"\xc1", "body.malformed", None),
        (packed_map(("name", "a")) + b"\xc0", "body.malformed", None),
        (packed_map(("name", "a"), ("name", "b")), "body.duplicate_key", "name"),
        (packed_map(("name", "a"), ("nickname", "b")), "body.invalid", "nickname"),
        (packed_map(("name", "a\0")), "body.nul", "name"),
        (packed_map(("name", 1)), "body.invalid", "name"),
        (packed_map((1, "a")), "body.invalid", None),
        (packed_map(("name", b"bytes")), "body.invalid", "name"),
        (b"\x81\xa4name\xa1\xff", "body.malformed", None),
        (packed_map(("name", msgspec.msgpack.Ext(5, b"x"))), "body.invalid", "name"),
        (b"\x81\xa4name" + b"\x91" * 40 + b"\xc0", "body.invalid", "name"),
    ],
)
def test_loose_messagepack_is_refused_by_the_same_rules(body: bytes, code: str, at: str | None) -> None:
    """Law 17: the rules for JSON apply to MessagePack. Without our check, the decoder would keep the last of two equal keys."""
    with pytest.raises(Refused) as refused:
        decode_msgpack(body, NewChild)
    assert (code, at) == code_of(refused)


def test_a_doubled_key_is_found_at_any_depth_of_messagepack() -> None:
    """Law 17: duplicate keys are also found in an object in a list."""
    body = packed_map(("drafts", [1])).replace(b"\x91\x01", b"\x91" + packed_map(("a", 1), ("a", 1)))
    with pytest.raises(Refused) as refused:
        refuse_loose_msgpack(body)
    assert code_of(refused) == ("body.duplicate_key", "drafts[0].a")


def test_messagepack_is_looked_through_to_its_bound_and_no_deeper() -> None:
    """Law 17: nesting over the bound is refused without a crash, also at 100,000 levels."""
    for depth in (17, 40, 100_000):
        with pytest.raises(Refused) as refused:
            refuse_loose_msgpack(b"\x91" * depth + b"\xc0")
        assert code_of(refused)[0] in ("body.too_deep", "body.malformed")
    refuse_loose_msgpack(b"\x91" * 16 + b"\xc0")


def test_both_encodings_give_one_value() -> None:
    """The same body gives the same value in JSON and in MessagePack."""
    body = {"you": {"name": "Ada"}, "household": {"name": "H"}, "child": {"name": "Mia", "born": "2026-01-31"}}
    assert decode_json(json.dumps(body).encode(), FoundFamily) == decode_msgpack(msgspec.msgpack.encode(body), FoundFamily)


def test_a_household_is_an_id_or_a_name() -> None:
    """The household of an invite can be an id, or an object with a name."""
    by_id = decode_json(b'{"role":"parent","household":"0193a3c0-0000-7000-8000-000000000000"}', Invite)
    by_name = decode_json(b'{"role":"parent","household":{"name":"Bens"}}', Invite)
    assert str(by_id.household) == "0193a3c0-0000-7000-8000-000000000000"
    assert getattr(by_name.household, "name", None) == "Bens"
