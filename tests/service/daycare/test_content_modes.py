"""Tests the forms in which an event may be sent, by CloudEvents' HTTP binding 1.0.2 and JSON format, and RFC 9110."""

import json
import time
from base64 import b64encode
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cloudevents.v1.http import CloudEvent

from tests.service.conftest import Village
from tests.service.daycare.conftest import BATCH, System, batch_of, binary, events_by, link, note, structured


async def in_binary(
    system: System, *, subject: bytes = b"kid-17", media_type: str = "application/json", **more: Any
) -> httpx.Response:
    """Posts one binary event, with the given bytes as `ce-subject`."""
    id = str(uuid4())
    headers, body = binary(note("Ate soup.", id=id, **more))
    kept = {name: value for name, value in headers.items() if name not in ("ce-subject", "content-type")}
    sent = [(name.encode(), value.encode()) for name, value in (kept | system.signed(body, id=id)).items()]
    sent += [(b"ce-subject", subject), (b"content-type", media_type.encode())]
    return await system.http.post(f"/v1/daycare/events?key={system.key_id}", content=body, headers=sent)


def receipt_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (receipt,) = answer.json()["receipts"]
    return dict(receipt)


ZOE: dict[str, bytes] = {
    "percent-encoded": b"Zo%C3%AB",
    "percent-encoded in lower case": b"Zo%c3%ab",
    "more percent-encoded than need be": b"%5Ao%C3%AB",
    "raw UTF-8": "Zoë".encode(),
    "quoted": b'"Zo%C3%AB"',
    "quoted raw UTF-8": '"Zoë"'.encode(),
    "quoted, with escapes": b'"\\Z\\o%C3%AB"',
}


async def test_a_header_in_any_spelling_of_the_binding_means_one_child(village: Village, ducklings: System) -> None:
    """HTTP binding, 3.1.3.2: with or without quotes, escapes and percent-encoding, `ce-subject` names the same child."""
    assert (await link(village.ada, ducklings.member, village.child, reference="Zoë")).status_code == 204
    for spelled, subject in ZOE.items():
        assert receipt_of(await in_binary(ducklings, subject=subject))["outcome"] == "recorded", spelled


TEXT_BY_HEADER = {
    b"Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀",  # the binding's own example
    b'"a \\"b\\" \\\\ c"': 'a "b" \\ c',
    b"100%25": "100%",
    b"%2541": "%41",  # percent-decoded once, not twice
    b"50% off": "50% off",  # without any encoding, the value stays unchanged
    b'Mia "Bug" M.': 'Mia "Bug" M.',
    b"kid=17;room=2": "kid=17;room=2",
}


async def test_a_reference_means_what_its_header_spells(village: Village, ducklings: System) -> None:
    for spelled in TEXT_BY_HEADER:
        assert receipt_of(await in_binary(ducklings, subject=spelled))["outcome"] == "waiting"
    listed = (await village.ada.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    assert {one["reference"] for daycare in listed for one in daycare["references"]} == {*TEXT_BY_HEADER.values(), "kid-17"}


NO_TEXTS = (b"Zo%EB", b"Zo\xeb", b"%C0%A0", b"%ED%A0%80", b'"Zo', b'"Zo" \xeb', b"Zo%C3", b"a%00b", b"")


async def test_a_header_that_spells_no_text_is_refused_by_name(ducklings: System) -> None:
    """HTTP binding, 3.1.3.2: a header that is not valid UTF-8 is refused with its name, overlong encodings too."""
    for subject in NO_TEXTS:
        receipt = receipt_of(await in_binary(ducklings, subject=subject))
        assert (receipt["outcome"], receipt["problem"]["at"]) == ("refused", "ce-subject"), subject


async def test_a_problem_in_an_attribute_names_its_header(ducklings: System) -> None:
    receipt = receipt_of(await in_binary(ducklings, precision="year"))
    assert (receipt["outcome"], receipt["problem"]["at"]) == ("refused", "ce-precision")


JSON_TYPES = [
    "application/json", "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json ; Charset="UTF-8"',
    "application/json;charset=utf8", "application/json; charset=us-ascii", 'application/json;profile="a;charset=x"',
    "application/json; version=1", "application/json;", "text/json", "application/vnd.ducklings.note+json", "application/ld+JSON",
]  # fmt: skip
"""Spellings of a media type that counts as JSON, by its subtype or by its suffix."""
NO_JSON = ["text/plain", "application/xml", "application/jsonp", "application/json, text/plain", "json", "a/json-seq", "*/*"]


async def test_the_data_may_be_json_under_any_of_its_names(ducklings: System) -> None:
    """Data is accepted under each media type of `JSON_TYPES` (HTTP binding, 3.1.1, and JSON format, 3.1)."""
    for media_type in JSON_TYPES:
        assert receipt_of(await in_binary(ducklings, media_type=media_type))["outcome"] == "recorded", media_type
        headers, body = structured(note("Slept well.", datacontenttype=media_type))
        answer = await ducklings.call("events", body, headers | ducklings.signed(body))
        assert receipt_of(answer)["outcome"] == "recorded", media_type


async def test_data_may_be_bytes_in_base64_as_some_packages_send_it(village: Village, ducklings: System) -> None:
    """JSON format, 3.1.1: `data_base64` is decoded, as it MUST be. Invalid base64 is refused with its field."""
    as_bytes = CloudEvent(dict(note("", id="e-1").get_attributes()), b'{"text": "Ate soup."}')
    headers, body = structured(as_bytes)
    assert b"data_base64" in body
    assert receipt_of(await ducklings.call("events", body, headers | ducklings.signed(body)))["outcome"] == "recorded"
    assert [note["text"] for note in await events_by(village.ada, ducklings.member)] == ["Ate soup."]
    members = json.loads(body)
    for wrong, at in (
        ({"data_base64": "%%%"}, "data_base64"),
        ({"data_base64": 7}, "data_base64"),
        ({"data_base64": "Zö=="}, "data_base64"),
        ({"data": {"text": "Both."}}, "data_base64"),
        ({"data_base64": b64encode(b'{"text":"a"},"id":"e-9"').decode()}, "data"),
        ({"data_base64": b64encode(b'{"text":"a","text":"b"}').decode()}, "data.text"),
        ({"data_base64": b64encode(b'{"text":"\xeb"}').decode()}, "data"),
        ({"data_base64": b64encode(b"Ate soup.").decode()}, "data"),
    ):
        body = json.dumps(members | wrong).encode()
        receipt = receipt_of(await ducklings.call("events", body, headers | ducklings.signed(body)))
        assert (receipt["id"], receipt["outcome"], receipt["problem"]["at"]) == ("e-1", "refused", at), wrong


async def test_data_of_another_type_is_refused(ducklings: System) -> None:
    for media_type in NO_JSON:
        answer = await in_binary(ducklings, media_type=media_type)
        assert (answer.status_code, answer.json()["code"], answer.json()["at"]) == (415, "body.media_type", "Content-Type")
        headers, body = structured(note("Slept well.", datacontenttype="application/json"))
        body = body.replace(b'"application/json"', f'"{media_type}"'.encode())
        receipt = receipt_of(await ducklings.call("events", body, headers | ducklings.signed(body)))
        assert (receipt["outcome"], receipt["problem"]["at"]) == ("refused", "datacontenttype"), media_type


BATCHES = (
    BATCH, BATCH.upper(), f"{BATCH}; charset=UTF-8", f'{BATCH};charset="utf-8"', f"{BATCH}; Charset=utf8; v=1", f"{BATCH} ;",
)  # fmt: skip
NO_MODES = (
    "application/cloudevents+xml", "application/cloudevents", "application/cloudevents-batch+avro", f"{BATCH}; charset=latin-1",
    f"{BATCH}; charset=utf-8; charset=utf-16", f"{BATCH} charset=utf-8", f'{BATCH}; charset="utf-8', "application/json", "",
)  # fmt: skip


async def test_a_batch_may_be_named_in_any_spelling(ducklings: System) -> None:
    """RFC 9110, 8.3.1: the type of a batch is recognised in any case, with quotes, and with unknown parameters."""
    for media_type in BATCHES:
        body = batch_of([note("Ate soup.")])
        answer = await ducklings.call("events", body, {"content-type": media_type} | ducklings.signed(body))
        assert receipt_of(answer)["outcome"] == "recorded", media_type


async def test_a_415_advises_what_this_route_takes(ducklings: System) -> None:
    """RFC 9110, 15.5.16: a 415 lists the accepted media types in its text and in the header Accept."""
    for media_type in NO_MODES:
        body = batch_of([note("Ate soup.")])
        answer = await ducklings.call("events", body, {"content-type": media_type} | ducklings.signed(body))
        assert (answer.status_code, answer.json()["code"]) == (415, "body.media_type"), media_type
        for name in ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json"):
            assert name in answer.json()["detail"]
        assert answer.headers["accept"] == "application/cloudevents+json, application/cloudevents-batch+json, application/json"
        assert "msgpack" not in answer.json()["detail"]


async def test_a_coded_body_is_refused_by_the_name_of_its_header_and_identity_is_no_coding(ducklings: System) -> None:
    body = batch_of([note("Ate soup.")])
    for coding, status in (("gzip", 415), ("Identity", 200)):
        headers = {"content-type": BATCH, "content-encoding": coding} | ducklings.signed(body)
        answer = await ducklings.call("events", body, headers)
        assert answer.status_code == status
        assert status == 200 or (answer.json()["at"], answer.headers["accept-encoding"]) == ("Content-Encoding", "identity")


@pytest.mark.parametrize("path", ["links", "secret"])
async def test_the_other_signed_routes_take_json_alone(ducklings: System, path: str) -> None:
    """The signed routes for other requests than events accept only `application/json`, and the refusal names this type."""
    for media_type, status in (("text/plain", 415), ("", 415), (BATCH, 415), ("Application/JSON; charset=UTF-8", None)):
        at = time.time_ns()
        answer = await ducklings.call(path, b"{}", {"content-type": media_type} | ducklings.signed(b"{}", id=f"call-{at}"))
        assert (answer.status_code == 415) is (status == 415), answer.text
        assert status != 415 or "Send application/json," in answer.json()["detail"]
