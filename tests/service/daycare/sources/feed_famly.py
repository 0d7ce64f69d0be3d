"""Builds a Famly feed in its real format: a GraphQL response, notes about a child and feed items, with every edge case."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service.daycare.sources.invented import NAMES, NEVER, NEVER_URL, Day, zulu


def observation(day: Day, **changes: Any) -> dict[str, Any]:
    at = day.step()
    whole = {
        "id": day.id(),
        "children": [{"name": NAMES[0]}],
        "createdBy": {"name": {"fullName": NEVER}},
        "variant": "REGULAR_OBSERVATION",
        "statuses": [{"state": "DRAFT", "createdAt": zulu(at)}, {"state": "SENT", "createdAt": zulu(at + timedelta(hours=30))}],
        "images": [],
        "files": [],
        "video": None,
        "likes": {"count": 2, "likes": [{"by": NEVER}]},
        "remark": {
            "id": day.id(),
            "date": day.today().isoformat(),
            "body": day.prose(),
            "richTextBody": f"<p>{NEVER}</p>",
            "areas": [{"area": {"id": "1", "title": NEVER, "abbr": "PD"}, "refinement": "SECURE", "note": NEVER}],
            "statements": [{"statement": {"id": "7", "body": NEVER, "areaId": "1"}, "refinement": "SECURE"}],
        },
        "nextStep": {"id": day.id(), "body": NEVER},
    }
    return {**whole, **changes}


def note(day: Day, **changes: Any) -> dict[str, Any]:
    at = day.step()
    whole = {
        "noteId": day.id(),
        "noteType": "Classic",
        "text": day.prose(),
        "createdAt": zulu(at),
        "publishedAt": zulu(at),
        "modifiedAt": None,
        "sensitive": False,
        "safeguardingConcern": False,
        "parentVisible": True,
        "parentAcknowledgements": [{"by": NEVER}],
        "child": {"name": NAMES[0]},
        "images": [],
        "files": [],
    }
    return {**whole, **changes}


def item(day: Day, **changes: Any) -> dict[str, Any]:
    at = day.step()
    whole = {"feedItemId": day.id(), "createdDate": at.strftime("%Y-%m-%d %H:%M:%S+00:00"), "body": day.prose(), "embed": None,
             "images": [], "videos": [], "files": [], "comments": [{"body": NEVER}], "likes": [{"name": NEVER}]}  # fmt: skip
    return {**whole, **changes}


def stages(*states: str) -> list[dict[str, str]]:
    return [{"state": state, "createdAt": f"2026-03-0{index + 1}T10:00:00+00:00"} for index, state in enumerate(states)]


def observation_edge_cases(day: Day) -> dict[str, Any]:
    secret = {"prefix": NEVER_URL, "key": NEVER, "path": NEVER, "expires": NEVER, "crop": {}}
    return {
        "several": observation(day, id="two", children=[{"name": NAMES[1]}, {"name": NAMES[2]}], statuses=stages("DRAFT", "SENT"),
                               remark={"date": "2026-02-28", "body": "Built a tower of six together."}),
        "draft": observation(day, statuses=stages("DRAFT"), images=[{"id": "i-9", "secret": secret}]),
        "under_review": observation(day, statuses=stages("DRAFT", "PENDING_REVIEW")),
        "taken_back": observation(day, id="back", statuses=stages("DRAFT", "SENT", "CHANGES_REQUESTED")),
        "approved": observation(day, statuses=stages("APPROVED")),
        "out_of_order": observation(day, statuses=stages("DRAFT", "SENT")[::-1]),
        "no_state": observation(day, statuses=None, status={"createdAt": "2026-03-01T10:00:00+00:00"}),
        "parents_own": observation(day, variant="PARENT_OBSERVATION", remark={"date": "2026-03-01", "body": NEVER}),
        "assessment": observation(day, variant="ASSESSMENT", remark={"date": "2026-03-01", "body": NEVER}),
        "at_two": observation(day, variant="TWO_YEAR_PROGRESS", remark={"date": "2026-03-01", "body": NEVER}),
        "media_only": observation(
            day,
            remark={"date": "2026-03-29", "body": "", "richTextBody": f"<p>{NEVER}</p>"},
            images=[{"id": "i-1", "secret": secret}, {"id": "i-2", "secret": secret}],
            video={"id": "v-1", "videoUrl": NEVER_URL, "thumbnailUrl": NEVER_URL},
        ),
        "with_media": observation(day, images=[{"id": "i-3", "secret": secret}], files=[{"id": "f-1", "url": NEVER_URL}]),
        "no_date": observation(day, remark={"date": None, "body": "Undated"}, statuses=stages("SENT")),
        "wrong_date": observation(day, remark={"date": "2026-02-30", "body": "Never"}),
        "two_of_a_name": observation(day, children=[{"name": NAMES[0]}, {"name": NAMES[0]}]),
        "nobody": observation(day, children=[]),
        "nulls": dict.fromkeys(observation(day)),
    }  # fmt: skip


def note_edge_cases(day: Day) -> dict[str, Any]:
    return {
        "safeguarding": note(day, safeguardingConcern=True, text=NEVER),
        "sensitive": note(day, sensitive=True, text=NEVER),
        "hidden": note(day, parentVisible=False, text=NEVER),
        "unmarked": note(day, safeguardingConcern=None, text=NEVER),
        "about_nobody": note(day, child=None),
        "plain": note(day, createdAt="2026-03-29T01:30:00+01:00", modifiedAt="2026-03-30T08:00:00+02:00", text="Tooth!"),
    }


def item_edge_cases(day: Day) -> dict[str, Any]:
    return {"of_a_room": item(day), "of_an_observation": item(day, body=None, embed={"observationId": "two"})}


def body() -> bytes:
    day = Day(3, start=datetime(2026, 1, 7, 8, tzinfo=UTC))
    listed = [observation(day) for _ in range(50)]
    observations = {"results": [*listed, *observation_edge_cases(day).values()], "next": None}
    answers = [
        {"data": {"childDevelopment": {"observations": observations}}},
        {"childNotes": [*(note(day) for _ in range(5)), *note_edge_cases(day).values()]},
        {"feedItems": list(item_edge_cases(day).values())},
        {"observations": listed[-1:]},
    ]
    return json.dumps(answers).encode()
