"""Tests invalid pushes and drafts in JSON: each refusal names the field, and a refused draft does not stop the other drafts."""

import json

import pytest

from tests.service.access_fixtures import SENT_AT, Standing, problem_in, push_of
from tests.service.bad_drafts import DRAFTS, EVENTS, NOTE, SPELLINGS, bad_draft, with_ids


def refusal(standing: Standing, body: bytes, *, media_type: str = "application/json") -> tuple[int, str, str | None]:
    """Sends a push that must be refused as a whole, and returns its status, code and field."""
    answer = standing.push("ada", body, media_type=media_type)
    problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
    return answer.status_code, problem["code"], problem["at"]


ENVELOPES: dict[str, tuple[bytes, str, str | None]] = {
    "nothing": (b"", "body.malformed", None),
    "blanks": (b" \r\n\t", "body.malformed", None),
    "invalid UTF-8": (b'{"sent_at":"\xff"}', "body.malformed", None),
    "UTF-8 cut short": (b'{"sent_at":"\xe2\x82"}', "body.malformed", None),
    "UTF-8 of a surrogate": (b'{"sent_at":"\xed\xa0\x80"}', "body.malformed", None),
    "UTF-8 longer than need be": (b'{"sent_at":"\xc0\x80"}', "body.malformed", None),
    "UTF-16": ('{"sent_at":1}'.encode("utf-16"), "body.malformed", None),
    "a byte order mark": (b"\xef\xbb\xbf{good}", "body.malformed", None),
    "two values": (b"{good}{good}", "body.malformed", None),
    "two values on two lines": (b"{good}\n{good}", "body.malformed", None),
    "a comma after it": (b"{good},", "body.malformed", None),
    "NUL after it": (b"{good}\0", "body.malformed", None),
    "cut short": (b'{"sent_at":"2026', "body.malformed", None),
    "a trailing comma": (b'{"sent_at":1,}', "body.invalid", "sent_at"),
    "a comment": (b'/* hello */ {"sent_at":1}', "body.malformed", None),
    "single quotes": (b"{'sent_at':1}", "body.malformed", None),
    "a key without quotes": (b"{sent_at:1}", "body.malformed", None),
    "null": (b"null", "body.invalid", None),
    "true": (b"true", "body.invalid", None),
    "a number": (b"1e400", "body.invalid", None),
    "a text": (b'"push"', "body.invalid", None),
    "a list": (b"[]", "body.invalid", None),
    "a list of pushes": (b"[{good}]", "body.invalid", None),
    "nothing in it": (b"{}", "body.invalid", "sent_at"),
    "no drafts": (b'{"sent_at":{when}}', "body.invalid", "drafts"),
    "no sent_at": (b'{"drafts":[]}', "body.invalid", "sent_at"),
    "an unknown field": (b'{"sent_at":{when},"drafts":[],"device":1}', "body.invalid", "device"),
    "a field in capitals": (b'{"Sent_At":{when},"drafts":[]}', "body.invalid", "Sent_At"),
    "sent_at twice": (b'{"sent_at":{when},"sent_at":{when},"drafts":[{draft}]}', "body.duplicate_key", "sent_at"),
    "drafts twice": (b'{"sent_at":{when},"drafts":[{draft}],"drafts":[{draft}]}', "body.duplicate_key", "drafts"),
    "drafts twice, once empty": (b'{"drafts":[],"sent_at":{when},"drafts":[{draft}]}', "body.duplicate_key", "drafts"),
    "a key twice, spelled otherwise": (
        b'{"sent_at":{when},"\\u0073ent_at":{when},"drafts":[{draft}]}', "body.duplicate_key", "sent_at",
    ),
    "a doubled key behind a draft that looks like it": (
        b'{"sent_at":{when},"drafts":[{draft},{when}],"sent_at":{when}}', "body.duplicate_key", "sent_at",
    ),
    "a doubled key around a number that nobody can read": (
        b'{"sent_at":{when},"sent_at":{when},"drafts":[' + b"1" * 5_000 + b"]}", "body.malformed", None,
    ),
    "sent_at is null": (b'{"sent_at":null,"drafts":[{draft}]}', "body.invalid", "sent_at"),
    "sent_at is a number": (b'{"sent_at":1763744591,"drafts":[{draft}]}', "body.invalid", "sent_at"),
    "sent_at without an offset": (b'{"sent_at":"2026-11-21T18:03:11","drafts":[{draft}]}', "body.invalid", "sent_at"),
    "sent_at is a day": (b'{"sent_at":"2026-11-21","drafts":[{draft}]}', "body.invalid", "sent_at"),
    "sent_at in year 0": (b'{"sent_at":"0000-01-01T00:00:00Z","drafts":[{draft}]}', "body.invalid", "sent_at"),
    "sent_at on no day": (b'{"sent_at":"2026-02-29T00:00:00Z","drafts":[{draft}]}', "body.invalid", "sent_at"),
    "drafts is null": (b'{"sent_at":{when},"drafts":null}', "body.invalid", "drafts"),
    "drafts is an object": (b'{"sent_at":{when},"drafts":{}}', "body.invalid", "drafts"),
    "drafts is a draft": (b'{"sent_at":{when},"drafts":{draft}}', "body.invalid", "drafts"),
    "0 drafts": (b'{"sent_at":{when},"drafts":[]}', "body.invalid", "drafts"),
    "257 drafts": (b'{"sent_at":{when},"drafts":[' + b"{draft}," * 256 + b"{draft}]}", "body.invalid", "drafts"),
    "NaN": (b'{"sent_at":{when},"drafts":[NaN]}', "body.malformed", None),
    "Infinity": (b'{"sent_at":{when},"drafts":[{"a":-Infinity}]}', "body.malformed", None),
    "a raw NUL": (b'{"sent_at":{when},"drafts":["a\0b"]}', "body.malformed", None),
    "a raw line break in a text": (b'{"sent_at":{when},"drafts":["a\nb"]}', "body.malformed", None),
    "an escape that is none": (b'{"sent_at":{when},"drafts":["\\x41"]}', "body.malformed", None),
    "half a character in the envelope": (b'{"sent_at":"\\ud83d","drafts":[{draft}]}', "body.malformed", "sent_at"),
    "half a character, and drafts twice": (
        b'{"sent_at":{when},"drafts":[{draft}],"drafts":["\\ud83d"]}', "body.duplicate_key", "drafts",
    ),
    "half a character, and sent_at twice": (
        b'{"sent_at":{when},"drafts":["\\ud83d",{draft}],"sent_at":{when}}', "body.duplicate_key", "sent_at",
    ),
    "half a character, and no drafts": (b'{"sent_at":{when},"draft":"\\ud83d"}', "body.invalid", "draft"),
    "half a character, and drafts in an object": (b'{"sent_at":{when},"drafts":{"a":"\\ud83d"}}', "body.invalid", "drafts"),
    "half a character, and an unknown field": (b'{"sent_at":{when},"drafts":["\\ud83d"],"x":1}', "body.invalid", "x"),
    "half a character, 257 times": (
        b'{"sent_at":{when},"drafts":[' + b'"\\ud83d",' * 256 + b"{draft}]}", "body.invalid", "drafts",
    ),
    "half a character, and cut short": (b'{"sent_at":{when},"drafts":["\\ud83d",', "body.malformed", None),
    "half a character in a list": (b'["\\ud83d"]', "body.invalid", None),
    "a hundred thousand lists": (b"[" * 100_000, "body.invalid", None),
    "a hundred thousand objects": (
        b'{"sent_at":{when},"drafts":[' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}", "body.malformed", None,
    ),
}  # fmt: skip


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("name", ENVELOPES)
def test_a_push_that_cannot_be_read_is_refused_whole_and_changes_nothing(standing: Standing, name: str) -> None:
    """Law 17: a push that is not valid JSON of 1 to 256 drafts is refused as a whole, even if a draft in it is valid."""
    body, code, at = ENVELOPES[name]
    draft = json.dumps(standing.seen()).encode()
    when = json.dumps(SENT_AT).encode()
    good = push_of(draft)
    for mark, text in ((b"{good}", good), (b"{draft}", draft), (b"{when}", when)):
        body = body.replace(mark, text)
    assert refusal(standing, body) == (400, code, at)


@pytest.mark.usefixtures("nothing_changes")
def test_a_push_of_a_mebibyte_is_taken_and_one_byte_more_is_not(standing: Standing) -> None:
    """Law 17: a push has at most 1 MiB, to the byte. Of a larger push, no draft is recorded."""
    body = push_of(json.dumps(standing.seen(child=standing.ids["absent"])).encode())
    body += b" " * (1024 * 1024 - len(body))
    assert standing.push("ada", body).status_code == 200
    assert refusal(standing, body + b" ") == (413, "body.too_large", None)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    "content_type",
    ["", "application/xml", "text/plain", "text/json", "application/json, text/plain", "application/json; charset=utf-16",
     "application/x-ndjson", "application/problem+json", "application/cloudevents+json", "*/*", "json", "multipart/form-data"],
)  # fmt: skip
def test_a_body_of_another_type_is_not_read(standing: Standing, content_type: str) -> None:
    """Every content type other than those of JSON and MessagePack gets 415 (protocol)."""
    body = push_of(json.dumps(standing.seen()).encode())
    assert refusal(standing, body, media_type=content_type) == (415, "body.media_type", "Content-Type")


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
def test_a_shortened_body_is_not_unpacked(standing: Standing, coding: str) -> None:
    """Law 17: a compressed body is refused without decompression, because it could expand beyond any bound."""
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = standing.ask("ada", "POST", "/v1/families/{family}/events", content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415


CASES = [("draft", name) for name in DRAFTS] + [("event", name) for name in EVENTS] + [("spelling", name) for name in SPELLINGS]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind}: {name}" for kind, name in CASES])
def test_a_draft_that_is_wrong_is_refused_by_name_beside_two_that_are_recorded(standing: Standing, kind: str, name: str) -> None:
    """Law 17: an invalid draft is refused with the name of its field, and the two other drafts of the push are recorded."""
    bad, code, at = bad_draft(standing, kind, name)
    push = push_of(json.dumps(standing.seen()).encode(), bad, json.dumps(standing.seen()).encode())
    before = standing.event_count()
    first, again = standing.push("ada", push), None
    assert first.status_code == 200, first.text
    assert [receipt["outcome"] for receipt in first.json()["receipts"]] == ["recorded", "refused", "recorded"]
    assert standing.event_count() == before + 2

    rows = standing.digest()
    again = standing.push("ada", push)
    assert [receipt["outcome"] for receipt in again.json()["receipts"]] == ["already_recorded", "refused", "already_recorded"]
    assert standing.digest() == rows
    assert first.json()["receipts"][1] == again.json()["receipts"][1]
    problem = first.json()["receipts"][1]["problem"]
    assert (problem["code"], problem["at"]) == (code, f"drafts[1]{at}")
    assert 0 < len(problem["detail"]) <= 320


ALIKE = [
    ("about an absent event", "about a foreign event"),
    ("about an absent event", "about what was not told"),
    ("an unknown child", "a foreign child"),
    ("a sorting of an absent event", "a sorting of a foreign event"),
    ("a sorting of an absent event", "a sorting of what was not told"),
    ("a sorting to an unknown child", "a sorting to a foreign child"),
]


@pytest.mark.parametrize(("absent", "foreign"), ALIKE)
def test_a_foreign_or_invisible_event_is_refused_like_an_absent_one(standing: Standing, absent: str, foreign: str) -> None:
    """Law 14: an absent id and the id of an event that the author was not sent get the same refusal."""
    problems = []
    for name in (absent, foreign):
        bad, _, _ = bad_draft(standing, "event", name)
        problems.append(standing.push("ada", push_of(bad)).json()["receipts"][0]["problem"])
    assert problems[0] == problems[1]


def test_an_id_that_another_member_used_is_free(standing: Standing) -> None:
    """A member can use an id that another member has used, so no refusal reveals another member's event."""
    # A new event, because other tests use `bens_secret`, and here Ada records an event with the same id.
    secret = standing.record("ben", standing.draft(with_ids(NOTE, standing.ids), audience="me"))
    draft = standing.draft(with_ids(NOTE, standing.ids), id=secret)
    assert standing.push("ada", [draft]).json()["receipts"][0]["outcome"] == "recorded"
    other = {**draft, "event": {**draft["event"], "text": "another day"}}
    rows = standing.digest()
    refused = standing.push("ada", [other]).json()["receipts"][0]
    assert (refused["problem"]["code"], refused["problem"]["at"]) == ("event.id_reused", "drafts[0].id")
    assert standing.digest() == rows
