"""Reads the CloudEvents 1.0 of a call, in structured, batch or binary mode. A refused event does not affect the other events.

Owns the wire format for daycares. Attributes and their types are those of the specification (cloudevents.io, JSON format and HTTP
binding 1.0.2); `recorded`, `revised`, `precision` and `childname` are our own extensions.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Final

import msgspec

from events.catalogue import CATALOGUE
from events.errors import BodyMalformed, FieldInvalid, Refused, TimeOutOfRange, UnknownMilestone
from events.event import Instant, LongText, Precision, ShortText
from events.ids import MilestoneKey
from events.json_checks import invalid_field
from events.lone_surrogate import elements, fields
from service.daycare.binary import require_signed_id, structured, with_plain_data
from service.daycare.record import Record
from service.http.asgi import HEADERS_BY_NAME, Scope
from service.http.body import decode_json
from service.http.media_types import media_type_in, of_request
from service.http.problems import MediaTypeUnsupported
from service.log.admit import AHEAD_MAX, require_sane

EVENTS_MAX: Final = 500
EVENT_BYTES_MAX: Final = 64 * 1024
READ_AT_ONCE: Final = 16
"""Number of events that are read before the event loop runs other tasks."""
JSON: Final = "application/json"
TAKES: Final = ("application/cloudevents+json", "application/cloudevents-batch+json", JSON)
"""The media types that the service accepts. Binary mode accepts every other JSON media type, too."""
TYPE: Final = re.compile(r"org\.stillnew\.([A-Za-z]+)\.v1")

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of a CloudEvent that this service reads. All other attributes are ignored."""

    specversion: str
    id: Named
    source: Named
    type: Named
    subject: Named
    time: Instant
    data: msgspec.Raw
    datacontenttype: str | None = None
    recorded: Instant | None = None
    revised: Instant | None = None
    precision: Precision = Precision.MINUTE
    childname: Annotated[str, msgspec.Meta(min_length=1, max_length=120)] | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data of a NoteWritten event."""

    text: LongText


class MilestoneData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data of a MilestoneObserved event."""

    milestone: MilestoneKey
    note: ShortText | None = None


class TakenBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data of a Withdrawn event: the id of an earlier event of the same source."""

    target: Named


class PostedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a call, read without a problem."""

    id: str
    source: str
    record: Record


class UnreadEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that cannot be read, and the problem. Contains the event's id and source if these two can be read."""

    id: str | None
    source: str | None
    problem: Refused


class _Identity(msgspec.Struct, frozen=True):
    id: str | None
    source: str | None


async def read_events(scope: Scope, body: bytes, *, call_id: str, at: datetime, now: datetime) -> list[PostedEvent | UnreadEvent]:
    """Returns the events of a call, in the order of the body. `call_id` and `at` are the signed id and time of the call.

    Raises:
        MediaTypeUnsupported, BodyMalformed: the events cannot be separated from each other.
        FieldInvalid: the call has no events or too many, or the id of a binary event is not the id of the call.
    """
    match _content_mode(scope):
        case "batch":
            raw_events = await _raw_events(body)
            if not 1 <= len(raw_events) <= EVENTS_MAX:
                count = f"{len(raw_events)}" if len(raw_events) <= EVENTS_MAX else "more"
                raise FieldInvalid(f"A call holds 1 to {EVENTS_MAX} events; this one holds {count}.", at="events")
            events = []
            for number, raw in enumerate(raw_events):
                events.append(_read(bytes(raw), within=f"events[{number}]", at=at, now=now))
                if number % READ_AT_ONCE == 0:
                    await asyncio.sleep(0)
            return events
        case "structured":
            return [_read(body, within="", at=at, now=now)]
        case _:
            return [_read_binary(scope, body, call_id=call_id, at=at, now=now)]


async def _raw_events(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    """Returns the bytes of each event of a batch. Invalid JSON in one event does not affect the other events.

    If a batch has more than `EVENTS_MAX` events, the result may end after `EVENTS_MAX + 1` events.
    """
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise BodyMalformed(f"The body is no list of events: {error}.") from None
    except (msgspec.DecodeError, RecursionError):
        # `elements` searches byte by byte, which is slow: in a thread, the search does not block the event loop.
        return await asyncio.to_thread(lambda: list(islice(elements(body), EVENTS_MAX + 1)))


def _content_mode(scope: Scope) -> str:
    """Returns the content mode of a call: `batch`, `structured` or `binary` (HTTP binding, section 3)."""
    media_type = of_request(scope, accepted=TAKES)
    if media_type.is_utf8:
        match media_type.name:
            case "application/cloudevents-batch+json":
                return "batch"
            case "application/cloudevents+json":
                return "structured"
            case name if name.startswith("application/cloudevents"):
                pass
            case _ if media_type.is_json and b"ce-specversion" in scope[HEADERS_BY_NAME]:
                return "binary"
    raise MediaTypeUnsupported(TAKES, also="the last in binary mode, with ce- headers")


def _read_binary(scope: Scope, body: bytes, *, call_id: str, at: datetime, now: datetime) -> PostedEvent | UnreadEvent:
    """Reads an event in binary mode. If an attribute has a problem, `at` of the problem names the attribute's header."""
    require_signed_id(scope, call_id=call_id)
    try:
        raw = structured(scope, body)
    except Refused as refusal:
        return UnreadEvent(id=call_id, source=None, problem=refusal)
    event = _read(raw, within="", at=at, now=now)
    if isinstance(event, UnreadEvent) and event.problem.at is not None and not event.problem.at.startswith("data"):
        event.problem.at = f"ce-{event.problem.at}"
    return event


def _read(raw: bytes, *, within: str, at: datetime, now: datetime) -> PostedEvent | UnreadEvent:
    try:
        if len(raw) > EVENT_BYTES_MAX:
            raise FieldInvalid(f"An event holds at most {EVENT_BYTES_MAX} bytes.", at=None)
        return _posted_event(decode_json(with_plain_data(raw), CloudEvent), at=at, now=now)
    except Refused as refusal:
        refusal.at = ".".join(part for part in (within, refusal.at) if part) or None
        identity = _identity(raw)
        return UnreadEvent(id=identity.id, source=identity.source, problem=refusal)


def _identity(raw: bytes) -> _Identity:
    """Returns the id and the source of an event that cannot be read as a whole."""
    members = fields(raw)
    return _Identity(id=_named(members.get("id")), source=_named(members.get("source")))


def _named(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _posted_event(event: CloudEvent, *, at: datetime, now: datetime) -> PostedEvent:
    if event.specversion != "1.0":
        raise FieldInvalid("This service reads CloudEvents 1.0.", at="specversion")
    data_type = media_type_in(event.datacontenttype or JSON)
    if data_type is None or not data_type.is_json:
        raise FieldInvalid("The data is JSON, in `data`.", at="datacontenttype")
    recorded = event.recorded or at
    revised = event.revised or recorded
    for name, time in (("time", event.time), ("recorded", recorded), ("revised", revised)):
        require_sane(time, at=name)
        if time > now + AHEAD_MAX:
            raise TimeOutOfRange("A time lies at most a day ahead of now.", at=name)
    data = _data(event)
    record = Record(
        id=data.target if isinstance(data, TakenBack) else event.id,
        reference=event.subject,
        shown_name=event.childname,
        occurred_at=event.time,
        precision=event.precision,
        recorded_at=recorded,
        revised_at=revised,
        is_dated=event.revised is not None,
        milestone=data.milestone if isinstance(data, MilestoneData) else None,
        text=data.text if isinstance(data, Note) else data.note if isinstance(data, MilestoneData) else None,
        is_gone=isinstance(data, TakenBack),
    )
    return PostedEvent(id=event.id, source=event.source, record=record)


SHAPE_BY_NAME: Final[Mapping[str, type[Note] | type[MilestoneData] | type[TakenBack]]] = {
    "NoteWritten": Note,
    "MilestoneObserved": MilestoneData,
    "Withdrawn": TakenBack,
}


def _data(event: CloudEvent) -> Note | MilestoneData | TakenBack:
    named = TYPE.fullmatch(event.type)
    shape = SHAPE_BY_NAME.get(named[1]) if named is not None else None
    if shape is None:
        known = ", ".join(f"org.stillnew.{name}.v1" for name in SHAPE_BY_NAME)
        raise FieldInvalid(f"A daycare posts {known}.", at="type")
    try:
        data = msgspec.json.decode(event.data, type=shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error, within="data") from None
    except (msgspec.DecodeError, RecursionError):
        raise BodyMalformed("The data cannot be read.", at="data") from None
    if isinstance(data, MilestoneData) and data.milestone not in CATALOGUE.by_key:
        raise UnknownMilestone(f"The catalogue has no {data.milestone}.", at="data.milestone")
    return data


def signed_at(seconds: int) -> datetime:
    """Converts the Unix time of a signature, in seconds, to a time in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
