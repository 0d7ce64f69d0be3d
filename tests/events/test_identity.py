"""Tests the digest of a draft and the commitment of an event."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from events.errors import DraftIdNotV7
from events.wire import Malformed, commitment, digest_of_draft, is_version_7, read_push, read_push_of_msgpack
from tests.events.drafts import CHILD, SENT_AT, draft_of
from tests.events.spelling import spelled

DRAFT = draft_of(
    {
        "type": "MilestoneObserved",
        "child": CHILD,
        "milestone": "movement.first-steps",
        "note": 'three "steps" to the sofa \\ Größe 🎉',
        "again": True,
    },
    audience="family",
)


def digest_of(draft: str) -> bytes:
    """Returns the digest of one draft, which is given as JSON."""
    (read,) = read_push(f'{{"sent_at":"{SENT_AT}","drafts":[{draft}]}}'.encode()).drafts
    assert not isinstance(read, Malformed), read.problem.detail
    return digest_of_draft(read)


@given(st.data())
def test_a_digest_does_not_depend_on_the_spelling(data: st.DataObject) -> None:
    """The order of fields, white space and escapes do not change the digest of a draft (law 2)."""
    assert digest_of(spelled(DRAFT, data)) == digest_of(json.dumps(DRAFT))


@pytest.mark.parametrize("missing", [{"audience": None}, {"event": DRAFT["event"] | {"note": None, "again": False}}])
def test_an_optional_field_that_says_its_default_is_as_one_left_out(missing: dict[str, Any]) -> None:
    """A draft that states null or a default has the same digest as a draft that omits the field (law 2)."""
    explicit = DRAFT | missing
    left_out = {name: value for name, value in explicit.items() if value is not None}
    left_out["event"] = {name: value for name, value in explicit["event"].items() if value not in (None, False)}
    assert digest_of(json.dumps(explicit)) == digest_of(json.dumps(left_out))


@pytest.mark.parametrize(
    "other",
    [
        {"id": "0193a3c0-1f2e-7a00-8000-000000000002"},
        {"occurred_at": "2026-11-21T17:59:00+01:00"},
        {"precision": "day"},
        {"recorded_at": "2026-11-21T17:58:41+01:00"},
        {"audience": "household"},
        {"event": DRAFT["event"] | {"note": "three steps"}},
        {"event": DRAFT["event"] | {"again": False}},
        {"event": DRAFT["event"] | {"milestone": "movement.walks"}},
        # The same instant with another offset. The author's local time is part of the content.
        {"occurred_at": "2026-11-21T16:58:00+00:00"},
    ],
)
def test_other_content_has_another_digest(other: dict[str, Any]) -> None:
    """A draft with one changed field has another digest (law 2)."""
    assert digest_of(json.dumps(DRAFT | other)) != digest_of(json.dumps(DRAFT))


def test_a_digest_is_the_same_in_both_encodings() -> None:
    """A draft has the same digest in JSON and in MessagePack, so a device may repeat it in the other encoding (law 2)."""
    packed = msgspec.msgpack.encode({"sent_at": SENT_AT, "drafts": [DRAFT]})
    (read,) = read_push_of_msgpack(packed).drafts
    assert not isinstance(read, Malformed)
    assert digest_of_draft(read) == digest_of(json.dumps(DRAFT))


@given(st.binary(), st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_a_commitment_is_to_body_and_salt(body: bytes, salt: bytes, other_salt: bytes) -> None:
    """Law 15: a commitment changes with the body and with the salt. So a reader without the salt cannot test a guess."""
    made = commitment(salt, body)
    assert len(made) == 32
    assert made == commitment(salt, body)
    assert made != commitment(salt, body + b"!")
    assert (made == commitment(other_salt, body)) is (salt == other_salt)


@pytest.mark.parametrize(
    "wrong",
    [
        "9b1c6a52-5d0f-4c1e-8f57-0d2a4b6c8e10",  # version 4
        "00000000-0000-0000-0000-000000000000",
        "c232ab00-9414-11ec-b3c8-9f6bdeced846",  # version 1
        "0193a3c0-1f2e-8a00-8000-000000000001",  # version 8
        "0193a3c0-1f2e-7a00-0000-000000000001",  # version 7 of another variant
        "0193a3c0-1f2e-7a00-c000-000000000001",
    ],
)
def test_a_draft_has_an_id_of_version_7(wrong: str) -> None:
    """Law 2: an id of another version is refused with the name of its field."""
    assert not is_version_7(UUID(wrong))
    (read,) = read_push(json.dumps({"sent_at": SENT_AT, "drafts": [DRAFT | {"id": wrong}]}).encode()).drafts
    assert isinstance(read, Malformed)
    assert isinstance(read.problem, DraftIdNotV7)
    assert (read.id, read.problem.at) == (UUID(wrong), "drafts[0].id")


def test_an_id_of_version_7_is_taken() -> None:
    """The ids that our UUID library makes, and the example of RFC 9562, are recognised as version 7 (law 2)."""
    assert all(is_version_7(UUID(str(uuid7()))) for _ in range(200))
    assert is_version_7(UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"))  # the example of RFC 9562


def test_a_time_keeps_the_offset_that_its_author_lived_by() -> None:
    """A draft's time is read with its offset, so that 17:58+01:00 does not become 16:58Z (law 4)."""
    read = read_push(json.dumps({"sent_at": SENT_AT, "drafts": [DRAFT]}).encode())
    (draft,) = read.drafts
    assert not isinstance(draft, Malformed)
    assert draft.occurred_at.isoformat() == "2026-11-21T17:58:00+01:00"
    assert read.sent_at.astimezone(UTC) == datetime(2026, 11, 21, 17, 3, 11, 120_000, tzinfo=UTC)
