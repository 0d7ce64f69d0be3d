"""Lists the requests about other systems: daycares' keys, imported files and webhooks. Both worlds get the same requests.

The member who makes a daycare's key knows the key's secret. So this member can post with the key, and read the receipts.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from standardwebhooks import Webhook

from tests.worlds.histories import FIRST, PLAIN, bytes_of_file, rows_of_file
from tests.worlds.view import ABSENT, FAMILY, View
from tests.worlds.wire import Request

BATCH = "application/cloudevents-batch+json"
UNKNOWN_KEY = ABSENT, "whsec_" + "A" * 43 + "="
NAMED = "life.first-snow"
NOBODY_LISTENS = "http://127.0.0.1:9/"

Key = tuple[str, str]
"""The id and the secret of a daycare's key."""


def _signed(view: View, key: Key, path: str, body: Any, *, call: str, kind: str = "application/json") -> Request:
    """Returns a signed request of a daycare's system. `call` is the request's `webhook-id`."""
    encoded = json.dumps(body)
    headers = (
        f"Content-Type: {kind}", f"webhook-id: {call}", f"webhook-timestamp: {int(view.now.timestamp())}",
        f"webhook-signature: {Webhook(key[1]).sign(call, view.now, encoded)}",
    )  # fmt: skip
    return Request("POST", f"/v1/daycare/{path}?key={key[0]}", None, headers, encoded.encode())


def _posted(view: View, key: Key, events: list[dict[str, Any]], *, call: str = "call") -> Request:
    return _signed(view, key, "events", events, call=call, kind=BATCH)


def _daycare_events(view: View) -> list[dict[str, Any]]:
    """Returns CloudEvents about one child: a nap, a first in words, a milestone, a withdrawal, and one with an unknown field."""
    records: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("nap", "NoteWritten", {"text": "Slept from nine to ten."}),
        ("told", "NoteWritten", {"text": "She got her first haircut today!"}),
        ("named", "MilestoneObserved", {"milestone": NAMED}),
        ("gone", "Withdrawn", {"target": "nap"}),
        ("bad", "NoteWritten", {"words": 1}),
    )
    return [
        {"specversion": "1.0", "id": name, "source": "https://ducklings.example", "type": f"org.stillnew.{kind}.v1",
         "subject": "kid-17", "time": view.now.isoformat(), "data": data}
        for name, kind, data in records
    ]  # fmt: skip


def _new_key(view: View, path: str, name: str) -> tuple[Key, dict[str, Any]]:
    """Makes a daycare's key. Returns the key and the response's body; if the member may not make a key, an unknown key."""
    body = view.send([view.post(path, {"name": name})])[0].json()
    return ((body["key_id"], body["secret"]) if "secret" in body else UNKNOWN_KEY), body


def _daycare(view: View) -> None:
    key, made = _new_key(view, f"{FAMILY}/daycares", "Ducklings")
    children = f"{FAMILY}/daycares/{made.get('member', ABSENT)}/children"
    linked, unlinked = (
        view.post(children, {"reference": "kid-17", "child": child}, method="PUT")
        for child in (view.household.children["mia"], None)
    )
    events, daycares = _daycare_events(view), view.get(f"{FAMILY}/daycares")
    view.send([_posted(view, key, events[:2], call="early"), daycares])
    view.send([linked])
    view.send([_posted(view, key, events)] * 2)
    view.send([unlinked, daycares])
    view.send([_signed(view, key, "secret", {}, call="new secret"), _signed(view, key, "links", {}, call="no code")])


def _codes(view: View) -> None:
    key, _ = _new_key(view, "/v1/daycares", "Sparrows")
    children = (view.household.children["mia"], ABSENT)
    made, _ = view.send([view.post(f"{FAMILY}/daycare-codes", {"child": child}) for child in children])
    code = {"code": made.json().get("code", "no such code"), "reference": "kid-17"}
    view.send([_signed(view, key, "links", code, call=call) for call in ("first", "second")])
    view.send([_posted(view, key, _daycare_events(view)[1:3]), view.get(f"{FAMILY}/daycares")])


def imported(view: View, file: bytes, *, source: str = "plain", more: str = "") -> Request:
    """Returns the import of a file about Mia."""
    kind = "text/csv" if source == "plain" else "application/json"
    path = f"{FAMILY}/imports?source={source}&child={view.household.children['mia']}{more}"
    post = view.post(path)
    return Request(post.method, post.path, post.token, (f"Content-Type: {kind}",), file)


def _imports(view: View) -> None:
    day = f"{view.now:%Y-%m-%d}"
    rows = [f"1,m,{day},Ate peas,,", f"2,m,{day},She got her first haircut today!,,", f"3,m,{day},,{NAMED},"]
    # Only in histories with imports, because other leaks are harder to notice if records are held in both worlds.
    kept, plain = (rows_of_file(view.history, view.now, version) if view.history.imports else [] for version in (FIRST, PLAIN))
    file = bytes_of_file([*rows, *kept])
    view.send([imported(view, file, more=more) for more in ("&dry_run=true", "", "", "&zone=Nowhere")])
    view.send([imported(view, bytes_of_file(plain)), view.get(f"{FAMILY}/daycares")])
    nothing = b'{"activities": []}'
    view.send([imported(view, nothing, source="brightwheel", more=more) for more in ("&dry_run=true", "", "&dry_run=true")])


def _webhooks(view: View) -> None:
    path = f"{FAMILY}/webhooks"
    made = view.send([view.post(path, {"url": NOBODY_LISTENS})])[0].json()
    own, others = f"{path}/{made.get('webhook', ABSENT)}", f"{path}/{ABSENT}"
    view.send([view.post(f"{path}?after={view.place + 1_000}", {"url": NOBODY_LISTENS}), view.get(path)])
    view.send([view.post(f"{one}/{what}") for one in (own, others) for what in ("secret", "resume")])
    view.send([*[view.get(own, method="DELETE")] * 2, view.get(path)])


WRITES: Mapping[str, Callable[[View], None]] = {
    f"POST {FAMILY}/daycares": _daycare,
    f"PUT {FAMILY}/daycares/{{member}}/children": _daycare,
    "POST /v1/daycare/events": _daycare,
    "POST /v1/daycare/secret": _daycare,
    "POST /v1/daycares": _codes,
    f"POST {FAMILY}/daycare-codes": _codes,
    "POST /v1/daycare/links": _codes,
    f"POST {FAMILY}/imports": _imports,
    f"POST {FAMILY}/webhooks": _webhooks,
    f"DELETE {FAMILY}/webhooks/{{webhook}}": _webhooks,
    f"POST {FAMILY}/webhooks/{{webhook}}/secret": _webhooks,
    f"POST {FAMILY}/webhooks/{{webhook}}/resume": _webhooks,
}
