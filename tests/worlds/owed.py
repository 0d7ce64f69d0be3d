"""Works out what the protected member is owed once they have opened everything, from the history's own words.

A naive oracle, without a rule or rows: what was held comes once. What was withdrawn while it was itself held never comes, nor
what refers to it; what refers to something that was delivered and withdrawn comes (law 19).
"""

from typing import Any

from tests.worlds.copied_families import Household
from tests.worlds.histories import IMPORTED, UPLOADED, History, Step


def owed(history: History, *, hides: bool) -> list[Step]:
    """Returns the steps that have to come, in an order in which they may have been written."""
    hidden = [(one.slot, number, one.step) for number, one in enumerate(history.hidden) if hides]
    common = [(slot, 999, one) for slot, one in enumerate(history.visible) if one.name in history.common]
    held = [step for _, _, step in sorted(hidden + common, key=lambda one: one[:2])]
    by_name = {one.name: one for one in held}
    withdrawn = {one.refers for one in (*history.visible, *held) if one.event["type"] == "Withdrawn"}

    def is_gone(one: Step) -> bool:
        if one.name in withdrawn or one.event["type"] == "Withdrawn":
            return True
        return one.refers in by_name and is_gone(by_name[one.refers])

    held = [one for one in held if one.event["type"] not in (IMPORTED, UPLOADED)]  # no drafts of a person
    return [one for one in held if one.audience not in ("me", "household") and not is_gone(one)]


def require_owed(history: History, household: Household, entries: list[dict[str, Any]], *, hides: bool) -> None:
    """Checks that each comes exactly once, marked as released, and none before the event that it refers to."""
    people = {person.member for person in household.people.values()}
    # What the member had a daycare's key say is held and freed as well, in both worlds alike.
    released = [one for one in entries if one["released"] is not None and one["event"].get("author") in people]
    came = [(entry["event"]["author"], entry["event"]["id"]) for entry in released]
    expected = [(household.people[one.who].member, one.id) for one in owed(history, hides=hides)]
    assert sorted(came) == sorted(expected), f"came {came}, owed {expected}"
    assert len(set(came)) == len(came), "delivered twice"
    marks = {"opened", {"own_first": "own_first", "told": "told"}.get(history.ending, "opened")}
    assert {entry["released"] for entry in released} <= marks
    received = [entry["event"]["received_at"] for entry in released if entry["released"] == released[0]["released"]]
    assert received == sorted(received), "not in the order of the log"


def imported_in(entries: list[dict[str, Any]], household: Household) -> set[tuple[Any, ...]]:
    """Returns what the imported records of a feed are after amendments and withdrawals: milestone, words and time of each."""
    people = {person.member for person in household.people.values()}
    records: dict[str, dict[str, Any]] = {}
    for event in (one["event"] for one in entries if one["event"].get("author") not in (None, *people)):
        body = event["event"]
        match body["type"]:
            case "NoteWritten" | "MilestoneObserved":
                records[event["id"]] = {"occurred_at": event["occurred_at"]} | body
            case "Amended":
                records[body["target"]] |= body["changes"]
            case "Withdrawn":
                del records[body["target"]]
    return {(one.get("milestone"), one.get("note") or one.get("text"), one["occurred_at"]) for one in records.values()}
