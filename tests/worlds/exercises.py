"""What a device of the protected member may ask, operation by operation of the OpenAPI document.

Owns the questions: each depends only on what this member has been told, on the words of the schedule, and on ids that are as good
as guessed. A route without an exercise is a route through which something may leak: a test holds the two lists together.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.worlds.copied_families import Household
from tests.worlds.histories import History
from tests.worlds.seeded import uuid_of
from tests.worlds.wire import Answer, Ask, asking

MSGPACK = "Accept: application/msgpack"
ABSENT = str(uuid_of("nobody has this id", version=7))
FAMILY = "/v1/families/{family}"


@dataclass
class View:
    """What one observer goes by."""

    history: History
    household: Household
    who: str
    place: int
    """The last place of their feed, as they were told."""
    now: datetime
    tell: Callable[[list[Ask]], list[Answer]]
    """Asks, and writes the answers into the transcript."""
    whole: bool = False
    """Everything is asked at once, and nothing by turns."""

    @property
    def token(self) -> str:
        return self.household.people[self.who].tokens[0]

    @property
    def probe(self) -> int:
        return self.history.probe

    def get(self, path: str, *headers: str, method: str = "GET") -> Ask:
        return asking(method, self.household.of(path), token=self.token, headers=headers)

    def put(self, method: str, path: str, said: Any = None, *, token: str | None = "") -> Ask:
        return asking(method, self.household.of(path), token=self.token if token == "" else token, said=said)

    def by_turns(self, asks: list[Ask], count: int) -> list[Ask]:
        """So many of them, others in the next history."""
        if self.whole:
            return asks
        return [asks[(self.probe * count + number) % len(asks)] for number in range(count)]

    def seldom(self, every: int) -> bool:
        """Whether it is the turn of something dear."""
        return self.whole or self.probe % every == every // 2


def _health_live(view: View) -> list[Ask]:
    return view.by_turns([view.get("/health/live"), view.get("/health/live", method="HEAD")], 1)


def _health_ready(view: View) -> list[Ask]:
    return [view.get("/health/ready")] if view.seldom(5) else [view.get("/health/ready", method="OPTIONS")]


def _metrics(view: View) -> list[Ask]:
    return view.by_turns([view.get("/metrics"), asking("GET", "/metrics", token=None), view.get("/metrics", method="HEAD")], 1)


def _document(view: View) -> list[Ask]:
    path = "/schema/openapi.json"
    return [view.get(path)] if view.seldom(10) else [view.get(path, method="HEAD")]


def _catalogue(view: View) -> list[Ask]:
    path = "/v1/catalogue"
    conditional = [view.get(path, "If-None-Match: *"), view.get(f"{path}?lang=de", method="HEAD")]
    return [view.get(path, "Accept-Encoding: gzip")] if view.seldom(10) else view.by_turns(conditional, 1)


def _me(view: View) -> list[Ask]:
    in_turn = [view.get("/v1/me", MSGPACK), view.get("/v1/me", method="HEAD")]
    return [view.get("/v1/me"), *view.by_turns(in_turn, 1)]


def _family(view: View) -> list[Ask]:
    in_turn = [view.get(FAMILY, MSGPACK), view.get(FAMILY, "If-None-Match: *", method="HEAD")]
    return [view.get(FAMILY), *view.by_turns(in_turn, 1)]


def _feed(view: View) -> list[Ask]:
    path, place = f"{FAMILY}/feed", view.place
    size = place // 4 + view.probe % 5 if not view.seldom(12) else 1
    since = f"If-Modified-Since: {view.now:%a, %d %b %Y %H:%M:%S GMT}"
    in_turn = [
        view.get(f"{path}?limit=2000", "Accept-Encoding: gzip"), view.get(f"{path}?limit=2000", "Accept-Encoding: zstd, gzip"),
        view.get(f"{path}?after={place}"), view.get(f"{path}?after={place + 7}"), view.get(path, "Range: bytes=0-10"),
        view.get(path, "If-None-Match: *", since, method="HEAD"), view.get(f"{path}?after={2**62}"), view.get(f"{path}?limit=0"),
        view.get(f"{path}?after=-1"), view.get(path, method="OPTIONS"), view.get(f"{path}?limit={max(place, 1)}", MSGPACK),
    ]  # fmt: skip
    return [
        *(view.get(f"{path}?after={after}&limit={max(size, 1)}") for after in range(0, place + 1, max(size, 1))),
        view.get(path),
        view.get(f"{path}?after={place + 1}"),
        *view.by_turns(in_turn, 3),
    ]


def _timeline(view: View) -> list[Ask]:
    path = f"{FAMILY}/timeline"
    then = [view.now - timedelta(minutes=10 * steps) for steps in (0, 1, 3, 6)]
    in_turn = [
        *(view.get(f"{path}?as_of={moment:%Y-%m-%dT%H:%M:%SZ}") for moment in then),
        *(view.get(f"{path}?child={child}") for child in (*view.household.children.values(), ABSENT)),
        view.get(path, MSGPACK), view.get(path, "Accept-Encoding: gzip"), view.get(path, method="HEAD"),
        view.get(f"{path}?as_of=1"),
    ]  # fmt: skip
    return [view.get(path), *view.by_turns(in_turn, 3)]


def _live(view: View) -> list[Ask]:
    # What it streams is listened to elsewhere; here is what it refuses.
    path = f"{FAMILY}/live"
    in_turn = [
        view.get(f"{path}?after=x"), view.get(path, "Last-Event-ID: x"), view.get(path, f"Last-Event-ID: {view.place + 3}"),
        view.get(path, method="HEAD"), view.get(path, method="OPTIONS"),
    ]  # fmt: skip
    return [view.get(f"{path}?after={view.place + 1}"), *view.by_turns(in_turn, 1)]


def _handover(view: View) -> list[Ask]:
    path = f"{FAMILY}/handover"
    children = [view.get(f"{path}?child={child}") for child in (*view.household.children.values(), ABSENT)]
    return [view.get(path), *view.by_turns([view.get(path, MSGPACK), view.get(path, method="HEAD"), *children], 2)]


def _tips(view: View) -> list[Ask]:
    path = f"{FAMILY}/tips"
    children = [view.get(f"{path}?child={child}") for child in view.household.children.values()]
    in_turn = [view.get(path, "If-None-Match: *", method="HEAD"), view.get(f"{path}?on=2026-06-01"), *children]
    return [view.get(path), *view.by_turns(in_turn, 1)]


def _daycares(view: View) -> list[Ask]:
    return view.by_turns([view.get(f"{FAMILY}/daycares"), view.get(f"{FAMILY}/daycares", MSGPACK)], 1)


def _webhooks(view: View) -> list[Ask]:
    return view.by_turns([view.get(f"{FAMILY}/webhooks"), view.get(f"{FAMILY}/webhooks", method="HEAD")], 1)


READS: Mapping[str, Callable[[View], list[Ask]]] = {
    "GET /health/live": _health_live,
    "GET /health/ready": _health_ready,
    "GET /metrics": _metrics,
    "GET /schema/openapi.json": _document,
    "GET /v1/catalogue": _catalogue,
    "GET /v1/me": _me,
    f"GET {FAMILY}": _family,
    f"GET {FAMILY}/feed": _feed,
    f"GET {FAMILY}/timeline": _timeline,
    f"GET {FAMILY}/live": _live,
    f"GET {FAMILY}/handover": _handover,
    f"GET {FAMILY}/tips": _tips,
    f"GET {FAMILY}/daycares": _daycares,
    f"GET {FAMILY}/webhooks": _webhooks,
}


BY_TURNS = (
    ("GET /health/live", "GET /health/ready", "GET /metrics", "GET /schema/openapi.json", "GET /v1/catalogue"),
    ("GET /v1/me", f"GET {FAMILY}", f"GET {FAMILY}/tips", f"GET {FAMILY}/live", f"GET {FAMILY}/webhooks"),
)  # fmt: skip
"""Of each of these one in a history: routes that know no member, and those that say little of one. Streams are listened to in
every history; what is asked of them here is refused."""


def asked(view: View) -> Iterable[tuple[str, list[Ask]]]:
    """Questions that change nothing: about the feed, the timeline and the hand-over always, about the rest by turns."""
    passed_over = {
        operation
        for names in BY_TURNS
        for number, operation in enumerate(names)
        if number != view.probe % len(names) and not view.whole
    }
    return ((operation, ask(view)) for operation, ask in READS.items() if operation not in passed_over)


def at_the_limit(view: View) -> list[Ask]:
    """So often that the limits are met: what is left of them is told by when."""
    reads = [view.get("/v1/me", method="HEAD")] * 200
    pushes = [view.put("POST", f"{FAMILY}/events", {})] * 25
    codes = [view.put("POST", f"{FAMILY}/invites", {})] * 60
    return [*reads, *pushes, *codes]
