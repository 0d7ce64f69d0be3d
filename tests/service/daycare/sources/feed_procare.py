"""Builds a Procare feed in its real format: the list of children's names and three pages of activities, with every edge case."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.service.daycare.sources.invented import NAMES, NEVER, NEVER_URL, Day

KIDS = ("1d000000-0000-4000-8000-000000000001", "1d000000-0000-4000-8000-000000000002", "1d000000-0000-4000-8000-000000000003")
KINDS = ("bathroom", "meal", "nap", "bottle", "note", "learning")


def activity(day: Day, kind: str, **changes: Any) -> dict[str, Any]:
    at = day.step()
    whole = {
        "id": day.id(),
        "activity_time": at.isoformat(timespec="milliseconds"),
        "activity_date": at.date().isoformat(),
        "activity_type": f"{kind}_activity",
        "data": {},
        "comment": "",
        "staff_present_name": NEVER,
        "kid_ids": [KIDS[0]],
        "photo_url": None,
        "activiable": {"signed_in_by": NEVER, "sign_in_time": "x", "section": {"name": NEVER}},
    }
    return {**whole, **changes}


def everyday(day: Day, index: int) -> dict[str, Any]:
    kind, turn = KINDS[index % len(KINDS)], index // len(KINDS)
    data: dict[str, dict[str, str]] = {
        "bathroom": {"type": "Diaper", "sub_type": ("Wet", "BM", "BM & Wet", "Dry")[turn % 4]},
        "meal": {"type": "Lunch", "quantity": "Most", "desc": "pasta, pears"},
        "nap": {"start_time": "12:10" if turn % 2 == 0 else "", "end_time": "" if turn % 2 == 0 else "13:45"},
        "bottle": {"amount": "2.5", "bottle_consumed": "2"},
        "note": {"desc": day.prose()},
        "learning": {},
    }
    named = {"learning_activity_name": {"value": "Finger painting"}, "learning_activity_categories": [{"value": "Art"}]}
    group = list(KIDS[: 1 + turn % 3]) if kind == "learning" else [KIDS[turn % 2]]
    comment = day.prose() if kind == "learning" else ""
    return activity(day, kind, data=data[kind], kid_ids=group, activiable={**named, "section": None}, comment=comment)


def edge_cases(day: Day) -> dict[str, Any]:
    return {
        "several_kids": activity(
            day,
            "photo",
            id="group",
            activity_time="2026-02-06T14:20:26.000-08:00",
            kid_ids=[KIDS[1], KIDS[0], KIDS[1]],
            comment="At the pond",
            photo_url=f"{NEVER_URL}pond.jpg?X-Signature={NEVER}",
        ),
        "day_alone": activity(day, "note", id="day", activity_time=None, activity_date="2026-03-08", data={"desc": "A fine day"}),
        "before_midnight": activity(day, "sign_out", id="late", activity_time="2026-02-06T23:59:59.000-08:00", comment=NEVER),
        "odd_offset": activity(day, "sign_in", id="odd", activity_time="2026-02-06T09:00:00.000+05:45", data={"desc": NEVER}),
        "incident": activity(day, "incident", data={"type": "Bump", "sub_type": "Head", "desc": "Off the step."}, comment="Ice."),
        "incident_without_a_word": activity(day, "incident", data=None, activiable=None),
        "nap_of_both_times": activity(day, "nap", data={"start_time": "9:30", "end_time": "10:05"}),
        "mood": activity(day, "mood", data={"type": "Happy"}),
        "bare_photo": activity(day, "photo", photo_url=f"{NEVER_URL}b.png"),
        "unknown_kind": activity(day, "weather", data={"type": 4}),
        "unknown_quantity": activity(day, "meal", data={"type": None, "quantity": 3, "desc": "rice"}),
        "unit_that_is_none": activity(day, "bottle", data={"amount": "a lot"}),
        "no_kids": activity(day, "note", kid_ids=[], data={"desc": "?"}),
        "null_kid": activity(day, "note", kid_ids=[None], data={"desc": "?"}),
        "corrected": activity(day, "note", id="fixed", data={"desc": "Now right"}, created_at="2026-02-06T10:00:00-08:00",
                              updated_at="2026-02-07T10:00:00-08:00"),
    }  # fmt: skip


def pages() -> list[dict[str, Any]]:
    day = Day(2, start=datetime(2026, 2, 1, 17, tzinfo=UTC), offset_h=-8)
    listed = [everyday(day, index) for index in range(60)] + list(edge_cases(day).values())
    firsts = [name.split()[0] for name in NAMES[: len(KIDS)]]
    kids = [{"id": kid, "first_name": first, "dob": NEVER} for kid, first in zip(KIDS, firsts, strict=True)]
    parts = [listed[:30], listed[29:60], listed[60:]]  # one row is on two pages
    return [{"page": index + 1, "per_page": 30, "daily_activities": part} for index, part in enumerate(parts)] + [{"kids": kids}]


def body() -> bytes:
    return json.dumps(pages()).encode()
