"""Drafts that each have one fault: the change to a valid draft, the code of the refusal, and the refused field."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service.access_fixtures import Standing, some_uuid


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


MISSING = object()
"""The mark of a field that is left out."""

# For a draft of a sighting: the changed fields, the code, and the refused field.
DRAFTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown field": ({"colour": 1}, "body.invalid", ".colour"),
    "a field of the log's own": ({"seq": 1}, "body.invalid", ".seq"),
    "an author": ({"author": some_uuid(4)}, "body.invalid", ".author"),
    **{f"no {name}": ({name: MISSING}, "body.invalid", f".{name}")
       for name in ("id", "occurred_at", "precision", "recorded_at", "event")},
    **{f"{name} is null": ({name: None}, "body.invalid", f".{name}")
       for name in ("id", "occurred_at", "precision", "recorded_at", "event")},
    "an id that is a number": ({"id": 7}, "body.invalid", ".id"),
    "an id that is a word": ({"id": "mine"}, "body.invalid", ".id"),
    "an id in braces": ({"id": "{" + some_uuid(4) + "}"}, "body.invalid", ".id"),
    "an id of version 4": ({"id": some_uuid(4)}, "draft.id_not_v7", ".id"),
    "an id of version 1": ({"id": some_uuid(1)}, "draft.id_not_v7", ".id"),
    "the id of nobody": ({"id": "00000000-0000-0000-0000-000000000000"}, "draft.id_not_v7", ".id"),
    "an id of another variant": ({"id": "0193a3c0-0000-7000-c000-000000000000"}, "draft.id_not_v7", ".id"),
    "an unknown precision": ({"precision": "hour"}, "body.invalid", ".precision"),
    "a precision that is a number": ({"precision": 1}, "body.invalid", ".precision"),
    "an unknown audience": ({"audience": "everyone"}, "body.invalid", ".audience"),
    "a naive time": ({"occurred_at": "2026-02-03T10:00:00"}, "body.invalid", ".occurred_at"),
    "a time that is a number": ({"occurred_at": 1_763_744_591}, "body.invalid", ".occurred_at"),
    "a time that is a day": ({"occurred_at": "2026-02-03"}, "body.invalid", ".occurred_at"),
    "a time on no day": ({"occurred_at": "2026-02-30T10:00:00Z"}, "body.invalid", ".occurred_at"),
    "hour 24": ({"occurred_at": "2026-02-03T24:00:00Z"}, "body.invalid", ".occurred_at"),
    "an offset of a day": ({"occurred_at": "2026-02-03T10:00:00+24:00"}, "body.invalid", ".occurred_at"),
    "the name of a zone": ({"occurred_at": "2026-02-03T10:00:00 Europe/Berlin"}, "body.invalid", ".occurred_at"),
    "year 0": ({"occurred_at": "0000-01-01T00:00:00Z"}, "body.invalid", ".occurred_at"),
    "year 1": ({"occurred_at": "0001-01-01T00:00:00+23:59"}, "draft.time_out_of_range", ".occurred_at"),
    "year 1899": ({"occurred_at": "1899-12-31T23:59:59Z"}, "draft.time_out_of_range", ".occurred_at"),
    "year 9999": ({"occurred_at": "9999-12-31T23:59:59-23:59"}, "draft.time_out_of_range", ".occurred_at"),
    "the day after tomorrow": ({"occurred_at": in_days(2)}, "draft.time_out_of_range", ".occurred_at"),
    "written down the day after tomorrow": ({"recorded_at": in_days(2)}, "draft.time_out_of_range", ".recorded_at"),
    "written down in year 9999": ({"recorded_at": "9999-12-31T23:59:59Z"}, "draft.time_out_of_range", ".recorded_at"),
    "written down without an offset": ({"recorded_at": "2026-11-21T18:00:00"}, "body.invalid", ".recorded_at"),
    "an event that is a list": ({"event": []}, "body.invalid", ".event"),
    "an event that is a text": ({"event": "MilestoneObserved"}, "body.invalid", ".event"),
    "an event without a type": ({"event": {}}, "body.invalid", ".event.type"),
    "a type that is a number": ({"event": {"type": 1}}, "body.invalid", ".event.type"),
    "an unknown type": ({"event": {"type": "Walked"}}, "body.invalid", ".event.type"),
    "a type in lower case": ({"event": {"type": "milestoneobserved"}}, "body.invalid", ".event.type"),
    **{f"the service's own {name}": ({"event": {"type": name}}, "body.invalid", ".event.type")
       for name in ("FamilyFounded", "HouseholdOpened", "ChildAdded", "MemberJoined", "MemberLeft", "ChildCorrected",
                    "MemberRenamed", "HouseholdRenamed", "TimePassed", "Erased",
                    "Hint")},
    "the service's own tick, from a device that waits": (
        {"event": {"type": "TimePassed"}, "audience": "me"}, "body.invalid", ".event.type"),
}  # fmt: skip

# For an event: the event inside of a draft that is otherwise valid, the code, and the refused field.
CHILD, SEEN, ABSENT = "{child}", "{seen}", "{absent}"
SIGHTING = {"type": "MilestoneObserved", "child": CHILD, "milestone": "movement.first-steps"}
NOTE = {"type": "NoteWritten", "child": CHILD, "text": "a day"}
CHOICE = {"type": "SurpriseChosen", "scope": "all", "mode": "keep"}
FIRST = {"type": "ParentFirstSaw", "child": CHILD, "milestone": "movement.first-steps", "how": "in_person"}
AMENDMENT = {"type": "Amended", "target": SEEN}
SORTING = {"type": "Sorted", "target": "{cleos_note}", "child": CHILD}

EVENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown field": ({**SIGHTING, "colour": 1}, "body.invalid", ".event.colour"),
    "no child": ({"type": "MilestoneObserved", "milestone": "movement.first-steps"}, "body.invalid", ".event.child"),
    "a child that is a number": ({**SIGHTING, "child": 7}, "body.invalid", ".event.child"),
    "a child that is a name": ({**SIGHTING, "child": "Mia"}, "body.invalid", ".event.child"),
    "an unknown child": ({**SIGHTING, "child": ABSENT}, "event.unknown_child", ".event.child"),
    "a foreign child": ({**SIGHTING, "child": "{foreign_child}"}, "event.unknown_child", ".event.child"),
    "a milestone that is a number": ({**SIGHTING, "milestone": 3}, "body.invalid", ".event.milestone"),
    "a milestone of no domain": ({**SIGHTING, "milestone": "walking.first-steps"}, "body.invalid", ".event.milestone"),
    "a milestone with a line break": ({**SIGHTING, "milestone": "movement.first-steps\n"}, "body.invalid", ".event.milestone"),
    "a milestone in capitals": ({**SIGHTING, "milestone": "Movement.First-Steps"}, "body.invalid", ".event.milestone"),
    "a milestone without end": ({**SIGHTING, "milestone": "movement." + "a-" * 30_000}, "body.invalid", ".event.milestone"),
    "an unknown milestone": ({**SIGHTING, "milestone": "movement.flies"}, "event.unknown_milestone", ".event.milestone"),
    "an unknown own milestone": (
        {**SIGHTING, "milestone": f"own.{some_uuid(4)}"}, "event.unknown_milestone", ".event.milestone"),
    "a note that is a number": ({**SIGHTING, "note": 1}, "body.invalid", ".event.note"),
    "a note that is empty": ({**SIGHTING, "note": ""}, "body.invalid", ".event.note"),
    "a note of 2,001 letters": ({**SIGHTING, "note": "ä" * 2_001}, "body.invalid", ".event.note"),
    "a note with NUL": ({**SIGHTING, "note": "a\0b"}, "body.nul", ".event.note"),
    "a note 16 deep": ({**SIGHTING, "note": nested(16)}, "body.invalid", ".event.note"),
    "a note 17 deep": ({**SIGHTING, "note": nested(17)}, "body.invalid", ".event.note"),
    "a note 900 deep": ({**SIGHTING, "note": nested(900)}, "body.invalid", ".event.note"),
    "an unknown field 900 deep": ({**SIGHTING, "colour": nested(900)}, "body.invalid", ".event.colour"),
    "again, in a word": ({**SIGHTING, "again": "yes"}, "body.invalid", ".event.again"),
    "again, in a number": ({**SIGHTING, "again": 1}, "body.invalid", ".event.again"),
    "a text of 10,001 letters": ({**NOTE, "text": "a" * 10_001}, "body.invalid", ".event.text"),
    "a text with NUL": ({**NOTE, "text": "\0"}, "body.nul", ".event.text"),
    "a note that says what it may tell of": (
        {**NOTE, "may_tell_of": ["movement.first-steps"]}, "event.completed_by_service", ".event.may_tell_of"),
    "a sighting that says it was found": (
        {**SIGHTING, "found_in_prose": True}, "event.completed_by_service", ".event.found_in_prose"),
    "about an absent event": ({**NOTE, "about": ABSENT}, "event.unknown_target", ".event.about"),
    "about a foreign event": ({**NOTE, "about": "{foreign_event}"}, "event.unknown_target", ".event.about"),
    "about what was not told": ({**NOTE, "about": "{bens_secret}"}, "event.unknown_target", ".event.about"),
    "about a wish": ({**NOTE, "about": "{chosen}"}, "event.unknown_target", ".event.about"),
    "cheers for nothing": ({"type": "Cheered"}, "body.invalid", ".event.about"),
    "cheers of 501 letters": ({"type": "Cheered", "about": SEEN, "words": "a" * 501}, "body.invalid", ".event.words"),
    "1.0 days": ({**CHOICE, "at_most_days": 1.0}, "body.invalid", ".event.at_most_days"),
    "0 days": ({**CHOICE, "at_most_days": 0}, "body.invalid", ".event.at_most_days"),
    "3,651 days": ({**CHOICE, "at_most_days": 3_651}, "body.invalid", ".event.at_most_days"),
    "-1 days": ({**CHOICE, "at_most_days": -1}, "body.invalid", ".event.at_most_days"),
    "2^64 days": ({**CHOICE, "at_most_days": 2**64}, "body.invalid", ".event.at_most_days"),
    "10^400 days": ({**CHOICE, "at_most_days": 10**400}, "body.invalid", ".event.at_most_days"),
    "10^300 days as a float": ({**CHOICE, "at_most_days": 1e300}, "body.invalid", ".event.at_most_days"),
    "days in a text": ({**CHOICE, "at_most_days": "3"}, "body.invalid", ".event.at_most_days"),
    "an unknown mode": ({**CHOICE, "mode": "maybe"}, "body.invalid", ".event.mode"),
    "a scope that is none": ({**CHOICE, "scope": "domain:walking"}, "body.invalid", ".event.scope"),
    "a scope of an unknown milestone": (
        {**CHOICE, "scope": "milestone:movement.flies"}, "event.unknown_milestone", ".event.scope"),
    "a wish for a foreign child": ({**CHOICE, "child": "{foreign_child}"}, "event.unknown_child", ".event.child"),
    "an unknown way of seeing": ({**FIRST, "how": "dream"}, "body.invalid", ".event.how"),
    "the old way of seeing": ({**FIRST, "seen": "video"}, "body.invalid", ".event.seen"),
    "a first of a foreign event": ({**FIRST, "observation": "{foreign_event}"}, "event.unknown_target", ".event.observation"),
    "a first of a note": ({**FIRST, "observation": "{bens_note}"}, "event.unknown_target", ".event.observation"),
    "an unknown clip": ({"type": "ClipAttached", "target": SEEN, "clip": ABSENT}, "event.unknown_clip", ".event.clip"),
    "a clip that says too much": (
        {"type": "ClipAttached", "target": SEEN, "clip": ABSENT, "media_type": "video/mp4"},
        "event.completed_by_service", ".event.media_type"),
    "a domain that is none": (
        {"type": "MilestoneNamed", "milestone": f"own.{some_uuid(4)}", "title": "T", "domain": "x"},
        "body.invalid", ".event.domain"),
    "a name for the catalogue's": (
        {"type": "MilestoneNamed", "milestone": "movement.first-steps", "title": "T", "domain": "movement"},
        "body.invalid", ".event.milestone"),
    "a sorting of nothing": ({"type": "Sorted", "child": CHILD}, "body.invalid", ".event.target"),
    "a sorting of an absent event": ({**SORTING, "target": ABSENT}, "event.unknown_target", ".event.target"),
    "a sorting of a foreign event": ({**SORTING, "target": "{foreign_event}"}, "event.unknown_target", ".event.target"),
    "a sorting of what was not told": ({**SORTING, "target": "{bens_secret}"}, "event.unknown_target", ".event.target"),
    "a sorting of a sighting": ({**SORTING, "target": SEEN}, "event.unknown_target", ".event.target"),
    "a sorting of a wish": ({**SORTING, "target": "{chosen}"}, "event.unknown_target", ".event.target"),
    "a sorting of a sorting": ({**SORTING, "target": "{sorted}"}, "event.unknown_target", ".event.target"),
    "a sorting of a roster fact": ({**SORTING, "target": "{joined}"}, "event.unknown_target", ".event.target"),
    "a sorting of a parent's words": ({**SORTING, "target": "{bens_note}"}, "event.not_the_author", ".event.target"),
    "a sorting without a child": ({"type": "Sorted", "target": "{cleos_note}"}, "body.invalid", ".event.child"),
    "a sorting to no child": ({**SORTING, "child": None}, "body.invalid", ".event.child"),
    "a sorting to an unknown child": ({**SORTING, "child": ABSENT}, "event.unknown_child", ".event.child"),
    "a sorting to a foreign child": ({**SORTING, "child": "{foreign_child}"}, "event.unknown_child", ".event.child"),
    "a sorting to a domain": ({**SORTING, "milestone": "movement"}, "body.invalid", ".event.milestone"),
    "a sorting to an unknown milestone": (
        {**SORTING, "milestone": "movement.flies"}, "event.unknown_milestone", ".event.milestone"),
    "a sorting to an unknown own milestone": (
        {**SORTING, "milestone": f"own.{some_uuid(4)}"}, "event.unknown_milestone", ".event.milestone"),
    "a sorting with words": ({**SORTING, "text": "steps!"}, "body.invalid", ".event.text"),
    "no changes": ({**AMENDMENT, "changes": {}}, "body.invalid", ".event.changes"),
    "unknown changes": ({**AMENDMENT, "changes": {"author": 1}}, "body.invalid", ".event.changes.author"),
    "changes of another type's field": ({**AMENDMENT, "changes": {"text": "t"}}, "event.not_amendable", ".event.changes.text"),
    "a change to a foreign child": (
        {**AMENDMENT, "changes": {"child": "{foreign_child}"}}, "event.unknown_child", ".event.changes.child"),
    "a change to an unknown milestone": (
        {**AMENDMENT, "changes": {"milestone": "movement.flies"}}, "event.unknown_milestone", ".event.changes.milestone"),
    "a change to the far future": (
        {**AMENDMENT, "changes": {"occurred_at": in_days(2)}}, "draft.time_out_of_range", ".event.changes.occurred_at"),
    "a change to year 9999": (
        {**AMENDMENT, "changes": {"occurred_at": "9999-12-31T23:59:59-23:59"}},
        "draft.time_out_of_range", ".event.changes.occurred_at"),
    "a change to a naive time": (
        {**AMENDMENT, "changes": {"occurred_at": "2026-02-03T10:00:00"}}, "body.invalid", ".event.changes.occurred_at"),
    "a change of another's event": (
        {"type": "Amended", "target": "{bens_note}", "changes": {"text": "t"}}, "event.not_the_author", ".event.target"),
    "a change of what was not told": (
        {"type": "Amended", "target": "{bens_secret}", "changes": {"text": "t"}}, "event.unknown_target", ".event.target"),
    "a change of a wish": (
        {"type": "Amended", "target": "{chosen}", "changes": {"note": "t"}}, "event.not_amendable", ".event.target"),
    "a change of a sorting": (
        {"type": "Amended", "target": "{sorted}", "changes": {"milestone": "movement.walks"}},
        "event.not_amendable", ".event.target"),
    "a sorting taken back": ({"type": "Withdrawn", "target": "{sorted}"}, "event.not_amendable", ".event.target"),
    "a note about a sorting": ({**NOTE, "about": "{sorted}"}, "event.unknown_target", ".event.about"),
    "cheers for a sorting": ({"type": "Cheered", "about": "{sorted}"}, "event.unknown_target", ".event.about"),
    "another's event taken back": ({"type": "Withdrawn", "target": "{bens_note}"}, "event.not_the_author", ".event.target"),
    "a foreign event taken back": ({"type": "Withdrawn", "target": "{foreign_event}"}, "event.unknown_target", ".event.target"),
    "a roster fact taken back": ({"type": "Withdrawn", "target": "{joined}"}, "event.not_amendable", ".event.target"),
}  # fmt: skip

# For the JSON text of a valid draft: a pattern, its replacement, the code, and the refused field.
SPELLINGS: dict[str, tuple[str, str, str, str]] = {
    "id twice": (r'\{"id": ("[^"]*")', r'{"id": \1, "id": \1', "body.duplicate_key", ".id"),
    "id twice, spelled otherwise": (r'\{"id": ("[^"]*")', r'{"\\u0069d": \1, "id": \1', "body.duplicate_key", ".id"),
    "event twice": (r'"event": (.*)\}', r'"event": \1, "event": \1}', "body.duplicate_key", ".event"),
    "type twice": (r'"type":', r'"type": "MilestoneObserved", "type":', "body.duplicate_key", ".event.type"),
    "child twice": (r'"child": ("[^"]*")', r'"child": \1, "child": \1', "body.duplicate_key", ".event.child"),
    "child twice, spelled otherwise": (
        r'"child": ("[^"]*")', r'"child": \1, "\\u0063hild": \1', "body.duplicate_key", ".event.child"),
    "a note twice": (r'"milestone":', r'"note": "a", "note": "b", "milestone":', "body.duplicate_key", ".event.note"),
    "a note twice, once null": (r'"milestone":', r'"note": null, "note": "b", "milestone":', "body.duplicate_key", ".event.note"),
    "a note twice, with backslashes": (
        r'"milestone":', r'"note": "\\\\", "note": "\\\\\\"", "milestone":', "body.duplicate_key", ".event.note"),
    "NUL, escaped": (r'"milestone":', r'"note": "a\\u0000b", "milestone":', "body.nul", ".event.note"),
    "a lone surrogate": (r'"milestone":', r'"note": "a\\ud800b", "milestone":', "body.malformed", ".event.note"),
    "a lone surrogate at the end": (r'("milestone": "[^"]*)"', r'\1\\ud83d"', "body.malformed", ".event.milestone"),
    "surrogates the wrong way round": (r'"milestone":', r'"note": "\\udc00\\ud800", "milestone":',
                                       "body.malformed", ".event.note"),
    "a lone surrogate in a key": (r'"milestone":', r'"a\\ud800": 1, "milestone":', "body.malformed", ".event"),
    "lists within lists": (
        r'"milestone":', r'"note": ' + "[" * 20_000 + "]" * 20_000 + ', "milestone":', "body.invalid", ".event.note"),
    "lists within lists beside half a character": (
        r'"milestone":', r'"note": "\\ud83d", "x": ' + "[" * 20_000 + "]" * 20_000 + ', "milestone":', "body.malformed", ""),
    "a number of 5,000 digits beside half a character": (
        r'"milestone":', r'"x": ' + "1" * 5_000 + r', "note": "\\ud83d", "milestone":', "body.invalid", ".event.x"),
    "too long": (r'"milestone":', r'"note": "' + "a" * 65_536 + '", "milestone":', "draft.too_large", ""),
    "a number of 5,000 digits": (r'"milestone":', r'"note": ' + "1" * 5_000 + ', "milestone":', "body.invalid", ".event.note"),
    "no draft but null": (r".*", "null", "body.invalid", ""),
    "no draft but a number": (r".*", "1", "body.invalid", ""),
    "no draft but a text": (r".*", '"draft"', "body.invalid", ""),
    "no draft but a list": (r".*", "[[]]", "body.invalid", ""),
    "no draft but drafts": (r".*", '{"drafts": []}', "body.invalid", ".drafts"),
}


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    """Returns the value with each `{name}` replaced by the id of that name."""
    match value:
        case dict():
            return {key: with_ids(inner, ids) for key, inner in value.items()}
        case str() if value[:1] == "{" and value[1:-1] in ids:
            return ids[value[1:-1]]
        case _:
            return value


def bad_draft(standing: Standing, kind: str, name: str) -> tuple[bytes, str, str]:
    """Returns a draft with one fault: its bytes, the code of its refusal, and the refused field."""
    match kind:
        case "draft":
            changed, code, at = DRAFTS[name]
            whole = {**standing.seen(), **changed}
            return json.dumps({key: value for key, value in whole.items() if value is not MISSING}).encode(), code, at
        case "event":
            event, code, at = EVENTS[name]
            return json.dumps(standing.draft(with_ids(event, standing.ids))).encode(), code, at
        case _:
            pattern, becomes, code, at = SPELLINGS[name]
            text = json.dumps(standing.seen())
            spelled = re.sub(pattern, becomes, text, count=1, flags=re.DOTALL)
            assert spelled != text
            return spelled.encode(), code, at
