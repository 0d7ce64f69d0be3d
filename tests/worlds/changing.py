"""Questions that change something, asked by the protected member in both worlds: pushes of every kind, people, devices.

Owns what is tried with the ids of held events, which this member can only have guessed.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from tests.worlds import systems
from tests.worlds.exercises import ABSENT, FAMILY, View
from tests.worlds.histories import OWN, WISHES, Step, bytes_of_push
from tests.worlds.seeded import uuid_of
from tests.worlds.wire import Ask

PHONE = {"name": "another"}


def push(view: View, drafts: list[Any], *, as_msgpack: bool = False) -> Ask:
    """A push of the observer's."""
    body = bytes_of_push(drafts, view.now)
    kind = "json"
    if as_msgpack:
        body, kind = msgspec.msgpack.encode(msgspec.json.decode(body)), "msgpack"
    headers = (f"Content-Type: application/{kind}", f"Accept: application/{kind}")
    return Ask(method="POST", path=view.household.of(f"{FAMILY}/events"), token=view.token, headers=headers, body=body)


def _about(view: View, target: str, name: str) -> list[Step]:
    """Everything that can be said about an event."""
    child, kept = WISHES[view.history.wish].kept[0]
    note: dict[str, Any] = {"type": "NoteWritten", "child": child, "text": "what was it?"}
    told: tuple[dict[str, Any], ...] = (
        {"type": "Cheered", "about": target},
        note | {"about": target},
        {"type": "Amended", "target": target, "changes": {"text": "mine now"}},
        {"type": "Amended", "target": target, "changes": {"milestone": kept}},
        {"type": "Withdrawn", "target": target},
        {"type": "ClipAttached", "target": target, "clip": str(uuid_of("a clip", version=4))},
        {"type": "ParentFirstSaw", "child": child, "milestone": kept, "how": "clip", "observation": target},
        {"type": "Sorted", "target": target, "child": child, "milestone": kept},
    )
    return [Step(f"{name}{number}", view.who, event) for number, event in enumerate(told)]


def _own_names(view: View) -> list[Step]:
    """What the family may have named, and did not tell this member."""
    child = WISHES[view.history.wish].kept[0][0]
    return [
        Step("n0", view.who, {"type": "MilestoneObserved", "child": child, "milestone": OWN}),
        Step("n1", view.who, {"type": "SurpriseChosen", "scope": f"milestone:{OWN}", "mode": "keep"}),
        Step("n2", view.who, {"type": "EnvelopeOpened", "child": child, "scope": f"milestone:{OWN}"}),
    ]


def _events(view: View) -> None:
    hidden = [one.step for one in view.history.hidden]
    guessed = [*(said.name for said in hidden[:3]), "nobody has this id"]
    tried = [said for number, name in enumerate(guessed) for said in _about(view, name, f"t{number}")]
    tried += _own_names(view)
    child, kept = WISHES[view.history.wish].kept[0]
    # A note of one's own that is about what one waits for: whoever waits as well is named.
    tried.append(Step("mine", view.who, {"type": "NoteWritten", "child": child, "text": "almost!"}))
    tried.append(Step("sorted", view.who, {"type": "Sorted", "target": "mine", "child": child, "milestone": kept}))
    drafts = [said.draft(view.household, view.now) for said in tried]
    # The very ids of what is held, with words of one's own: ids are their author's.
    mine = {"type": "NoteWritten", "child": "mia", "text": "my own words"}
    drafts += [Step(said.name, view.who, mine).draft(view.household, view.now) for said in hidden[:2]]
    view.tell([push(view, drafts)])
    view.tell([push(view, drafts[-2:], as_msgpack=True)])
    again = [draft | {"event": draft["event"] | {"text": "other words"}} for draft in drafts[-2:]]
    ahead = Step("late", view.who, mine).draft(view.household, view.now + timedelta(days=3))
    view.tell([push(view, again), push(view, [ahead]), push(view, []), push(view, [{"id": hidden[0].id}])])


def _children(view: View) -> None:
    view.tell([view.put("POST", f"{FAMILY}/children", {"name": "Ida"}), view.put("POST", f"{FAMILY}/children", {})])


def _invites(view: View) -> None:
    view.tell([view.put("POST", f"{FAMILY}/invites", {"role": "caregiver", "household": ABSENT})])
    [invited] = view.tell([view.put("POST", f"{FAMILY}/invites", {"role": "caregiver"})])
    _accept(view, invited.said().get("code", "no such code"))


def _accept(view: View, code: str = "no such code") -> None:
    body = {"code": code, "name": "Una", "device": PHONE}
    path = "/v1/invites/accept"
    view.tell([view.put("POST", path, body), view.put("POST", path, body, token=None), view.put("POST", path, body, token=None)])


def _families(view: View) -> None:
    body = {"you": {"name": "Me"}, "household": {"name": "Mine"}, "child": {"name": "Zoe"}}
    view.tell([view.put("POST", "/v1/families", body), view.put("POST", "/v1/families", {})])


def _pairing(view: View) -> None:
    [made] = view.tell([view.put("POST", "/v1/devices/pair-codes")])
    body = {"code": made.said()["code"], "device": PHONE}
    [paired, _] = view.tell([view.put("POST", "/v1/devices/pair", body, token=None)] * 2)
    device = paired.said()["device"]
    view.tell([view.put("DELETE", f"/v1/devices/{device}"), view.get("/v1/me")])


def _revoking(view: View) -> None:
    others = (people.devices[0] for name, people in view.household.people.items() if name != view.who)
    view.tell([view.put("DELETE", f"/v1/devices/{device}") for device in (ABSENT, *others)])


def _correcting(view: View) -> None:
    """Names and birth dates, of everybody and everything that has one: what of it is allowed is told to all in both worlds."""
    children = [*view.household.children.values(), ABSENT]
    members = [*(person.member for person in view.household.people.values()), ABSENT]
    homes = [*view.household.homes.values(), ABSENT]
    tried: list[tuple[str, Any]] = [(f"children/{child}", {"name": "Maja", "born": "2025-02-03"}) for child in children]
    tried += [(f"members/{member}", {"name": "Another"}) for member in members]
    tried += [(f"households/{home}", {"name": "The flat"}) for home in homes]
    tried += [(f"children/{children[0]}", {}), (f"children/{children[0]}", {"born": "2205-02-03"})]
    view.tell([view.put("PATCH", f"{FAMILY}/{path}", said) for path, said in tried])
    view.tell([view.get(FAMILY), view.get("/v1/me"), view.get(f"{FAMILY}/tips"), view.get(f"{FAMILY}/handover")])


def _removing(view: View) -> None:
    others = [view.household.people[name].member for name in ("ada", "ben", "exa") if name != view.who]
    view.tell([view.put("DELETE", f"{FAMILY}/members/{member}") for member in (ABSENT, *others)])
    # The sitter goes, if it is this member's to say.
    view.tell([view.put("DELETE", f"{FAMILY}/members/{view.household.people['sam'].member}"), view.get(FAMILY)])


CHANGES: Mapping[str, Callable[[View], None]] = {
    f"POST {FAMILY}/events": _events,
    f"POST {FAMILY}/children": _children,
    f"POST {FAMILY}/invites": _invites,
    "POST /v1/invites/accept": _accept,
    "POST /v1/families": _families,
    "POST /v1/devices/pair-codes": _pairing,
    "POST /v1/devices/pair": _pairing,
    "DELETE /v1/devices/{device}": _revoking,
    f"PATCH {FAMILY}/children/{{child}}": _correcting,
    f"PATCH {FAMILY}/members/{{member}}": _correcting,
    f"PATCH {FAMILY}/households/{{household}}": _correcting,
    f"DELETE {FAMILY}/members/{{member}}": _removing,
    **systems.CHANGES,
}


def changes(view: View) -> list[str]:
    """Try pushes, and two of the rest by turns: with one, chance left one of them out now and then. Gives what was tried."""
    first, *rest = dict.fromkeys(CHANGES.values())
    turns = {view.probe % len(rest), (view.probe + len(rest) // 2) % len(rest)}
    tried = [first, *(change for number, change in enumerate(rest) if view.whole or number in turns)]
    for change in tried:
        change(view)
    return [name for name, change in CHANGES.items() if change in tried]
