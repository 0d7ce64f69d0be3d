"""The content of docs/protocol.md, section by section, written by hand, for a comparison with the OpenAPI document."""

from typing import Any

from tests.events.events_page import DEVICE_TYPES

# By route: the status, the fields of the request, those of the response. `?` marks an optional field, `*` a list; None: no body.
NAMED = {"name": None}
CHILD = {"name": None, "born?": None}
CHOICE = {"child?": None, "scope": None, "mode": None, "hold_unsorted?": None, "at_most_days?": None}
HOUSEHOLD = {"household": None, "name": None}
ENTRY_EVENT = {
    "id": None, "author": None, "occurred_at": None, "precision": None, "recorded_at": None, "received_at": None,
    "audience": None, "claimed_at?": None, "event": "event",
}  # fmt: skip
TOLD = {"event": ENTRY_EVENT, "hint": ["child", "day", "domain", "type"]}
SIGHT = {"occurred_at": None, "precision": None, "how": None, "event": None, "feelings": None, "clips*": None}
MILESTONE = {
    "key": None, "title": None, "domain": None, "months*": None, "what_counts": None, "sources*": None,
    "builds_to?*": None, "implies?*": None, "safety?": None,
}  # fmt: skip
CLOUD_EVENT = {
    "specversion": None, "id": None, "source": None, "type": None, "subject": None, "time": None, "data": None,
    "datacontenttype?": None, "recorded?": None, "revised?": None, "precision?": None, "childname?": None,
}  # fmt: skip
WHOM = dict.fromkeys(("reference", "shown_name", "child", "also_called*", "is_waiting"))
WEBHOOK = dict.fromkeys(
    ("webhook", "url", "name", "created_at", "place", "state", "since", "next_attempt_at", "last", "why")
)  # fmt: skip
OTHERWISE = {
    "POST /v1/daycare/events": {"application/cloudevents+json", "application/cloudevents-batch+json", "application/json"},
    "POST /v1/daycare/links": {"application/json"},
    "POST /v1/daycare/secret": {"application/json"},
    "POST /v1/families/{family}/imports": {"application/json", "text/csv", "application/octet-stream"},
    "POST /v1/families/{family}/clips": {"application/offset+octet-stream"},
    "PATCH /v1/families/{family}/clips/{clip}/upload": {"application/offset+octet-stream"},
}
"""The media types of a body, for each route whose body has other types than JSON and MessagePack."""
PROBLEM = {"code": None, "at": None, "detail": None}

ROUTES: dict[str, tuple[int, Any, Any]] = {
    "POST /v1/families": (
        201, {"you": NAMED, "household": NAMED, "child": CHILD, "device?": NAMED},
        dict.fromkeys(("family", "member", "household", "child", "device", "token")),
    ),
    "GET /v1/me": (
        200, None,
        {
            "person": None,
            "memberships*": dict.fromkeys(("family", "member", "name", "role", "household")),
            "devices*": dict.fromkeys(("device", "name", "created_at", "this")),
        },
    ),
    "GET /v1/families/{family}": (
        200, None,
        {
            "family": None, "households*": HOUSEHOLD, "children*": {"child": None, "name": None, "born": None},
            "members*": dict.fromkeys(("member", "name", "role", "household")),
        },
    ),
    "POST /v1/families/{family}/children": (201, CHILD, {"child": None, "name": None, "born": None}),
    "PATCH /v1/families/{family}/children/{child}": (
        200, {"name?": None, "born?": None}, {"child": None, "name": None, "born": None},
    ),
    "PATCH /v1/families/{family}/members/{member}": (200, NAMED, dict.fromkeys(("member", "name", "role", "household"))),
    "PATCH /v1/families/{family}/households/{household}": (200, NAMED, HOUSEHOLD),
    "POST /v1/families/{family}/invites": (
        201, {"role": None, "household?": NAMED, "name?": None, "sees?": None}, dict.fromkeys(("code", "url", "expires_at")),
    ),
    "POST /v1/invites/accept": (
        201, {"code": None, "name": None, "device?": NAMED, "surprise?*": CHOICE},
        dict.fromkeys(("family", "member", "device", "token")),
    ),
    "POST /v1/devices/pair-codes": (201, None, dict.fromkeys(("code", "expires_at"))),
    "POST /v1/devices/pair": (201, {"code": None, "device": NAMED}, dict.fromkeys(("device", "token"))),
    "DELETE /v1/devices/{device}": (204, None, None),
    "DELETE /v1/families/{family}/members/{member}": (204, None, None),
    "POST /v1/families/{family}/events": (
        200,
        {
            "sent_at": None,
            "drafts*": {
                "id": None, "occurred_at": None, "precision": None, "recorded_at": None, "audience?": None, "event": "draft",
            },
        },
        {"log": None, "receipts*": {"id": None, "outcome": None, "place?": None, "keep_quiet?*": None, "problem?": PROBLEM}},
    ),
    "GET /v1/families/{family}/feed": (
        200, None,
        {
            "log": None, "chain_before": None, "place": None, "more": None, "chain": None,
            "entries*": {"place": None, "told_at": None, "released": None, "event": TOLD},
        },
    ),
    "GET /v1/families/{family}/live": (200, None, None),
    "GET /v1/families/{family}/timeline": (
        200, None,
        {
            "entries*": {
                "child": None, "milestone": None, "title": None, "domain": None, "state": None,
                "first_saw": SIGHT, "first_in_person": SIGHT,
                # The page does not list `precision`.
                "before_you": dict.fromkeys(("occurred_at", "precision", "author", "event")),
            },
        },
    ),
    "GET /v1/families/{family}/handover": (
        200, None,
        {
            "next": None,
            "cards*": {
                "member": None, "name": None, "child": None, "child_name": None, "notes_too": None, "phrase": None,
                "knows*": dict.fromkeys(("milestone", "title", "domain")),
                "not_to_mention*": dict.fromkeys(("milestone", "title", "domain")),
            },
        },
    ),
    "GET /v1/families/{family}/tips": (
        200, None,
        {
            "on": None,
            "children*": {
                "child": None, "age_months": None,
                "soon*": dict.fromkeys(("milestone", "title", "domain", "what_counts")),
                "now*": dict.fromkeys(("milestone", "title", "domain", "what_counts")),
                "safety*": dict.fromkeys(("milestone", "title", "domain", "safety")),
            },
        },
    ),
    "POST /v1/families/{family}/daycares": (201, NAMED, dict.fromkeys(("member", "key_id", "secret"))),
    "POST /v1/daycares": (201, NAMED, dict.fromkeys(("key_id", "secret"))),
    "POST /v1/families/{family}/daycare-codes": (201, {"child": None}, dict.fromkeys(("code", "expires_at"))),
    "GET /v1/families/{family}/daycares": (
        200, None,
        {"daycares*": {"member": None, "name": None, "imported_by": None, "references*": WHOM}},
    ),
    "PUT /v1/families/{family}/daycares/{member}/children": (
        204, {"reference": None, "child": None, "also_called?*": None}, None,
    ),
    "POST /v1/daycare/events": (200, CLOUD_EVENT, {
        "receipts*": {"id": None, "source": None, "outcome": None, "keep_quiet?*": None, "problem?": PROBLEM},
    }),
    "POST /v1/daycare/links": (200, {"code": None, "reference": None}, {"reference": None}),
    "POST /v1/daycare/secret": (200, {}, dict.fromkeys(("secret", "before_until"))),
    "POST /v1/families/{family}/imports": (200, None, {
        "dry_run": None, "member": None, "records": None, "outcomes": None, "ignored": None, "media": None,
        "records_of_children": None, "taken_back": None, "unreadable_records": None,
        "refused*": {"at": None, "code": None, "detail": None}, "notices*": {"code": None, "detail": None},
        "unreadable*": {"at": None, "detail": None}, "references*": dict.fromkeys(("reference", "shown_name", "child")),
    }),
    "POST /v1/families/{family}/clips": (201, None, None),
    "HEAD /v1/families/{family}/clips/{clip}/upload": (200, None, None),
    "PATCH /v1/families/{family}/clips/{clip}/upload": (204, None, None),
    "DELETE /v1/families/{family}/clips/{clip}/upload": (204, None, None),
    "GET /v1/families/{family}/clips/{clip}/upload": (
        200, None,
        dict.fromkeys(("clip", "state", "refused_as", "received_bytes", "length_bytes", "captured_at", "offset_known")),
    ),
    "GET /v1/families/{family}/clips/{clip}": (200, None, None),
    "GET /v1/families/{family}/clips/{clip}/poster": (200, None, None),
    "GET /v1/families/{family}/clips/{clip}/files": (
        200, None,
        {
            "clip": None, "length_ms": None, "codec": None,
            "files*": dict.fromkeys(("rendition", "media_type", "length_bytes", "width", "height")),
        },
    ),
    "POST /v1/families/{family}/clips/{clip}/ticket": (201, None, dict.fromkeys(("url", "expires_at"))),
    "GET /v1/families/{family}/clips/{clip}/shown": (200, None, None),
    "POST /v1/families/{family}/webhooks": (
        201, {"url": None, "name?": None}, dict.fromkeys(("webhook", "url", "secret", "place")),
    ),
    "GET /v1/families/{family}/webhooks": (200, None, {"webhooks*": WEBHOOK}),
    "DELETE /v1/families/{family}/webhooks/{webhook}": (204, None, None),
    "POST /v1/families/{family}/webhooks/{webhook}/secret": (200, None, dict.fromkeys(("webhook", "secret", "both_until"))),
    "POST /v1/families/{family}/webhooks/{webhook}/resume": (200, None, WEBHOOK),
    "GET /v1/catalogue": (200, None, {"version": None, "lang": None, "milestones*": MILESTONE}),
    "GET /health/live": (200, None, {"alive?": None}),
    "GET /health/ready": (200, None, dict.fromkeys(("ready", "database", "migrations", "redis"))),
    "GET /metrics": (200, None, None),
    "GET /schema/openapi.json": (200, None, None),
}  # fmt: skip

# The fields of `event` as a device sends them: docs/events.md lists them, and the protocol's page refers to it.
DRAFTED: dict[str, Any] = {kind: agreed.fields for kind, agreed in DEVICE_TYPES.items()}

RANGES = {"Range", "If-Range", "If-None-Match"}
SIGNED = {"key", "webhook-id", "webhook-timestamp", "webhook-signature"}
PARAMETERS = {
    "GET /v1/families/{family}/feed": {"after", "limit"},
    "GET /v1/families/{family}/live": {"after", "Last-Event-ID"},
    "GET /v1/families/{family}/timeline": {"child", "as_of"},
    "GET /v1/families/{family}/handover": {"child", "after"},
    "GET /v1/families/{family}/tips": {"child", "on"},
    "GET /v1/catalogue": {"lang", "If-None-Match"},
    "POST /v1/daycare/events": SIGNED,
    "POST /v1/daycare/links": SIGNED,
    "POST /v1/daycare/secret": SIGNED,
    "POST /v1/families/{family}/imports": {"source", "child", "reference", "zone", "dates", "as_parent", "dry_run"},
    "POST /v1/families/{family}/webhooks": {"after"},
    "POST /v1/families/{family}/clips": {"Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"},
    "HEAD /v1/families/{family}/clips/{clip}/upload": {"Tus-Resumable"},
    "PATCH /v1/families/{family}/clips/{clip}/upload": {"Tus-Resumable", "Upload-Offset", "Upload-Checksum"},
    "DELETE /v1/families/{family}/clips/{clip}/upload": {"Tus-Resumable"},
    "GET /v1/families/{family}/clips/{clip}": {"rendition", *RANGES},
    "GET /v1/families/{family}/clips/{clip}/poster": {"size", *RANGES},
    "POST /v1/families/{family}/clips/{clip}/ticket": {"rendition"},
    "GET /v1/families/{family}/clips/{clip}/shown": {"ticket", "rendition", *RANGES},
}

OPEN = {"GET /health/live", "GET /health/ready", "GET /metrics", "GET /schema/openapi.json", "GET /v1/catalogue",
        "POST /v1/devices/pair", "POST /v1/daycare/events", "POST /v1/daycare/links", "POST /v1/daycare/secret",
        "GET /v1/families/{family}/clips/{clip}/shown"}  # fmt: skip
OPEN_OR_KNOWN = {"POST /v1/families", "POST /v1/invites/accept", "POST /v1/daycares"}
