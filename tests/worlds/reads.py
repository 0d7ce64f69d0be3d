"""Lists the requests that only read, for every operation of the OpenAPI document that changes nothing.

Each request depends only on what its sender was sent, on the history, and on ids that are as good as guessed. A route without an
entry here could leak unseen, so a test compares `READS` with the document. Those of clips are in `clips`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.worlds import clips
from tests.worlds.path_reads import Read, read
from tests.worlds.view import FAMILY, MSGPACK, View
from tests.worlds.wire import Request


def _metrics(view: View) -> list[Request]:
    get = view.get("/metrics")
    return list(view.by_turns([get, replace(get, token=None), view.get("/metrics", method="HEAD")], 1))


def _feed(view: View) -> list[Request]:
    """Returns requests for the whole feed, page by page, and for single pages with other bounds and formats."""
    size = max(view.place // 4 + view.probe % 5, 1) if view.probe % 12 != 6 and not view.whole else 1
    pages = [view.get(f"{FAMILY}/feed?after={after}&limit={size}") for after in range(0, view.place + 1, size)]
    return [*pages, *_PAGES(view)]


_PAGES = read(
    f"{FAMILY}/feed",
    ("GET", "GET?after={next}"),
    (
        "GET?limit=2000; Accept-Encoding: gzip", "GET?limit=2000; Accept-Encoding: zstd, gzip", f"GET?limit={{size}}; {MSGPACK}",
        "GET?after={place}", "GET?after={beyond}", f"GET?after={2**62}", "GET?after=-1", "GET?limit=0", "GET; Range: bytes=0-10",
        "HEAD; If-None-Match: *; If-Modified-Since: {since}", "OPTIONS",
    ),
    count=3,
)  # fmt: skip

READS: Mapping[str, Read] = {
    "GET /health/live": read("/health/live", (), ("GET", "HEAD")),
    "GET /health/ready": read("/health/ready", ("OPTIONS",), seldom="GET"),
    "GET /metrics": _metrics,
    "GET /schema/openapi.json": read("/schema/openapi.json", ("HEAD",), seldom="GET"),
    "GET /v1/catalogue": read(
        "/v1/catalogue", (), ("GET; If-None-Match: *", "HEAD?lang=de"), seldom="GET; Accept-Encoding: gzip"
    ),
    "GET /v1/me": read("/v1/me", ("GET",), (f"GET; {MSGPACK}", "HEAD")),
    f"GET {FAMILY}": read(FAMILY, ("GET",), (f"GET; {MSGPACK}", "HEAD; If-None-Match: *")),
    f"GET {FAMILY}/feed": _feed,
    f"GET {FAMILY}/timeline": read(
        f"{FAMILY}/timeline",
        ("GET",),
        (
            "GET?as_of={ago_0}", "GET?as_of={ago_10}", "GET?as_of={ago_30}", "GET?as_of={ago_60}", "GET?as_of=1",
            "GET?child={mia}", "GET?child={noah}", "GET?child={absent}", f"GET; {MSGPACK}", "GET; Accept-Encoding: gzip", "HEAD",
        ),
        count=3,
    ),
    # Requests that the stream refuses. The entries that a stream sends are compared while a history runs.
    f"GET {FAMILY}/live": read(
        f"{FAMILY}/live",
        ("GET?after={next}",),
        ("GET?after=x", "GET; Last-Event-ID: x", "GET; Last-Event-ID: {beyond}", "HEAD", "OPTIONS"),
    ),
    f"GET {FAMILY}/handover": read(
        f"{FAMILY}/handover",
        ("GET",),
        (f"GET; {MSGPACK}", "HEAD", "GET?child={mia}", "GET?child={noah}", "GET?child={absent}"),
        count=2,
    ),
    f"GET {FAMILY}/tips": read(
        f"{FAMILY}/tips", ("GET",), ("HEAD; If-None-Match: *", "GET?on=2026-06-01", "GET?child={mia}", "GET?child={noah}")
    ),
    f"GET {FAMILY}/daycares": read(f"{FAMILY}/daycares", (), ("GET", f"GET; {MSGPACK}")),
    f"GET {FAMILY}/webhooks": read(f"{FAMILY}/webhooks", (), ("GET", "HEAD")),
    **clips.READS,
}  # fmt: skip

BY_TURNS = (
    ("GET /health/live", "GET /health/ready", "GET /metrics", "GET /schema/openapi.json", "GET /v1/catalogue"),
    ("GET /v1/me", f"GET {FAMILY}", f"GET {FAMILY}/tips", f"GET {FAMILY}/live", f"GET {FAMILY}/webhooks"),
    clips.BY_TURNS,
)
"""Of each of these groups a history tries one operation: those that know no member, those that show little of one, and those of
clips that are looked up like their files."""


def reads(view: View) -> Iterable[tuple[str, list[Request]]]:
    """Yields operations with their requests: one operation of each group in `BY_TURNS`, and every operation without a group."""
    passed_over = {operation for group in BY_TURNS for operation in {*group} - {*view.by_turns(group, 1)}}
    return ((operation, requests(view)) for operation, requests in READS.items() if operation not in passed_over)


def until_limited(view: View) -> list[Request]:
    """Returns more requests than the rate limits allow. The refusals state when to try again, and this time could leak."""
    read_often = [view.get("/v1/me", method="HEAD")] * 200
    return [*read_often, *[view.post(f"{FAMILY}/events", {})] * 25, *[view.post(f"{FAMILY}/invites", {})] * 90]
