"""Builds valid drafts and pushes in JSON, like a device. Tests change these drafts to get invalid ones."""

import json
from typing import Any

SENT_AT = "2026-11-21T18:03:11.120+01:00"
CHILD = "5f0c7a52-8d1e-4b6a-9c3d-0000000000c1"
ABOUT = "0193a3c0-1f2e-7a00-8000-0000000000ff"


def draft_of(event: dict[str, Any], *, number: int = 1, **more: Any) -> dict[str, Any]:
    """Returns a valid draft with this event. `number` decides its id, and `more` adds or replaces fields."""
    return {
        "id": f"0193a3c0-1f2e-7a00-8000-{number:012x}",
        "occurred_at": "2026-11-21T17:58:00+01:00",
        "precision": "minute",
        "recorded_at": "2026-11-21T17:58:40+01:00",
        "event": event,
        **more,
    }


def body_of(*drafts: Any, **more: Any) -> bytes:
    """Returns the JSON body of a push with these drafts. `more` adds or replaces fields outside of the drafts."""
    return json.dumps({"sent_at": SENT_AT, "drafts": drafts, **more}, ensure_ascii=False).encode()
