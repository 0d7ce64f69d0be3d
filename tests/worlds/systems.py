"""Daycares' systems, files and webhooks, as the protected member sets them up and as their keys speak: in both worlds alike.

Owns what is asked of these routes. Whoever makes a key knows its secret, and reads the receipts of what it posts.
"""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from tests.worlds.exercises import ABSENT, FAMILY, View
from tests.worlds.histories import FIRST, PLAIN, bytes_of_file, rows_of_file
from tests.worlds.wire import Ask

BATCH = "application/cloudevents-batch+json"
STRANGE = ABSENT, "whsec_" + "A" * 43 + "="
"""A key that nobody has."""
NAMED = "life.first-snow"
NOBODY_LISTENS = "http://127.0.0.1:9/"


def signed(view: View, key: tuple[str, str], path: str, said: Any, *, kind: str = "application/json", call: str = "call") -> Ask:
    """A signed call of a daycare's system."""
    body, at = json.dumps(said).encode(), str(int(view.now.timestamp()))
    secret = b64decode(key[1].removeprefix("whsec_"))
    digest = hmac.new(secret, f"{call}.{at}.".encode() + body, sha256).digest()
    headers = (
        f"Content-Type: {kind}", f"webhook-id: {call}", f"webhook-timestamp: {at}",
        f"webhook-signature: v1,{b64encode(digest).decode()}",
    )  # fmt: skip
    return Ask(method="POST", path=f"/v1/daycare/{path}?key={key[0]}", token=None, headers=headers, body=body)


def event(view: View, name: str, kind: str, data: Any) -> dict[str, Any]:
    """A CloudEvent about a child that the key calls kid-17."""
    return {
        "specversion": "1.0", "id": name, "source": "https://ducklings.example", "type": f"org.stillnew.{kind}.v1",
        "subject": "kid-17", "time": view.now.isoformat(), "data": data,
    }  # fmt: skip


def entries(view: View) -> list[dict[str, Any]]:
    """What a daycare writes: everyday words, words that tell, and a milestone by its name, of which nobody else speaks."""
    return [
        event(view, "nap", "NoteWritten", {"text": "Slept from nine to ten."}),
        event(view, "told", "NoteWritten", {"text": "She got her first haircut today!"}),
        event(view, "named", "MilestoneObserved", {"milestone": NAMED}),
        event(view, "gone", "Withdrawn", {"target": "nap"}),
        event(view, "bad", "NoteWritten", {"words": 1}),
    ]


def _key(view: View, ask: Ask) -> tuple[str, str]:
    said = view.tell([ask])[0].said()
    return (said["key_id"], said["secret"]) if "secret" in said else STRANGE


def _daycare(view: View) -> None:
    answer = view.tell([view.put("POST", f"{FAMILY}/daycares", {"name": "Ducklings"})])[0].said()
    key = (answer["key_id"], answer["secret"]) if "secret" in answer else STRANGE
    child = view.household.children["mia"]
    path = f"{FAMILY}/daycares/{answer.get('member', ABSENT)}/children"
    said = entries(view)
    view.tell([signed(view, key, "events", said[:2], kind=BATCH, call="early"), view.get(f"{FAMILY}/daycares")])
    view.tell([view.put("PUT", path, {"reference": "kid-17", "child": child})])
    view.tell([signed(view, key, "events", said, kind=BATCH), signed(view, key, "events", said, kind=BATCH)])
    view.tell([view.put("PUT", path, {"reference": "kid-17", "child": None}), view.get(f"{FAMILY}/daycares")])
    view.tell([signed(view, key, "secret", {}, call="new secret"), signed(view, key, "links", {}, call="no code")])


def _codes(view: View) -> None:
    key = _key(view, view.put("POST", "/v1/daycares", {"name": "Sparrows"}))
    child = view.household.children["mia"]
    made, _ = view.tell([view.put("POST", f"{FAMILY}/daycare-codes", {"child": one}) for one in (child, ABSENT)])
    code = {"code": made.said().get("code", "no such code"), "reference": "kid-17"}
    view.tell([signed(view, key, "links", code, call="first"), signed(view, key, "links", code, call="second")])
    view.tell([signed(view, key, "events", entries(view)[1:3], kind=BATCH), view.get(f"{FAMILY}/daycares")])


def _imports(view: View) -> None:
    day = f"{view.now:%Y-%m-%d}"
    rows = [f"1,m,{day},Ate peas,,", f"2,m,{day},She got her first haircut today!,,", f"3,m,{day},,{NAMED},"]
    files = view.history.imports
    # Only where somebody imports them: they are held from the member in both worlds, beside which other leaks are harder to see.
    kept, plain = (rows_of_file(view.history, view.now, version) if files else [] for version in (FIRST, PLAIN))
    file = bytes_of_file([*rows, *kept])
    view.tell([imports(view, file, more=more) for more in ("&dry_run=true", "", "", "&zone=Nowhere")])
    view.tell([imports(view, bytes_of_file(plain)), view.get(f"{FAMILY}/daycares")])
    nothing = b'{"activities": []}'
    view.tell([imports(view, nothing, source="brightwheel", more=more) for more in ("&dry_run=true", "", "&dry_run=true")])


def imports(view: View, file: bytes, *, source: str = "plain", more: str = "") -> Ask:
    """An import of a file about Mia."""
    path = view.household.of(f"{FAMILY}/imports?source={source}&child={view.household.children['mia']}{more}")
    kind = "text/csv" if source == "plain" else "application/json"
    return Ask(method="POST", path=path, token=view.token, headers=(f"Content-Type: {kind}",), body=file)


def _webhooks(view: View) -> None:
    path = f"{FAMILY}/webhooks"
    said = view.tell([view.put("POST", path, {"url": NOBODY_LISTENS})])[0].said()
    own = f"{path}/{said.get('webhook', ABSENT)}"
    view.tell([view.put("POST", f"{path}?after={view.place + 1_000}", {"url": NOBODY_LISTENS}), view.get(path)])
    view.tell([view.put("POST", f"{one}/{what}") for one in (own, f"{path}/{ABSENT}") for what in ("secret", "resume")])
    view.tell([view.put("DELETE", own), view.put("DELETE", own), view.get(path)])


CHANGES: Mapping[str, Callable[[View], None]] = {
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
