"""Works out, from the history alone, which held events the protected member must get when they have opened everything.

A naive oracle, without the surprise rule and without rows: each held event comes once. An event that was withdrawn while it was
itself held never comes, and neither does an event that refers to it. A reply to a delivered event comes, also if that event was
withdrawn (law 19).
"""

from typing import Any

from tests.worlds.copied_families import Household
from tests.worlds.histories import IMPORTED, UPLOADED, History, Step


def owed(history: History, *, hides: bool) -> list[Step]:
    """Returns the steps whose events have to be released, in an order in which the log may contain them."""
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
    """Checks that each owed event is released exactly once, with the right mark, and in the order of the log."""
    people = {person.member for person in household.people.values()}
    # The member also posted with a daycare's key. These events are held and released too, in both worlds, and are left out here.
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
    """Returns the imported records of a feed after all amendments and withdrawals: milestone, words and time of each record."""
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
