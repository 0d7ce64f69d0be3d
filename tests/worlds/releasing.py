"""What the protected member is owed once they have opened everything, worked out from a history's own words.

Owns a naive oracle: no rule, no rows. What was held comes once. What was taken back while it was itself held never comes, nor
what is about that; what is about something that was told and taken back comes (law 19).
"""

from typing import Any

from tests.worlds.copied_families import Household
from tests.worlds.histories import IMPORTED, History, Step


def owed(history: History, *, hides: bool) -> list[Step]:
    """What has to come, in an order in which it may have been written."""
    hidden = [(one.slot, number, one.step) for number, one in enumerate(history.hidden) if hides]
    common = [(slot, 999, said) for slot, said in enumerate(history.visible) if said.name in history.common]
    held = [said for _, _, said in sorted(hidden + common, key=lambda one: one[:2])]
    by_name = {said.name: said for said in held}
    withdrawn = {said.refers for said in (*history.visible, *held) if said.event["type"] == "Withdrawn"}

    def is_gone(said: Step) -> bool:
        if said.name in withdrawn or said.event["type"] == "Withdrawn":
            return True
        return said.refers in by_name and is_gone(by_name[said.refers])

    held = [said for said in held if said.event["type"] != IMPORTED]  # what importers write is no person's draft
    return [said for said in held if said.audience not in ("me", "household") and not is_gone(said)]


def require_owed(history: History, household: Household, entries: list[dict[str, Any]], *, hides: bool) -> None:
    """Each comes exactly once, marked as released, none before what it is about."""
    people = {person.member for person in household.people.values()}
    # What the member had a daycare's key say is held and freed as well, in both worlds alike.
    released = [one for one in entries if one["released"] is not None and one["event"].get("author") in people]
    came = [(entry["event"]["author"], entry["event"]["id"]) for entry in released]
    expected = [(household.people[said.who].member, said.id) for said in owed(history, hides=hides)]
    assert sorted(came) == sorted(expected), f"came {came}, owed {expected}"
    assert len(set(came)) == len(came), "delivered twice"
    marks = {"opened", {"own_first": "own_first", "told": "told"}.get(history.ending, "opened")}
    assert {entry["released"] for entry in released} <= marks
    received = [entry["event"]["received_at"] for entry in released if entry["released"] == released[0]["released"]]
    assert received == sorted(received), "not in the order of the log"


def imported_in(entries: list[dict[str, Any]], household: Household) -> set[tuple[Any, ...]]:
    """What the importers' words come to in a feed, amendments and withdrawals applied: milestone, words and time of each."""
    people = {person.member for person in household.people.values()}
    said: dict[str, dict[str, Any]] = {}
    for event in (one["event"] for one in entries if one["event"].get("author") not in (None, *people)):
        body = event["event"]
        match body["type"]:
            case "NoteWritten" | "MilestoneObserved":
                said[event["id"]] = {"occurred_at": event["occurred_at"]} | body
            case "Amended":
                said[body["target"]] |= body["changes"]
            case "Withdrawn":
                del said[body["target"]]
    return {(one.get("milestone"), one.get("note") or one.get("text"), one["occurred_at"]) for one in said.values()}
