"""Builds a Tadpoles feed in its real format: two pages of events, with every edge case."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.service.daycare.sources.invented import NAMES, NEVER, Day


def event(day: Day, **changes: Any) -> dict[str, Any]:
    at = day.step()
    whole = {
        "key": day.id(),
        "type": "Activity",
        "comment": day.prose(),
        "event_time": at.timestamp(),
        "create_time": at.timestamp() + 600,
        "tz": "America/New_York",
        "location_display": NEVER,
        "parent_member_display": NAMES[1],
        "new_attachments": [],
    }
    return {**whole, **changes}


def edge_cases(day: Day) -> dict[str, Any]:
    return {
        "digits": event(day, key="digits", event_time="1614556800", create_time="1614560400.5"),
        "first_two_o_clock": event(day, key="dst", event_time=1_636_263_000, create_time=None),
        "second_two_o_clock": event(day, event_time=1_636_266_600, comment="Still one o'clock"),
        "unknown_zone": event(day, key="nowhere", tz="Mars/Olympus"),
        "zone_that_is_a_path": event(day, tz="../../etc/passwd"),
        "bare_pictures": event(day, comment=None, new_attachments=[{"key": "a", "mime_type": "image/jpeg"}, {"key": "b"}]),
        "film": event(day, key="film", new_attachments=[{"key": "v", "mime_type": "video/mp4; codecs=x"}, None]),
        "no_name": event(day, parent_member_display=None),
        "milliseconds": event(day, event_time=1_614_556_800_000),
        "no_number": event(day, event_time="soon"),
        "infinite": event(day, event_time="inf"),
        "no_time": event(day, event_time=None),
        "true": event(day, event_time=True),
        "nulls": dict.fromkeys(event(day)),
    }


def body() -> bytes:
    day = Day(5, start=datetime(2021, 2, 1, 14, tzinfo=UTC))
    listed = [event(day) for _ in range(60)]
    answers = [
        {"cursor": "next", "events": listed[:40]},
        {"cursor": "", "events": [*listed[39:], *edge_cases(day).values()]},
    ]
    return json.dumps(answers).encode()
