"""Tests that an unreadable record of a signed batch is refused alone, for each kind of error."""

import hmac
import json
import time
from base64 import b64decode, b64encode
from typing import Any
from uuid import uuid4

import pytest

from tests.service.conftest import Village
from tests.service.daycare.conftest import BATCH, System, binary, events_by, note, outcomes, structured

HALF_MIB = 512 * 1024

# The record that replaces a valid one, and the id, the code and the field of its receipt.
BAD: dict[str, tuple[bytes, str | None, str, str]] = {
    "half a character": (b'{good,"data":{"text":"Cut off in an emoji \\ud83c"}}', "b", "body.malformed", ".data.text"),
    "the other half": (b'{good,"data":{"text":"\\udf89 Cut off"}}', "b", "body.malformed", ".data.text"),
    "halves the wrong way round": (b'{good,"data":{"text":"\\udf89\\ud83c"}}', "b", "body.malformed", ".data.text"),
    "half a character in the shown name": (
        b'{good,"childname":"Zo\\ud83c","data":{"text":"Soup."}}', "b", "body.malformed", ".childname"),
    "half a character in the id": (b'{good,"id":"\\ud83c","data":{"text":"Soup."}}', None, "body.malformed", ".id"),
    "half a character in a key": (b'{good,"data":{"\\ud83c":1}}', "b", "body.malformed", ".data"),
    "half a character in what is passed over": (b'{good,"data":{"text":"Soup."},"x":"\\ud83c"}', "b", "body.malformed", ".x"),
    "ten thousand deep": (b'{good,"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "b", "body.too_deep", ""),
    "ten thousand deep and never closed": (b'{good,"data":"[[[["}', "b", "body.invalid", ".data"),
    "a key twice": (b'{good,"data":{"text":"One","text":"Two"}}', "b", "body.duplicate_key", ".data.text"),
    "NUL": (b'{good,"data":{"text":"a\\u0000b"}}', "b", "body.nul", ".data.text"),
    "a number of 5,000 digits": (b'{good,"data":{"text":' + b"9" * 5_000 + b"}}", "b", "body.malformed", ""),
    "a number beyond any": (b'{good,"data":{"text":1e999}}', "b", "body.invalid", ".data.text"),
    "NaN": (b'{good,"data":{"text":NaN}}', "b", "body.malformed", ""),
    "bytes that are not UTF-8": (b'{good,"data":{"text":"Zo\xeb"}}', "b", "body.malformed", ""),
    "an escape that is none": (b'{good,"data":{"text":"\\x41"}}', "b", "body.malformed", ""),
    "a raw line break": (b'{good,"data":{"text":"a\nb"}}', "b", "body.malformed", ""),
    "half a mebibyte": (b'{good,"data":{"text":"' + b"a" * HALF_MIB + b'"}}', "b", "body.invalid", ""),
    "half a mebibyte and half a character": (
        b'{good,"data":{"text":"' + b"a" * HALF_MIB + b'\\ud83c"}}', "b", "body.invalid", ""),
    "no object": (b'"\\ud83c"', None, "body.malformed", ""),
    "nothing": (b"", None, "body.malformed", ""),
}  # fmt: skip


def attributes(id: str) -> bytes:
    """Returns the attributes of a valid event as JSON, without the braces."""
    members = json.loads(structured(note("", id=id))[1])
    del members["data"]
    return json.dumps(members).encode()[1:-1]


def signed(system: System, body: bytes) -> dict[str, str]:
    """Returns the headers of a signed call, made by hand, because the package cannot sign bytes that are no text."""
    id, at = f"call-{uuid4()}", str(int(time.time()))
    key = b64decode(system.secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")
    signature = f"v1,{b64encode(digest).decode()}"
    return {"content-type": BATCH, "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature}


async def posted(system: System, body: bytes) -> list[dict[str, Any]]:
    answer = await system.call("events", body, signed(system, body))
    assert answer.status_code == 200, answer.text
    receipts: list[dict[str, Any]] = answer.json()["receipts"]
    return receipts


async def test_a_record_that_cannot_be_read_is_refused_by_itself(village: Village, ducklings: System) -> None:
    """Law 17: the receipt of the unreadable record names the field and, if possible, the id. The other records are recorded."""
    for number, (fault, (bad, id, code, at)) in enumerate(BAD.items()):
        # Of a repeated key only the first value is read, so an id is added only to a record that has none.
        attributed = attributes("b") if b'"id":' not in bad else attributes("b").replace(b'"id": "b", ', b"")
        good = [b"{" + attributes(f"{name}-{number}") + b',"data":{"text":"Ate soup."}}' for name in "ac"]
        body = b"[" + b", ".join([good[0], bad.replace(b"good", attributed, 1), good[1]]) + b"]"
        first, refused, last = await posted(ducklings, body)
        assert (first["outcome"], last["outcome"]) == ("recorded", "recorded"), fault
        problem = refused["problem"]
        assert (refused["outcome"], refused["id"], problem["code"], problem.get("at")) == (
            "refused", id, code, f"events[1]{at}",
        ), fault  # fmt: skip
        assert 0 < len(problem["detail"]) <= 320
        assert outcomes(await posted(ducklings, body)) == ["already_recorded", code, "already_recorded"], fault
    assert len(await events_by(village.ada, ducklings.member)) == 2 * len(BAD)


NO_LISTS = (
    b"", b"{}", b"[", b'["]', b"[1", b"[{]", b"[{}]]", b"[{}] {}", b"\xff", b'"a"', b"[" * 100_000, b'[{"a":"\\ud83c"}',
    b"[" + b'{"a":1},[' * 60_000,
)  # fmt: skip


async def test_a_body_that_is_no_list_is_refused_whole(ducklings: System) -> None:
    """Law 17: a body that is not a list is refused as a whole, because its records cannot be separated."""
    for body in NO_LISTS:
        answer = await ducklings.call("events", body, signed(ducklings, body))
        assert (answer.status_code, answer.json()["code"]) == (400, "body.malformed"), body[:20]


async def test_more_records_than_a_call_holds_are_refused_also_beside_half_a_character(ducklings: System) -> None:
    body = b"[" + b'"\\ud83c",' * 500 + b"1]"
    answer = await ducklings.call("events", body, signed(ducklings, body))
    assert (answer.status_code, answer.json()["code"], answer.json()["at"]) == (400, "body.invalid", "events")


@pytest.mark.parametrize("form", [structured, binary])
async def test_half_a_character_of_a_single_event_is_refused_with_a_receipt(ducklings: System, form: Any) -> None:
    """A lone surrogate is refused with a receipt in a batch, in a structured event and in a binary event."""
    headers, body = form(note("Soup.", id="b"))
    body = body.replace(b"Soup.", b"Soup \\ud83c")
    answer = await ducklings.call("events", body, headers | ducklings.signed(body, id="b"))
    (receipt,) = answer.json()["receipts"]
    assert (receipt["outcome"], receipt["id"], receipt["problem"]["at"]) == ("refused", "b", "data.text")
