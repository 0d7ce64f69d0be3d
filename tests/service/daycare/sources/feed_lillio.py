"""Builds a Lillio journal in its real format: two pages, each for a month, and an empty page after them, with all edge cases."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service.daycare.sources.invented import NEVER_URL, Day


def activity(day: Day, **changes: Any) -> dict[str, Any]:
    at = day.step()
    whole = {
        "id": day.random.randint(100_000, 10**12),
        "title": "Activity",
        "description": day.prose(),
        "list_date": at.isoformat(timespec="milliseconds"),
        "created_at": (at + timedelta(minutes=5)).isoformat(timespec="milliseconds"),
        "updated_at": (at + timedelta(minutes=9)).isoformat(timespec="milliseconds"),
        "image": {"url": None},
        "video": {"url": None},
    }
    return {"activity": {**whole, **changes}}


def edge_cases(day: Day) -> dict[str, Any]:
    return {
        "no_list_date": activity(day, id=100102, list_date=None, created_at="2025-06-23T09:48:04.267-04:00", updated_at=None,
                                 title="Garden", description="Dug for worms."),
        "a_day": activity(day, id="7", list_date="2025-06-23T00:00:00.000-04:00", created_at="2025-06-24T08:00:00.000-04:00",
                          updated_at=None, title="Song", description=None),
        "after_midnight": activity(day, list_date="2025-06-23T00:00:01.000-04:00"),
        "bare_picture": activity(day, title="", description=None, image={"url": f"{NEVER_URL}one.jpg?sig=x"}),
        "picture": activity(day, id="8", title=None, description="Splash", image={"url": f"{NEVER_URL}two.jpeg?sig=x"},
                            video={"url": f"{NEVER_URL}two.mp4?sig=x"}, list_date="2025-11-02T01:30:00.000-05:00"),
        "no_time": activity(day, list_date="", created_at=None),
        "no_id": activity(day, id=None),
        "no_activity": {"activity": None},
        "nulls": {"activity": {"id": 9, "created_at": "2025-06-23T09:48:04Z", **dict.fromkeys(("title", "image", "video"))}},
    }  # fmt: skip


def body() -> bytes:
    day = Day(4, start=datetime(2025, 6, 2, 12, tzinfo=UTC), offset_h=-4)
    june = [activity(day) for _ in range(40)]
    july = [*(activity(day) for _ in range(20)), *edge_cases(day).values(), june[-1]]
    answers = [{"intervals": {"June, 2025": june}}, {"intervals": {"July, 2025": july, "August, 2025": []}}, {"intervals": []}]
    return json.dumps(answers).encode()
