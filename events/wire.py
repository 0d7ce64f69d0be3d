"""Bytes to drafts, and events to the bytes that the log keeps and feeds deliver: the one place that decodes.

Two readers on purpose: strict at the door, where an unknown field is a mistake of the sender; tolerant in the archive,
where it was written by another release of ours.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NoReturn, get_args
from uuid import UUID

import msgspec

from events.amend import Amended, Erased, Withdrawn
from events.clips import ClipAttached
from events.errors import (
    BodyMalformed,
    BodyTooDeep,
    DraftIdNotV7,
    DraftTooLarge,
    DuplicateKey,
    FieldInvalid,
    Refused,
    TextHasNul,
)
from events.event import Body, Draft, Event, Instant
from events.family import ChildAdded, FamilyFounded, HouseholdOpened, MemberJoined, MemberLeft
from events.ids import EventId, is_version_7
from events.moments import Cheered, MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import EnvelopeOpened, SurpriseChosen
from events.upcast import upcast

DRAFTS_MAX: Final = 256
DRAFT_BYTES_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 16

DeviceBody = (
    MilestoneObserved
    | ParentFirstSaw
    | ClipAttached
    | NoteWritten
    | Cheered
    | MilestoneNamed
    | SurpriseChosen
    | EnvelopeOpened
    | Amended
    | Withdrawn
)
"""What a device may draft."""
ServiceBody = FamilyFounded | HouseholdOpened | ChildAdded | MemberJoined | MemberLeft | Erased
"""What the service writes for a request."""
AnyBody = DeviceBody | ServiceBody

BODY_BY_NAME: Final[dict[str, type[Body]]] = {body.__name__: body for body in get_args(AnyBody)}

DeviceDraft = Draft[DeviceBody]
AnyDraft = Draft[AnyBody]
AnyEvent = Event[AnyBody]


class Malformed(msgspec.Struct, frozen=True):
    """A draft that cannot be read. It is refused by itself and stops no other."""

    id: EventId | None
    """None where not even the id can be read."""
    problem: Refused


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a device: what it wrote, and what its clock said when it was sent."""

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
_event_of_json = msgspec.json.Decoder(AnyEvent)
_envelope_of_msgpack = msgspec.msgpack.Decoder(_Envelope)
_draft_of_msgpack = msgspec.msgpack.Decoder(DeviceDraft)
_id_of_msgpack = msgspec.msgpack.Decoder(_OnlyId)
_encode = msgspec.json.Encoder().encode


def _bare_quotes(text: bytes | msgspec.Raw) -> int:
    """Count the quotes that no backslash precedes: two for every key and every text of a JSON value.

    A body and the canonical form of what was decoded from it have the same count, unless the body names a key twice, or
    names an optional field only to say null. So one scan tells whether a closer look is needed. (A text which ends in a
    backslash counts one less; spelling that backslash another way counts more in the body, and costs only the closer look.)
    """
    octets = bytes(text)
    count = octets.count(b'"')
    return count - octets.count(b'\\"') if b"\\" in octets else count


def _around(body: bytes, drafts: list[msgspec.Raw]) -> bytes:
    """The envelope without its drafts; more than that where a draft stands twice."""
    if not drafts:
        return body
    start, last = body.rfind(drafts[0]), body.rfind(drafts[-1])
    return body[:start] + body[last + len(memoryview(drafts[-1])) :]


def read_push(body: bytes) -> Push:
    """Read a push of JSON: `{"sent_at", "drafts": [1 to 256]}`, each draft strictly and by itself.

    Raises:
        BodyMalformed, DuplicateKey, FieldInvalid: the envelope around the drafts cannot be read.
    """
    require_utf8(body)
    try:
        envelope = _envelope_of_json.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BodyMalformed(f"The body is not JSON: {error}.") from None
    quotes_around_drafts = 3 * 2  # "sent_at", its value, "drafts"
    if _bare_quotes(_around(body, envelope.drafts)) != quotes_around_drafts:
        _refuse_doubled_envelope(body)
    return _each_draft(envelope, _read_draft_of_json)


def read_push_of_msgpack(body: bytes) -> Push:
    """Read a push of MessagePack. The caller has refused duplicate keys, which msgspec does not see there."""
    try:
        envelope = _envelope_of_msgpack.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyMalformed(f"The body is not MessagePack: {error}.") from None
    return _each_draft(envelope, _read_draft_of_msgpack)


def _refuse_doubled_envelope(body: bytes) -> None:
    """Refuse `sent_at` or `drafts` that stands twice. What is doubled inside of a draft is that draft's own affair."""

    def pairs(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        return found

    keys = [key for key, _ in json.loads(body, object_pairs_hook=pairs)]
    for key in keys:
        if keys.count(key) > 1:
            raise DuplicateKey(f"The key {json.dumps(key)} stands twice.", at=key)


def _each_draft(envelope: _Envelope, read: Any) -> Push:
    if not 1 <= len(envelope.drafts) <= DRAFTS_MAX:
        raise FieldInvalid(f"A push holds 1 to {DRAFTS_MAX} drafts; this one holds {len(envelope.drafts)}.", at="drafts")
    return Push(
        sent_at=envelope.sent_at, drafts=tuple([read(raw, f"drafts[{index}]") for index, raw in enumerate(envelope.drafts)])
    )


def _read_draft_of_json(raw: msgspec.Raw, at: str) -> DeviceDraft | Malformed:
    try:
        if len(memoryview(raw)) > DRAFT_BYTES_MAX:
            raise DraftTooLarge(f"A draft holds at most {DRAFT_BYTES_MAX} bytes; this one holds {len(memoryview(raw))}.", at=at)
        draft = _draft_of_json.decode(raw)
        canonical = _encode(draft)
        if _bare_quotes(raw) != _bare_quotes(canonical):
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
        return Malformed(None, BodyMalformed(f"The draft is not JSON: {error}.", at=at))
    return draft


def _read_draft_of_msgpack(raw: msgspec.Raw, at: str) -> DeviceDraft | Malformed:
    try:
        if len(memoryview(raw)) > DRAFT_BYTES_MAX:
            raise DraftTooLarge(f"A draft holds at most {DRAFT_BYTES_MAX} bytes; this one holds {len(memoryview(raw))}.", at=at)
        draft = _draft_of_msgpack.decode(raw)
    except msgspec.ValidationError as error:
        return Malformed(_id_or_none(_id_of_msgpack, raw), invalid_field(error, within=at))
    except Refused as refusal:
        return Malformed(_id_or_none(_id_of_msgpack, raw), refusal)
    # From here on both encodings are one: the JSON of a draft is its canonical content.
    return _read_draft_of_json(msgspec.Raw(_encode(draft)), at)


def _id_or_none(decoder: Any, raw: msgspec.Raw) -> EventId | None:
    try:
        return EventId(decoder.decode(raw).id)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


def invalid_field(error: msgspec.ValidationError, *, within: str = "") -> FieldInvalid:
    """Turn msgspec's sentence into a refusal which names the field as `within.event.note`."""
    sentence, _, path = str(error).partition(" - at `")
    at = path.rstrip("`").removeprefix("$").removeprefix(".").replace("[...]", "")
    if (named := re.match(r"Object (?:contains unknown|missing required) field `(.*)`", sentence)) is not None:
        at = f"{at}.{named[1]}" if at else named[1]
    if within:
        at = f"{within}.{at}" if at and not at.startswith("[") else within + at
    return FieldInvalid(f"{sentence}.", at=at[:200] or None)


def require_utf8(body: bytes) -> None:
    """Refuse bytes that are not UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"The body is not UTF-8: byte {error.start} is wrong.") from None


def refuse_duplicate_keys(body: bytes, *, at: str = "") -> None:
    """Refuse JSON in which an object names a key twice. Slower than decoding: called where the count of keys is off."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                raise DuplicateKey(f"The key {json.dumps(key[:80])} stands twice in one object.", at=_joined(at, key[:80]))
            seen[key] = value
        return seen

    try:
        json.loads(body, object_pairs_hook=unique)
    except RecursionError:
        raise BodyTooDeep(f"Objects and lists nest at most {DEPTH_MAX} deep.", at=at or None) from None
    except ValueError as error:
        raise BodyMalformed(f"The body is not JSON: {error}.", at=at or None) from None


def refuse_nul(body: bytes, *, at: str = "") -> None:
    """Refuse JSON in which a text holds the character NUL, and name the field."""
    for path, text in _texts(json.loads(body), at):
        if "\0" in text:
            raise TextHasNul("A text cannot hold the character NUL.", at=path or None)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, inner in value.items():
                yield from _texts(key, path)
                yield from _texts(inner, _joined(path, key))
        case list():
            for index, inner in enumerate(value):
                yield from _texts(inner, f"{path}[{index}]")
        case _:
            return


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def digest_of_draft(draft: AnyDraft | DeviceDraft) -> bytes:
    """SHA-256 of a draft's canonical content: the same for every spelling of the same claim. 32 bytes."""
    return sha256(_encode(draft)).digest()


def bytes_of_event(event: AnyEvent) -> bytes:
    """The canonical JSON of an event: what the log keeps, what its commitment covers, what feeds deliver."""
    return _encode(event)


def commitment(salt: bytes, body: bytes) -> bytes:
    """SHA-256 over salt and canonical event: says nothing of the content once the salt is destroyed. 32 bytes."""
    return sha256(salt + body).digest()


def event_of_bytes(body: bytes, *, kind: str, version: int) -> AnyEvent:
    """Read a row of the log, of any version that ever was.

    Raises:
        LookupError: the row is newer than this release.
    """
    current = BODY_BY_NAME[kind]
    if version == current.version:
        try:
            return _event_of_json.decode(body)
        except msgspec.ValidationError:
            return _event_of_fields(msgspec.json.decode(body), current, version)
    return _event_of_fields(msgspec.json.decode(body), current, version)


def _event_of_fields(envelope: dict[str, Any], current: type[Body], version: int) -> AnyEvent:
    said = {name: value for name, value in envelope["event"].items() if name != "type"}
    said = upcast(current.__name__, version, said, to_version=current.version)
    known = {name: said[name] for name in said if name in current.__struct_fields__}
    return msgspec.convert(envelope | {"event": known | {"type": current.__name__}}, AnyEvent)


def current_bytes(body: bytes, *, kind: str, version: int) -> bytes:
    """The canonical JSON of a row of any version, as today's devices read it."""
    if version == BODY_BY_NAME[kind].version:
        return body
    return bytes_of_event(event_of_bytes(body, kind=kind, version=version))


def never(value: NoReturn) -> NoReturn:
    """What the type checker proves unreachable."""
    raise AssertionError(f"unreachable: {value!r}")
