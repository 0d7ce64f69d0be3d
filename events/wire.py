"""Decodes pushes into drafts, and encodes events as the log stores them and the feeds deliver them.

Drafts are read strictly: an unknown field is a mistake of the sender. `events.upcast` reads what the log stores.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, final, get_args
from uuid import UUID

import msgspec

from events import lone_surrogate, msgpack_checks
from events.amend import Amended, Erased, Withdrawn
from events.clips import ClipAttached
from events.errors import BodyMalformed, DraftIdNotV7, DraftTooLarge, FieldInvalid, Refused
from events.event import Body, Draft, Event, Instant
from events.family import (
    ChildAdded,
    ChildCorrected,
    FamilyFounded,
    HouseholdOpened,
    HouseholdRenamed,
    MemberJoined,
    MemberLeft,
    MemberRenamed,
)
from events.ids import EventId
from events.json_checks import invalid_field, not_json, refuse_duplicate_keys, refuse_duplicate_outer_keys, refuse_nul
from events.observations import Cheered, MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import EnvelopeOpened, Sorted, SurpriseChosen, TimePassed

DRAFTS_MAX: Final = 256
DRAFT_BYTES_MAX: Final = 64 * 1024
QUOTES_AROUND_DRAFTS: Final = 6
"""The number of quotes in the envelope of a push: two for the key "sent_at", two for its value, and two for the key "drafts"."""

DeviceBody = (
    MilestoneObserved
    | ParentFirstSaw
    | ClipAttached
    | NoteWritten
    | Cheered
    | MilestoneNamed
    | SurpriseChosen
    | EnvelopeOpened
    | Sorted
    | Amended
    | Withdrawn
)
"""The types that a device may send."""
ServiceBody = (
    FamilyFounded
    | HouseholdOpened
    | ChildAdded
    | MemberJoined
    | ChildCorrected
    | MemberRenamed
    | HouseholdRenamed
    | MemberLeft
    | TimePassed
    | Erased
)
"""The types that only the service writes."""
AnyBody = DeviceBody | ServiceBody

BODY_BY_NAME: Final[dict[str, type[Body]]] = {body.__name__: body for body in get_args(AnyBody)}

DeviceDraft = Draft[DeviceBody]
AnyDraft = Draft[AnyBody]
AnyEvent = Event[AnyBody]


@final
class Malformed(msgspec.Struct, frozen=True):
    """A draft that cannot be read. The service refuses this draft alone; the other drafts of the push are not affected."""

    id: EventId | None
    """The id of the draft, or None if the id cannot be read."""
    problem: Refused


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a device: its drafts, and the time of the device's clock when the request was sent."""

    sent_at: datetime
    drafts: tuple[DeviceDraft | Malformed, ...]


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sent_at: Instant
    drafts: list[msgspec.Raw]


class _OnlyId(msgspec.Struct, frozen=True):
    id: UUID


_envelope_of_json = msgspec.json.Decoder(_Envelope)
_draft_of_json = msgspec.json.Decoder(DeviceDraft)
_id_of_json = msgspec.json.Decoder(_OnlyId)
_envelope_of_msgpack = msgspec.msgpack.Decoder(_Envelope)
_draft_of_msgpack = msgspec.msgpack.Decoder(DeviceDraft)
_id_of_msgpack = msgspec.msgpack.Decoder(_OnlyId)
_encode = msgspec.json.Encoder().encode


def read_push(body: bytes) -> Push:
    """Reads a push in JSON: `{"sent_at", "drafts"}` with 1 to 256 drafts. Each draft is read strictly and by itself.

    Raises:
        BodyMalformed, DuplicateKey, FieldInvalid: the envelope around the drafts cannot be read.
    """
    require_utf8(body)
    try:
        envelope = _envelope_of_json.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, RecursionError) as error:
        if lone_surrogate.is_worth_splitting(body, error):
            return _read_push_draft_by_draft(body)
        raise not_json(body, error) from None
    _require_count(envelope.drafts)
    quotes = [bare_quotes(raw) for raw in envelope.drafts]
    if bare_quotes(body) - sum(quotes) != QUOTES_AROUND_DRAFTS:
        refuse_duplicate_outer_keys(body)
    drafts = [_read_draft_of_json(raw, f"drafts[{n}]", quotes[n]) for n, raw in enumerate(envelope.drafts)]
    return Push(sent_at=envelope.sent_at, drafts=tuple(drafts))


def _read_push_draft_by_draft(body: bytes) -> Push:
    outer, drafts = lone_surrogate.without_drafts(body)
    try:
        envelope = _envelope_of_json.decode(outer)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise not_json(outer, error) from None
    if bare_quotes(outer) != QUOTES_AROUND_DRAFTS:
        refuse_duplicate_outer_keys(outer)
    raws = [msgspec.Raw(draft) for draft in drafts]
    _require_count(raws)
    read = [_read_draft_of_json(raw, f"drafts[{n}]", bare_quotes(raw)) for n, raw in enumerate(raws)]
    return Push(sent_at=envelope.sent_at, drafts=tuple(read))


def read_push_of_msgpack(body: bytes) -> Push:
    """Reads a push in MessagePack, by the same rules as JSON.

    Raises:
        BodyMalformed, DuplicateKey, FieldInvalid: the envelope around the drafts cannot be read.
    """
    try:
        envelope = _envelope_of_msgpack.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyMalformed(f"The body is not MessagePack: {error}.") from None
    msgpack_checks.refuse_duplicate_outer_keys(body, fields=len(_Envelope.__struct_fields__))
    _require_count(envelope.drafts)
    drafts = [_read_draft_of_msgpack(raw, f"drafts[{n}]") for n, raw in enumerate(envelope.drafts)]
    return Push(sent_at=envelope.sent_at, drafts=tuple(drafts))


def require_utf8(body: bytes) -> None:
    """Raises BodyMalformed if the bytes are not UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"The body is not UTF-8: byte {error.start} is wrong.") from None


def bare_quotes(text: bytes | msgspec.Raw) -> int:
    """Returns the number of quotes without a backslash before them: two for every key and every text of a JSON value.

    If a body contains a key twice, it has more quotes than the canonical JSON of its decoded value. So one scan decides whether
    the slower check for duplicate keys is needed. The two numbers also differ if the body sets an optional field to null or to
    its default. They differ, too, if a text ends with a `u005c` escape. Then the slower check runs, and finds nothing.
    """
    octets = bytes(text)
    count = octets.count(b'"')
    return count - octets.count(b'\\"') if b"\\" in octets else count


def _require_count(drafts: Sequence[msgspec.Raw]) -> None:
    if not 1 <= len(drafts) <= DRAFTS_MAX:
        raise FieldInvalid(f"A push holds 1 to {DRAFTS_MAX} drafts; this one holds {len(drafts)}.", at="drafts")


def _read_draft_of_json(raw: msgspec.Raw, at: str, quotes: int) -> DeviceDraft | Malformed:
    """Reads one draft. `at` is the path of the draft within the body, `quotes` is the result of `bare_quotes` for the draft."""
    try:
        if len(memoryview(raw)) > DRAFT_BYTES_MAX:
            raise DraftTooLarge(f"A draft holds at most {DRAFT_BYTES_MAX} bytes; this one holds {len(memoryview(raw))}.", at=at)
        draft = _draft_of_json.decode(raw)
        canonical = _encode(draft)
        if quotes != bare_quotes(canonical):
            refuse_duplicate_keys(bytes(raw), at=at)
        if b"\\u0000" in canonical:
            refuse_nul(canonical, at=at)
        if not is_version_7(draft.id):
            raise DraftIdNotV7("A device makes the id of a draft as UUID version 7.", at=f"{at}.id")
    except Refused as refusal:
        return Malformed(_id_or_none(_id_of_json, raw), refusal)
    except msgspec.ValidationError as error:
        return Malformed(_id_or_none(_id_of_json, raw), invalid_field(error, within=at))
    except (msgspec.DecodeError, RecursionError) as error:
        octets = bytes(raw)
        only_id = b'{"id":%b}' % lone_surrogate.fields(octets).get("id", b"null")
        return Malformed(_id_or_none(_id_of_json, msgspec.Raw(only_id)), not_json(octets, error, at=at))
    return draft


def _read_draft_of_msgpack(raw: msgspec.Raw, at: str) -> DeviceDraft | Malformed:
    try:
        if len(memoryview(raw)) > DRAFT_BYTES_MAX:
            raise DraftTooLarge(f"A draft holds at most {DRAFT_BYTES_MAX} bytes; this one holds {len(memoryview(raw))}.", at=at)
        draft = _draft_of_msgpack.decode(raw)
        msgpack_checks.refuse_loose_msgpack(raw, at=at)
    except msgspec.ValidationError as error:
        return Malformed(_id_or_none(_id_of_msgpack, raw), invalid_field(error, within=at))
    except Refused as refusal:
        return Malformed(_id_or_none(_id_of_msgpack, raw), refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Malformed(None, BodyMalformed(f"The draft is not MessagePack: {error}.", at=at))
    # From here on JSON and MessagePack share one path: the canonical content of a draft is its JSON.
    canonical = _encode(draft)
    return _read_draft_of_json(msgspec.Raw(canonical), at, bare_quotes(canonical))


def is_version_7(uuid: UUID) -> bool:
    """Returns whether a UUID is a time-ordered one (RFC 9562: version 7, variant bits 10)."""
    return (uuid.int >> 76) & 0xF == 7 and (uuid.int >> 62) & 0x3 == 2


def _id_or_none(decoder: Any, raw: msgspec.Raw) -> EventId | None:
    try:
        return EventId(decoder.decode(raw).id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def digest_of_draft(draft: AnyDraft | DeviceDraft) -> bytes:
    """Returns the SHA-256 of a draft's canonical content (32 bytes). White space and the order of keys do not change it."""
    return sha256(_encode(draft)).digest()


def bytes_of_event(event: AnyEvent) -> bytes:
    """Returns the canonical JSON of an event: the bytes that the log stores, the commitment covers, and the feeds deliver."""
    return _encode(event)


def commitment(salt: bytes, body: bytes) -> bytes:
    """Returns the SHA-256 of the salt and the canonical event (32 bytes). Without the salt, nobody can check a guess."""
    return sha256(salt + body).digest()
