"""Brightwheel: the activities of a child as its guardian API answers them (`{"activities": [...]}`, page by page).

Owns which of an activity's fields are read; the rest is never decoded: likes (they show what the other parent looked at),
staff's names and addresses, rooms, health questions at the door, the list of all milestones beside an observation. Each activity
is about one child. A kudo typed an hour after the fact keeps both times.
"""

from typing import Any, Final

import msgspec

from service.daycare.record import Media, Record
from service.daycare.sources import json_file, times, words
from service.daycare.sources.entry import SourceChild, SourceEntry
from service.daycare.sources.fields import clean, identifier, required, shaped, shown
from service.daycare.sources.reading import NOTHING_GIVEN, File, Ignored, ImportHints, Source, Why

PROSE: Final = frozenset({"ac_note", "ac_kudo", "ac_observation", "ac_photo", "ac_video"})
SAFETY: Final = {"ac_incident": "Incident", "ac_medication": "Medication", "ac_health_check": "Health check"}
"""Told whoever wrote them, and also without a word: a surprise never hides an injury or a medicine."""
BY_STATE: Final = {
    ("ac_checkin", "1"): "Signed in",
    ("ac_checkin", "2"): "Signed out",
    ("ac_nap", "1"): "Nap: asleep",
    ("ac_nap", "0"): "Nap: awake",
}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who an activity is about, or who wrote it; of the writer only what they are."""

    object_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_type: str | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, by its id."""

    object_id: str | int | None = None
    image_url: str | None = None


class Film(msgspec.Struct, frozen=True, kw_only=True):
    """A film, by its id."""

    object_id: str | int | None = None
    downloadable_url: str | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A dish of the menu."""

    name: str | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one activity."""

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


def translate(record: Any, given: ImportHints = NOTHING_GIVEN) -> tuple[Record, ...] | Ignored:
    """Turn one activity into a record. What a guardian wrote stays theirs, but for the door and what is a matter of safety."""
    activity = shaped(record, Activity)
    entry = _entry(activity, given)
    kind = activity.action_type or ""
    media = _media(activity)
    by_parent = activity.actor is not None and activity.actor.user_type == "guardian"
    if activity.staff_only:
        return entry.ignored(Why.STAFF_ONLY, media=len(media))
    if by_parent and kind != "ac_checkin" and kind not in SAFETY:
        return entry.ignored(Why.BY_PARENT, media=len(media))
    note = None if by_parent and kind == "ac_checkin" else clean(activity.note, at="note")
    said = _said(activity, kind)
    if said is None and note is None and kind not in PROSE:
        return entry.ignored(Why.UNKNOWN_KIND, media=len(media))
    return entry.told(words.lines(said, note), prose=words.prose(_typed_dish(activity, kind), note), media=media)


def _entry(activity: Activity, given: ImportHints) -> SourceEntry:
    zone = times.zone_named(given.zone)
    about = activity.target or Person()
    occurred_at, precision = times.moment(required(activity.event_date, at="event_date"), at="event_date", zone=zone)
    recorded_at = times.instant(activity.created_at, at="created_at", zone=zone, otherwise=occurred_at)
    reference = identifier(about.object_id, at="target.object_id")
    name = shown(about.first_name, about.last_name, at="target.first_name") or given.name_by_reference.get(reference)
    return SourceEntry(
        id=identifier(activity.object_id, at="object_id"),
        children=(SourceChild(reference, name),),
        occurred_at=occurred_at,
        precision=precision,
        recorded_at=recorded_at,
        revised_at=times.revised(activity.updated_at, at="updated_at"),
    )


def _said(activity: Activity, kind: str) -> str | None:
    """What an activity says in fields."""
    details = _details(activity)
    match kind:
        case "ac_food":
            return _food(activity, details)
        case "ac_potty":
            extras = details.get("potty_extras")
            return words.nappy(details.get("potty_type"), [details.get("potty"), *(extras if isinstance(extras, list) else [])])
        case _:
            return SAFETY.get(kind) or BY_STATE.get((kind, str(activity.state)))


def _details(activity: Activity) -> dict[str, Any]:
    return activity.details_blob if isinstance(activity.details_blob, dict) else {}


def _typed_dish(activity: Activity, kind: str) -> str | None:
    """What staff typed of a meal; the rest of it was chosen from the menu."""
    return words.phrase(_details(activity).get("food")) if kind == "ac_food" else None


def _food(activity: Activity, details: dict[str, Any]) -> str:
    """A meal or a bottle. How much was eaten and which meal it was are bare numbers there, which nobody explains: left out.

    So it says "Meal", not "Ate": 0 may mean that nothing was touched.
    """
    unit = words.word(details.get("amount_type"))
    how_much = words.amount(details.get("amount")) if unit is not None else None
    menu = [words.phrase(tag.name) for tag in activity.menu_item_tags or () if tag is not None]
    dishes = [words.phrase(details.get("food")), *menu]
    measured = f"{how_much} {unit}" if how_much is not None else None
    if details.get("food_type") == "bottle":
        return words.labelled("Bottle", [*dishes, measured])
    return words.labelled("Meal", dishes, how_much=measured)


def _media(activity: Activity) -> tuple[Media, ...]:
    picture, film = activity.media or Picture(), activity.video_info or Film()
    return (
        *words.kept(picture.object_id, url=picture.image_url),
        *words.kept(film.object_id, url=film.downloadable_url),
    )


def open_file(body: bytes, given: ImportHints = NOTHING_GIVEN) -> File:
    """Read one answer, several in a list, or a list of activities."""
    return File(found=json_file.records_in(body, lists=(("activities",),)))


SOURCE: Final = Source(name="brightwheel", media_types=("application/json",), open=open_file, translate=translate)
