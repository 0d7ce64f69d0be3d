"""Builds a Brightwheel feed in its real format: three pages with everyday entries and all edge cases."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service.daycare.sources.invented import NAMES, NEVER, NEVER_URL, Day, zulu

CHILD = "c41d0000-0000-4000-8000-00000000000a"
KINDS = ("ac_nap", "ac_food", "ac_potty", "ac_note", "ac_checkin", "ac_photo")


def activity(day: Day, kind: str, **changes: Any) -> dict[str, Any]:
    at = day.step()
    first, last = NAMES[0].split()
    who = {"first_name": NEVER, "last_name": NEVER, "email": f"{NEVER}@example.org", "phone_1": NEVER}
    whole = {
        "object_id": day.id(),
        "action_type": kind,
        "event_date": zulu(at),
        "created_at": zulu(at + timedelta(seconds=2)),
        "updated_at": zulu(at + timedelta(seconds=2)),
        "state": "0",
        "note": None,
        "staff_only": False,
        "source": "staff",
        "is_archive_ready": False,
        "actor": {"object_id": day.id(), **who, "user_type": "teacher", "role": {"is_administrator": False}},
        "target": {"object_id": CHILD, "first_name": first, "last_name": last, "email": NEVER, "user_type": "student"},
        "room": {"object_id": day.id(), "name": NEVER, "school_id": day.id()},
        "media": None,
        "video_info": None,
        "details_blob": {},
        "observation_milestones": {"domains": [{"name": NEVER, "milestones": [{"name": NEVER}]}]},
        "dropoff_report": {"comment": NEVER},
        "health_check": None,
        "health_screen_display": NEVER,
        "likes": [{"object_id": day.id(), "user": {"object_id": day.id(), "first_name": NEVER}}],
        "category_tags": [],
        "menu_item_tags": [],
    }
    return {**whole, **changes}


def picture(day: Day) -> dict[str, Any]:
    return {"object_id": day.id(), "image_url": f"{NEVER_URL}a.jpg?sig={NEVER}", "thumbnail_url": NEVER_URL}


def everyday(day: Day, index: int) -> dict[str, Any]:
    kind = KINDS[index % len(KINDS)]
    match kind:
        case "ac_nap":
            return activity(day, kind, state=str(index // len(KINDS) % 2))
        case "ac_checkin":
            return activity(day, kind, state=str(1 + index // len(KINDS) % 2))
        case "ac_food":
            tags = [{"object_id": day.id(), "name": name, "tag_type": "menu_item"} for name in ("2% milk", "peas")]
            details = {"food": "", "amount": 2, "food_type": "food", "amount_type": "", "food_meal_type": 2}
            return activity(day, kind, details_blob=details, menu_item_tags=tags)
        case "ac_potty":
            return activity(day, kind, details_blob={"potty": "wet", "potty_type": "diaper", "potty_extras": ["wet"]})
        case "ac_photo":
            return activity(day, kind, note=day.prose(), media=picture(day))
        case _:
            return activity(day, kind, note=day.prose())


def edge_cases(day: Day) -> dict[str, Any]:
    guardian = {"object_id": day.id(), "first_name": NEVER, "user_type": "guardian"}
    film = {"object_id": "film-1", "streamable_url": NEVER_URL, "downloadable_url": f"{NEVER_URL}x.mp4?sig={NEVER}"}
    return {
        "late_kudo": activity(
            day,
            "ac_kudo",
            object_id="late-kudo",
            event_date="2021-09-30T16:33:00.000Z",
            created_at="2021-09-30T18:06:43.086Z",
            updated_at="2021-09-30T19:00:00.000Z",
            note="Kudos! Stood on one leg.\r\n",
        ),
        "staff_only": activity(day, "ac_note", staff_only=True, note=NEVER),
        "parents_note": activity(day, "ac_note", actor=guardian, note=NEVER),
        "parents_note_at_the_door": activity(day, "ac_checkin", actor=guardian, state="1", note=NEVER),
        "parents_medicine": activity(day, "ac_medication", actor=guardian, note="Drops at 7, one in each eye."),
        "incident_without_a_word": activity(day, "ac_incident"),
        "bare_photo": activity(day, "ac_photo", media=picture(day), note="  "),
        "film": activity(day, "ac_video", video_info=film, note="Dancing"),
        "bottle": activity(day, "ac_food", details_blob={"food_type": "bottle", "amount": 4, "amount_type": "oz"}),
        "potty": activity(day, "ac_potty", details_blob={"potty": "nothing", "potty_type": "potty", "potty_extras": None}),
        "both": activity(day, "ac_potty", details_blob={"potty": "wet", "potty_type": "diaper", "potty_extras": ["wet", "bm"]}),
        "unknown_kind": activity(day, "ac_weather", details_blob={"sun": 3}),
        "unknown_kind_with_words": activity(day, "ac_weather", note="Sunny, we went out."),
        "unknown_state": activity(day, "ac_nap", state="7"),
        "nulls": {**dict.fromkeys(activity(day, "ac_note")), "object_id": "nulls", "action_type": "ac_note", "note": "So",
                  "event_date": "2021-09-30T23:59:59.999-07:00", "target": {"object_id": CHILD}},
        "no_target": activity(day, "ac_note", note="For whom?", target=None),
        "no_time": activity(day, "ac_note", note="When?", event_date=None),
        "flag_that_is_no_flag": activity(day, "ac_note", note=NEVER, staff_only="true"),
        "no_record_at_all": "?",
    }  # fmt: skip


def pages() -> list[dict[str, Any]]:
    day = Day(1, start=datetime(2021, 9, 1, 13, tzinfo=UTC))
    listed = [everyday(day, index) for index in range(48)] + list(edge_cases(day).values())
    third = len(listed) // 3
    parts = [listed[:third], listed[third - 1 : 2 * third], listed[2 * third :]]  # one row is on two pages
    counts = {"count": len(listed), "offset": 0, "page_size": third}
    return [{**counts, "page": index, "activities": part} for index, part in enumerate(parts)]


def body() -> bytes:
    return json.dumps(pages(), ensure_ascii=False).encode()
