"""Translates files from Brightwheel: a child's activities (`{"activities": [...]}`), as the API for guardians returns them.

Owns the choice of fields. Other fields are never decoded, such as names of staff, rooms, health questions at drop-off, or the
list of all milestones beside an observation. Likes are not decoded either: they show what the other parent looked at. Each
activity is about one child. Keeps both the time of the activity and the time at which staff typed it.
"""

from typing import Any, Final

import msgspec

from service.daycare.record import Media, Record
from service.daycare.sources import json_file, labels, media_files, times
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, converted, display_name, identifier, required
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, OpenedFile, Source, Why

PROSE: Final = frozenset({"ac_note", "ac_kudo", "ac_observation", "ac_photo", "ac_video"})
SAFETY: Final = {"ac_incident": "Incident", "ac_medication": "Medication", "ac_health_check": "Health check"}
"""Kinds of activities that are imported from every author and even without text, so that no injury is left out."""
BY_STATE: Final = {
    ("ac_checkin", "1"): "Signed in",
    ("ac_checkin", "2"): "Signed out",
    ("ac_nap", "1"): "Nap: asleep",
    ("ac_nap", "0"): "Nap: awake",
}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The child of an activity, or its author. Of an author, this module uses only `user_type`."""

    object_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_type: str | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The id and the URL of a picture."""

    object_id: str | int | None = None
    image_url: str | None = None


class Film(msgspec.Struct, frozen=True, kw_only=True):
    """The id and the URL of a film."""

    object_id: str | int | None = None
    downloadable_url: str | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a dish from the menu."""

    name: str | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read from one activity."""

    object_id: str | None = None
    action_type: str | None = None
    event_date: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    state: str | int | None = None
    note: str | None = None
    staff_only: bool | None = None
    actor: Person | None = None
    target: Person | None = None
    media: Picture | None = None
    video_info: Film | None = None
    details_blob: Any = None
    menu_item_tags: list[Tag | None] | None = None


def translate(record: Any, hints: ImportHints = NO_HINTS) -> tuple[Record, ...] | Ignored:
    """Returns the record of one activity, or the reason why the activity is ignored.

    An activity of a guardian is ignored, except for sign-ins, sign-outs and the kinds in `SAFETY`.
    """
    activity = converted(record, Activity)
    entry = _entry(activity, hints)
    kind = activity.action_type or ""
    media = _media(activity)
    by_parent = activity.actor is not None and activity.actor.user_type == "guardian"
    if activity.staff_only:
        return entry.ignored(Why.STAFF_ONLY, media=len(media))
    if by_parent and kind != "ac_checkin" and kind not in SAFETY:
        return entry.ignored(Why.BY_PARENT, media=len(media))
    note = None if by_parent and kind == "ac_checkin" else clean(activity.note, at="note")
    composed = _composed(activity, kind)
    if composed is None and note is None and kind not in PROSE:
        return entry.ignored(Why.UNKNOWN_KIND, media=len(media))
    return entry.translated(labels.lines(composed, note), prose=labels.prose(_typed_dish(activity, kind), note), media=media)


def _entry(activity: Activity, hints: ImportHints) -> SourceEntry:
    zone = times.zone_named(hints.zone)
    about = activity.target or Person()
    occurred_at, precision = times.parse_time(required(activity.event_date, at="event_date"), at="event_date", zone=zone)
    recorded_at = times.time_or(activity.created_at, at="created_at", zone=zone, default=occurred_at)
    reference = identifier(about.object_id, at="target.object_id")
    name = display_name(about.first_name, about.last_name, at="target.first_name") or hints.name_by_reference.get(reference)
    return SourceEntry(
        id=identifier(activity.object_id, at="object_id"),
        children=(SourceChild(reference, name),),
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=recorded_at,
        revised_at=times.parse_revision(activity.updated_at, at="updated_at"),
    )


def _composed(activity: Activity, kind: str) -> str | None:
    """Returns a text that is composed of an activity's coded fields; None if activities of this kind have no coded fields."""
    details = _details(activity)
    match kind:
        case "ac_food":
            return _food(activity, details)
        case "ac_potty":
            extras = details.get("potty_extras")
            return labels.nappy(details.get("potty_type"), [details.get("potty"), *(extras if isinstance(extras, list) else [])])
        case _:
            return SAFETY.get(kind) or BY_STATE.get((kind, str(activity.state)))


def _details(activity: Activity) -> dict[str, Any]:
    return activity.details_blob if isinstance(activity.details_blob, dict) else {}


def _typed_dish(activity: Activity, kind: str) -> str | None:
    """Returns the part of a meal's description that staff typed. The other dishes were chosen from the menu."""
    return labels.phrase(_details(activity).get("food")) if kind == "ac_food" else None


def _food(activity: Activity, details: dict[str, Any]) -> str:
    """Returns the text of a meal or a bottle.

    Leaves out the eaten share and the kind of meal, because both are numbers without a documented meaning. The label is "Meal"
    and not "Ate", because perhaps the child ate nothing.
    """
    unit = labels.word(details.get("amount_type"))
    how_much = labels.amount(details.get("amount")) if unit is not None else None
    menu = [labels.phrase(tag.name) for tag in activity.menu_item_tags or () if tag is not None]
    dishes = [labels.phrase(details.get("food")), *menu]
    measured = f"{how_much} {unit}" if how_much is not None else None
    if details.get("food_type") == "bottle":
        return labels.labelled("Bottle", [*dishes, measured])
    return labels.labelled("Meal", dishes, how_much=measured)


def _media(activity: Activity) -> tuple[Media, ...]:
    picture, film = activity.media or Picture(), activity.video_info or Film()
    return (
        *media_files.media_named(picture.object_id, url=picture.image_url),
        *media_files.media_named(film.object_id, url=film.downloadable_url),
    )


def open_file(body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile:
    """Reads one response, a list of responses, or a list of activities."""
    return OpenedFile(found=json_file.records_in(body, lists=(("activities",),)))


SOURCE: Final = Source(name="brightwheel", media_types=("application/json",), open=open_file, translate=translate)
