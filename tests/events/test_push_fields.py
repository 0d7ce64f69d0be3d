"""Tests each field of a push: a missing, unknown or invalid field is refused with its path."""

import json
from typing import Any

import msgspec
import pytest

from events.errors import BodyMalformed, FieldInvalid, Refused, TextHasNul
from events.wire import DRAFT_BYTES_MAX, DRAFTS_MAX, Malformed, read_push, read_push_of_msgpack, require_utf8
from tests.events.drafts import ABOUT, CHILD, SENT_AT, body_of, draft_of

TEXT_FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("event.note", {"type": "MilestoneObserved", "child": CHILD, "milestone": "movement.walks", "note": "%"}),
    ("event.feelings", {"type": "ParentFirstSaw", "child": CHILD, "milestone": "movement.walks", "how": "clip", "feelings": "%"}),
    ("event.text", {"type": "NoteWritten", "child": CHILD, "text": "%"}),
    ("event.words", {"type": "Cheered", "about": ABOUT, "words": "%"}),
    ("event.title", {"type": "MilestoneNamed", "milestone": f"own.{CHILD}", "title": "%", "domain": "life"}),
    ("event.changes.text", {"type": "Amended", "target": ABOUT, "changes": {"text": "%"}}),
]


@pytest.mark.parametrize(("at", "event"), TEXT_FIELDS)
def test_nul_is_refused_in_every_text_and_in_both_encodings(at: str, event: dict[str, Any]) -> None:
    """Law 17: a draft with the character NUL in any text is refused, in JSON and in MessagePack.

    Postgres cannot store NUL, and programs in C take it for the end of a text.
    """
    sent = json.loads(json.dumps(draft_of(event)).replace("%", "a\\u0000b"))
    for push in (read_push(body_of(sent)), read_push_of_msgpack(msgspec.msgpack.encode({"sent_at": SENT_AT, "drafts": [sent]}))):
        (draft,) = push.drafts
        assert isinstance(draft, Malformed)
        assert isinstance(draft.problem, TextHasNul)
        assert draft.problem.at == f"drafts[0].{at}"


def test_a_text_that_spells_out_an_escape_is_no_escape() -> None:
    """A text with a backslash followed by the characters "u0000" is accepted, because it does not contain NUL (law 17)."""
    (draft,) = read_push(body_of(draft_of({"type": "NoteWritten", "child": CHILD, "text": "the escape \\u0000"}))).drafts
    assert not isinstance(draft, Malformed)


@pytest.mark.parametrize("body", [b"\xff", b'{"sent_at":"\xc3\x28"}', b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_bytes_that_are_not_utf8_are_refused(body: bytes) -> None:
    """Bytes that are no UTF-8 are refused, including an encoded lone surrogate and a number beyond Unicode (law 17)."""
    with pytest.raises(BodyMalformed, match="UTF-8"):
        require_utf8(body)
    with pytest.raises(BodyMalformed):
        read_push(body)


NOTE = {"type": "NoteWritten", "child": CHILD, "text": "Slept."}


@pytest.mark.parametrize(
    ("draft", "code", "at"),
    [
        (draft_of(NOTE) | {"mood": "sunny"}, "body.invalid", "drafts[0].mood"),
        (draft_of(NOTE | {"mood": "sunny"}), "body.invalid", "drafts[0].event.mood"),
        (draft_of({"type": "Amended", "target": ABOUT, "changes": {"mood": 1}}), "body.invalid", "drafts[0].event.changes.mood"),
        (draft_of(NOTE | {"type": "Erased"}), "body.invalid", "drafts[0].event.type"),
        (draft_of({"type": "MemberLeft", "member": CHILD}), "body.invalid", "drafts[0].event.type"),
        (draft_of({"type": "TimePassed"}), "body.invalid", "drafts[0].event.type"),
        (draft_of({"type": "Sorted", "target": ABOUT}), "body.invalid", "drafts[0].event.child"),
        (draft_of({"type": "Sorted", "child": CHILD, "milestone": "movement.walks"}), "body.invalid", "drafts[0].event.target"),
        (draft_of({"type": "Sorted", "target": ABOUT, "child": CHILD, "milestone": "movement.walks\n"}),
         "body.invalid", "drafts[0].event.milestone"),
        (draft_of({"child": CHILD, "text": "a"}), "body.invalid", "drafts[0].event.type"),
        (draft_of(NOTE | {"text": ""}), "body.invalid", "drafts[0].event.text"),
        (draft_of(NOTE | {"text": "a" * 10_001}), "body.invalid", "drafts[0].event.text"),
        (draft_of(NOTE | {"text": None}), "body.invalid", "drafts[0].event.text"),
        (draft_of(NOTE | {"child": "Mia"}), "body.invalid", "drafts[0].event.child"),
        (draft_of(NOTE, occurred_at="2026-11-21T17:58:00"), "body.invalid", "drafts[0].occurred_at"),
        (draft_of(NOTE, occurred_at=1_763_744_280), "body.invalid", "drafts[0].occurred_at"),
        (draft_of(NOTE, precision="hour"), "body.invalid", "drafts[0].precision"),
        (draft_of(NOTE, audience="everybody"), "body.invalid", "drafts[0].audience"),
        (draft_of({"type": "SurpriseChosen", "scope": "all", "mode": "keep", "at_most_days": 2**63}),
         "body.invalid", "drafts[0].event.at_most_days"),
        (draft_of({"type": "SurpriseChosen", "scope": "all", "mode": "keep", "at_most_days": 3.5}),
         "body.invalid", "drafts[0].event.at_most_days"),
        (draft_of({"type": "SurpriseChosen", "scope": "domain:cooking", "mode": "keep"}),
         "body.invalid", "drafts[0].event.scope"),
        (draft_of({"type": "MilestoneObserved", "child": CHILD, "milestone": "movement.walks\n"}),
         "body.invalid", "drafts[0].event.milestone"),
        ({name: value for name, value in draft_of(NOTE).items() if name != "id"}, "body.invalid", "drafts[0].id"),
        ("a draft", "body.invalid", "drafts[0]"),
        (draft_of(NOTE, id="0193a3c0"), "body.invalid", "drafts[0].id"),
    ],
)  # fmt: skip
def test_a_draft_that_is_not_as_agreed_is_refused_by_itself_and_names_the_field(draft: Any, code: str, at: str) -> None:
    """Law 17: an invalid draft is refused with the path of the wrong field, and the other draft of the push is read.

    The refusal has the id of the invalid draft, if this id can be read.
    """
    first, second = read_push(body_of(draft, draft_of(NOTE, number=2))).drafts
    assert isinstance(first, Malformed)
    assert not isinstance(second, Malformed)
    assert (first.problem.code, first.problem.at) == (code, at)
    given_id = draft.get("id") if isinstance(draft, dict) else None
    assert (None if first.id is None else str(first.id)) == (given_id if given_id != "0193a3c0" else None)


@pytest.mark.parametrize("number", [0, DRAFTS_MAX + 1])
def test_a_push_holds_1_to_256_drafts(number: int) -> None:
    """A push without drafts, or with more than 256, is refused (law 17)."""
    with pytest.raises(FieldInvalid) as refused:
        read_push(body_of(*[draft_of(NOTE)] * number))
    assert refused.value.at == "drafts"
    assert len(read_push(body_of(*[draft_of(NOTE)] * DRAFTS_MAX)).drafts) == DRAFTS_MAX


def test_a_draft_holds_at_most_64_kib_as_it_was_sent() -> None:
    """A draft over 64 KiB is refused. White space inside of the draft counts, white space around it does not (law 17)."""
    plain = json.dumps(draft_of(NOTE))
    for length, is_taken in ((DRAFT_BYTES_MAX, True), (DRAFT_BYTES_MAX + 1, False)):
        padded = "{" + " " * (length - len(plain)) + plain[1:]
        (draft,) = read_push(f'{{"sent_at":"{SENT_AT}","drafts":[  {padded}  ]}}'.encode()).drafts
        assert (not isinstance(draft, Malformed)) is is_taken
        if isinstance(draft, Malformed):
            assert (draft.problem.code, draft.problem.at) == ("draft.too_large", "drafts[0]")


@pytest.mark.parametrize(
    ("body", "code", "at"),
    [
        (b"", "body.malformed", None),
        (b"null", "body.invalid", None),
        (b"[]", "body.invalid", None),
        (b"{}", "body.invalid", "sent_at"),
        (body_of(draft_of(NOTE)) + b"{}", "body.malformed", None),
        (body_of(draft_of(NOTE), mood="sunny"), "body.invalid", "mood"),
        (body_of(draft_of(NOTE)).replace(b"+01:00", b"", 1), "body.invalid", "sent_at"),
        (b'{"sent_at":"%b","drafts":{}}' % SENT_AT.encode(), "body.invalid", "drafts"),
        (b'{"sent_at":"%b","drafts":[NaN]}' % SENT_AT.encode(), "body.malformed", None),
        (b'{"sent_at":"%b","drafts":[1,]}' % SENT_AT.encode(), "body.malformed", None),
    ],
)
def test_an_envelope_that_is_not_as_agreed_refuses_the_push(body: bytes, code: str, at: str | None) -> None:
    """Law 17: a wrong field outside of the drafts refuses the whole push, with the code and the path of the field."""
    with pytest.raises(Refused) as refused:
        read_push(body)
    assert (refused.value.code, refused.value.at) == (code, at)
