"""Translates files from Procare (Kinderlime): daily activities (`{"daily_activities": [...]}`) as the parents' page loads them.

Owns the choice of fields. One activity can name several children, so the id of every record contains the child. The children's
names are in another response (`{"kids": [...]}`), which may be in the same file. A nap consists of two activities without a
common id, and becomes two records. The person who signed a child in, the staff on duty, and comments at sign-in and sign-out are
not read.
"""

from typing import Any, Final

import msgspec

from events.errors import FieldInvalid
from events.json_checks import joined
from service.daycare.record import Record
from service.daycare.sources import json_file, labels, media_files, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, converted, display_name, identifier, required
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, OpenedFile, RawRecord, Source, Why

CHILDREN_MAX: Final = 200


class NamedValue(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of one of Procare's lists of activities or categories. `value` is its name."""

    value: str | None = None


class ProcareDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The names of a learning activity and of its categories."""

    learning_activity_name: NamedValue | None = None
    learning_activity_categories: list[NamedValue | None] | None = None


class DailyActivity(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read from one activity."""

    id: str | int | None = None
    activity_time: str | None = None
    activity_date: str | None = None
    activity_type: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    data: Any = None
    comment: str | None = None
    kid_ids: list[str | int] | None = None
    photo_url: str | None = None
    video_url: str | None = None
    activiable: ProcareDetails | None = None


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns a record for each child that an activity names, or the reason why the activity is ignored."""
    activity = converted(record, DailyActivity)
    entry = _entry(activity, hints)
    kind = (activity.activity_type or "").removesuffix("_activity")
    media = media_files.media_named(None, url=activity.photo_url) + media_files.media_named(None, url=activity.video_url)
    data = activity.data if isinstance(activity.data, dict) else {}
    composed = _composed(activity, kind, data)
    comment = None if kind in {"sign_in", "sign_out"} else clean(activity.comment, at="comment")
    described = clean(_text(data.get("desc")), at="data.desc") if kind not in {"meal", "sign_in", "sign_out"} else None
    if composed is None and comment is None and described is None and kind not in {"note", "photo", "video"}:
        return entry.ignored(Why.UNKNOWN_KIND, media=len(media))
    dish = labels.phrase(data.get("desc")) if kind == "meal" else None
    return entry.translated(labels.lines(composed, described, comment), prose=labels.prose(dish, described, comment), media=media)


def _entry(activity: DailyActivity, hints: ImportHints) -> SourceEntry:
    zone = times.zone_named(hints.zone)
    when, at = (activity.activity_time, "activity_time")
    if when is None or not when.strip():
        when, at = (required(activity.activity_date, at="activity_date"), "activity_date")
    occurred_at, precision = times.parse_time(when, at=at, zone=zone)
    recorded_at = times.time_or(activity.created_at, at="created_at", zone=zone, default=occurred_at)
    if not activity.kid_ids or len(activity.kid_ids) > CHILDREN_MAX:
        raise FieldInvalid(f"An activity names 1 to {CHILDREN_MAX} children.", at="kid_ids")
    references = [identifier(kid, at=f"kid_ids[{index}]") for index, kid in enumerate(activity.kid_ids)]
    return SourceEntry(
        id=identifier(activity.id, at="id"),
        children=tuple(SourceChild(reference, hints.name_by_reference.get(reference) or None) for reference in references),
        names_several=True,
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=recorded_at,
        revised_at=times.parse_revision(activity.updated_at, at="updated_at"),
    )


def _composed(activity: DailyActivity, kind: str, data: dict[str, Any]) -> str | None:
    """Returns a text that is composed of an activity's coded fields; None if activities of this kind have no coded fields."""
    match kind:
        case "sign_in":
            return "Signed in"
        case "sign_out":
            return "Signed out"
        case "bathroom":
            return labels.nappy(data.get("type"), [data.get("sub_type")])
        case "meal":
            meal, quantity = labels.word(data.get("type")) or "Meal", labels.word(data.get("quantity"))
            return labels.labelled(meal, [labels.phrase(data.get("desc"))], how_much=quantity.lower() if quantity else None)
        case "nap":
            return _nap(data)
        case "bottle":
            return _bottle(data)
        case "mood" | "incident" | "medication":
            return labels.labelled(kind.capitalize(), [labels.word(data.get("type")), labels.word(data.get("sub_type"))])
        case "learning":
            return _learning(activity.activiable or ProcareDetails())
        case _:
            return None


def _nap(data: dict[str, Any]) -> str:
    start, end = labels.clock(data.get("start_time")), labels.clock(data.get("end_time"))
    if start is not None and end is not None:
        return f"Nap: {start} to {end}"
    if start is None and end is None:
        return "Nap"
    return "Nap: asleep" if end is None else "Nap: awake"


def _bottle(data: dict[str, Any]) -> str:
    """Returns the amounts of a bottle, without a unit: each daycare chooses its own unit, and the file does not name it."""
    offered, drunk = labels.amount(data.get("amount")), labels.amount(data.get("bottle_consumed"))
    if offered is not None and drunk is not None:
        return f"Bottle: {drunk} of {offered}"
    return labels.labelled("Bottle", [drunk or offered])


def _learning(details: ProcareDetails) -> str:
    named = details.learning_activity_name or NamedValue()
    categories = [labels.phrase(one.value) for one in details.learning_activity_categories or () if one is not None]
    name = labels.phrase(named.value)
    return labels.labelled("Activity", [name] if name is not None else categories)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class Kid(msgspec.Struct, frozen=True, kw_only=True):
    """A child's id and name, from the list of one parent's children."""

    id: str | int | None = None
    first_name: str | None = None
    last_name: str | None = None


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads one response, a list of responses (one may contain the children's names), or a list of activities."""
    found = json_file.records_in(body, lists=(("daily_activities",), ("kids",)))
    activities = tuple(one for one in found if not _is_kid(one))
    return OpenedFile(found=activities, name_by_reference=dict(_named(one) for one in found if _is_kid(one)))


def _is_kid(found: RawRecord) -> bool:
    return found.at.rpartition(".")[2].startswith("kids[")


def _named(kid: RawRecord) -> tuple[str, str]:
    try:
        one = converted(kid.record, Kid)
        return identifier(one.id, at="id"), display_name(one.first_name, one.last_name, at="first_name") or ""
    except FieldInvalid as refusal:
        raise FieldInvalid(refusal.detail, at=joined(kid.at, refusal.at or "")) from None


SOURCE: Final = Source(name="procare", media_types=("application/json",), open=open_file, translate=translate)
