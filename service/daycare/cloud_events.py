"""CloudEvents 1.0, structured, in a batch or binary: the records that a call posts, each read or refused by itself.

Owns the wire of daycares. Attributes and their types are those of the specification (cloudevents.io, JSON format and HTTP
binding 1.0.2); `recorded`, `revised`, `precision` and `childname` are extensions of ours.
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
from service.http.asgi import Scope, headers
from service.http.body import decode_json
from service.http.media_types import media_type_in, of_request
from service.http.problems import MediaTypeUnsupported
from service.log.admit import AHEAD_MAX, require_sane

EVENTS_MAX: Final = 500
EVENT_BYTES_MAX: Final = 64 * 1024
READ_AT_ONCE: Final = 16
"""Others have their turn after so many."""
JSON: Final = "application/json"
TAKES: Final = ("application/cloudevents+json", "application/cloudevents-batch+json", JSON)
"""In binary mode any JSON will do, by whatever name."""
TYPE: Final = re.compile(r"org\.stillnew\.([A-Za-z]+)\.v1")

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes that count. Others are extensions of others, and are passed over."""

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
    """The data of NoteWritten."""

    text: LongText


class MilestoneData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data of MilestoneObserved."""

    milestone: MilestoneKey
    note: ShortText | None = None


class TakenBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data of Withdrawn: an earlier event of the same source."""

    target: Named


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a call."""

    id: str
    source: str
    record: Record


class UnreadEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a call that cannot be read, and as much of it as can."""

    id: str | None
    source: str | None
    problem: Refused


class _Known(msgspec.Struct, frozen=True):
    id: str | None
    source: str | None


async def posted(scope: Scope, body: bytes, *, called: str, at: datetime, now: datetime) -> list[Posted | UnreadEvent]:
    """The events of a call, in its order. `called` is its signed id, `at` its signed time.

    Raises:
        MediaTypeUnsupported, BodyMalformed, FieldInvalid: there is no telling the events apart.
    """
    match _form(scope):
        case "batch":
            raws = await _raws(body)
            if not 1 <= len(raws) <= EVENTS_MAX:
                held = f"{len(raws)}" if len(raws) <= EVENTS_MAX else "more"
                raise FieldInvalid(f"A call holds 1 to {EVENTS_MAX} events; this one holds {held}.", at="events")
            events = []
            for number, raw in enumerate(raws):
                events.append(_read(bytes(raw), within=f"events[{number}]", at=at, now=now))
                if number % READ_AT_ONCE == 0:
                    await asyncio.sleep(0)
            return events
        case "structured":
            return [_read(body, within="", at=at, now=now)]
        case _:
            return [_read_binary(scope, body, called=called, at=at, now=now)]


async def _raws(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    """The bytes of each event of a batch; of too many at least one too many. One that is no JSON stops no other."""
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise BodyMalformed(f"The body is no list of events: {error}.") from None
    except (msgspec.DecodeError, RecursionError):
        # Looked through by bytes, which takes longer: others have their turn.
        return await asyncio.to_thread(lambda: list(islice(elements(body), EVENTS_MAX + 1)))


def _form(scope: Scope) -> str:
    """Which of the three content modes a call is in (HTTP binding, section 3)."""
    media_type = of_request(scope, takes=TAKES)
    if media_type.is_utf8:
        match media_type.name:
            case "application/cloudevents-batch+json":
                return "batch"
            case "application/cloudevents+json":
                return "structured"
            case name if name.startswith("application/cloudevents"):
                pass
            case _ if media_type.is_json and headers(scope, b"ce-specversion"):
                return "binary"
    raise MediaTypeUnsupported(TAKES, also="the last in binary mode, with ce- headers")


def _read_binary(scope: Scope, body: bytes, *, called: str, at: datetime, now: datetime) -> Posted | UnreadEvent:
    """A binary event as a structured one. What is wrong in an attribute is told by its header."""
    require_signed_id(scope, called=called)
    try:
        raw = structured(scope, body)
    except Refused as refusal:
        return UnreadEvent(id=called, source=None, problem=refusal)
    event = _read(raw, within="", at=at, now=now)
    if isinstance(event, UnreadEvent) and event.problem.at is not None and not event.problem.at.startswith("data"):
        event.problem.at = f"ce-{event.problem.at}"
    return event


def _read(raw: bytes, *, within: str, at: datetime, now: datetime) -> Posted | UnreadEvent:
    try:
        if len(raw) > EVENT_BYTES_MAX:
            raise FieldInvalid(f"An event holds at most {EVENT_BYTES_MAX} bytes.", at=None)
        return _posted(decode_json(with_plain_data(raw), CloudEvent), at=at, now=now)
    except Refused as refusal:
        refusal.at = ".".join(part for part in (within, refusal.at) if part) or None
        known = _known(raw)
        return UnreadEvent(id=known.id, source=known.source, problem=refusal)


def _known(raw: bytes) -> _Known:
    """The id and the source of an event that cannot be read as a whole."""
    said = fields(raw)
    return _Known(id=_named(said.get("id")), source=_named(said.get("source")))


def _named(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _posted(event: CloudEvent, *, at: datetime, now: datetime) -> Posted:
    if event.specversion != "1.0":
        raise FieldInvalid("This service reads CloudEvents 1.0.", at="specversion")
    said_to_be = media_type_in(event.datacontenttype or JSON)
    if said_to_be is None or not said_to_be.is_json:
        raise FieldInvalid("The data is JSON, in `data`.", at="datacontenttype")
    recorded = event.recorded or at
    revised = event.revised or recorded
    for name, time in (("time", event.time), ("recorded", recorded), ("revised", revised)):
        require_sane(time, at=name)
        if time > now + AHEAD_MAX:
            raise TimeOutOfRange("A time lies at most a day ahead of now.", at=name)
    what = _data(event)
    record = Record(
        id=what.target if isinstance(what, TakenBack) else event.id,
        reference=event.subject,
        shown_name=event.childname,
        occurred_at=event.time,
        precision=event.precision,
        recorded_at=recorded,
        revised_at=revised,
        is_dated=event.revised is not None,
        milestone=what.milestone if isinstance(what, MilestoneData) else None,
        text=what.text if isinstance(what, Note) else what.note if isinstance(what, MilestoneData) else None,
        is_gone=isinstance(what, TakenBack),
    )
    return Posted(id=event.id, source=event.source, record=record)


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
        what = msgspec.json.decode(event.data, type=shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error, within="data") from None
    except (msgspec.DecodeError, RecursionError):
        raise BodyMalformed("The data cannot be read.", at="data") from None
    if isinstance(what, MilestoneData) and what.milestone not in CATALOGUE.by_key:
        raise UnknownMilestone(f"The catalogue has no {what.milestone}.", at="data.milestone")
    return what


def called_at(seconds: int) -> datetime:
    """The time that a call was signed at."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
