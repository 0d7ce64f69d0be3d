"""Lists the protected member's requests that change something: pushes, and requests about people, devices and corrections.

Owns what is tried with the ids of held events, which this member can only have guessed. Calls to daycares, imports and webhooks
are in `systems`, uploads in `clips`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.worlds import clips, systems
from tests.worlds.histories import OWN, Step, step
from tests.worlds.view import ABSENT, FAMILY, View

PHONE = {"name": "another"}
NO_CLIP = "a step that uploads nothing"


def _about(view: View, target: str, prefix: str) -> list[Step]:
    """Returns a step of every kind that can refer to an event, each about the event `target`."""
    child, kept = view.kept
    events: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Cheered", {"about": target}),
        ("NoteWritten", {"about": target, "child": child, "text": "what was it?"}),
        ("Amended", {"target": target, "changes": {"text": "mine now"}}),
        ("Amended", {"target": target, "changes": {"milestone": kept}}),
        ("Withdrawn", {"target": target}),
        ("ClipAttached", {"target": target, "clip": NO_CLIP}),
        ("ParentFirstSaw", {"observation": target, "child": child, "milestone": kept, "how": "clip"}),
        ("Sorted", {"target": target, "child": child, "milestone": kept}),
    )
    return [step(f"{prefix}{number}", view.who, kind, **fields) for number, (kind, fields) in enumerate(events)]


def _guesses(view: View) -> list[Step]:
    """Returns steps about held events, and steps about the family's own milestone, whose name may be held."""
    child, kept = view.kept
    names = [*(one.step.name for one in view.history.hidden[:3]), "nobody has this id"]
    return [
        *(one for number, name in enumerate(names) for one in _about(view, name, f"t{number}")),
        step("n0", view.who, "MilestoneObserved", child=child, milestone=OWN),
        step("n1", view.who, "SurpriseChosen", scope=f"milestone:{OWN}", mode="keep"),
        step("n2", view.who, "EnvelopeOpened", child=child, scope=f"milestone:{OWN}"),
        # The member's own note about a milestone that they keep: its receipt names the other members who wait.
        step("mine", view.who, "NoteWritten", child=child, text="almost!"),
        step("sorted", view.who, "Sorted", target="mine", child=child, milestone=kept),
    ]


def _events(view: View) -> None:
    hidden = [one.step for one in view.history.hidden]
    # Drafts with the ids of held events and with own words: the same id is free for another author.
    mine = [step(one.name, view.who, "NoteWritten", child="mia", text="my own words") for one in hidden[:2]]
    view.send([view.push(view.drafts([*_guesses(view), *mine]))])
    view.send([view.push(view.drafts(mine), kind="msgpack")])
    others = view.drafts([step(one.name, view.who, "NoteWritten", child="mia", text="other words") for one in mine])
    late = step("late", view.who, "NoteWritten", child="mia", text="my own words")
    ahead = late.draft(view.household, view.now + timedelta(days=3))
    view.send([view.push(drafts) for drafts in (others, [ahead], [], [{"id": hidden[0].id}])])


def _children(view: View) -> None:
    view.send([view.post(f"{FAMILY}/children", body) for body in ({"name": "Ida"}, {})])


def _invites(view: View) -> None:
    view.send([view.post(f"{FAMILY}/invites", {"role": "caregiver", "household": ABSENT})])
    [invited] = view.send([view.post(f"{FAMILY}/invites", {"role": "caregiver"})])
    _accept(view, invited.json().get("code", "no such code"))


def _accept(view: View, code: str = "no such code") -> None:
    accept = view.post("/v1/invites/accept", {"code": code, "name": "Una", "device": PHONE})
    view.send([accept, *[replace(accept, token=None)] * 2])


def _families(view: View) -> None:
    body = {"you": {"name": "Me"}, "household": {"name": "Mine"}, "child": {"name": "Zoe"}}
    view.send([view.post("/v1/families", body), view.post("/v1/families", {})])


def _pairing(view: View) -> None:
    [made] = view.send([view.post("/v1/devices/pair-codes")])
    pair = replace(view.post("/v1/devices/pair", {"code": made.json()["code"], "device": PHONE}), token=None)
    paired, _ = view.send([pair] * 2)
    view.send([view.get(f"/v1/devices/{paired.json()['device']}", method="DELETE"), view.get("/v1/me")])


def _revoking(view: View) -> None:
    others = [person.devices[0] for name, person in view.household.people.items() if name != view.who]
    view.send([view.get(f"/v1/devices/{device}", method="DELETE") for device in (ABSENT, *others)])


def _correcting(view: View) -> None:
    """Tries to correct the name of each child, member and home. An allowed correction is delivered to everybody."""
    children = [*view.household.children.values(), ABSENT]
    members = [*(person.member for person in view.household.people.values()), ABSENT]
    corrections: list[tuple[str, Any]] = [
        *((f"children/{child}", {"name": "Maja", "born": "2025-02-03"}) for child in children),
        *((f"members/{member}", {"name": "Another"}) for member in members),
        *((f"households/{home}", {"name": "The flat"}) for home in (*view.household.homes.values(), ABSENT)),
        (f"children/{children[0]}", {}),
        (f"children/{children[0]}", {"born": "2205-02-03"}),
    ]
    view.send([view.post(f"{FAMILY}/{path}", body, method="PATCH") for path, body in corrections])
    view.send([view.get(path) for path in (FAMILY, "/v1/me", f"{FAMILY}/tips", f"{FAMILY}/handover")])


def _removing(view: View) -> None:
    # The sitter comes last, because some protected members may remove the sitter.
    names = [name for name in ("ada", "ben", "exa", "sam") if name != view.who]
    members = [ABSENT, *(view.household.people[name].member for name in names)]
    view.send([view.get(f"{FAMILY}/members/{member}", method="DELETE") for member in members])
    view.send([view.get(FAMILY)])


WRITES: Mapping[str, Callable[[View], None]] = {
    f"POST {FAMILY}/events": _events,
    **clips.WRITES,  # before anybody is removed, so that others' uploads still go on
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
    **systems.WRITES,
}


def write(view: View) -> list[str]:
    """Sends pushes, and two of the other writes by turns: with one, chance left some out. Returns the operations.

    What is tried with clips is always sent in a history that has some.
    """
    first, *rest = dict.fromkeys(WRITES.values())
    turns = {view.probe % len(rest), (view.probe + len(rest) // 2) % len(rest)}
    always = {first, clips.try_clips} if view.history.with_clips else {first}
    tried = [first, *(one for number, one in enumerate(rest) if view.whole or number in turns or one in always)]
    for one in tried:
        one(view)
    return [operation for operation, one in WRITES.items() if one in tried]
