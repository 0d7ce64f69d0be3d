"""Tests which text of a record is read for milestones: text that people typed, and no label that the source composed."""

import json
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import asyncpg
import pytest

from service.daycare.record import Record
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import ImportHints
from tests.service.conftest import Village
from tests.service.daycare.conftest import events_by, link
from tests.service.daycare.sources import (
    feed_brightwheel,
    feed_csv,
    feed_famly,
    feed_lillio,
    feed_procare,
    feed_tadpoles,
)
from tests.service.daycare.sources.invented import Day
from tests.service.daycare.sources.outcomes import found_in, found_in_all_words, only
from tests.service.daycare.test_imports import imported

LIA: Final = ImportHints(reference="lia", name_by_reference={"lia": "Lia", feed_procare.KIDS[0]: "Lia"})
STEPS: Final = "movement.first-steps"
WALKS: Final = "movement.walks"
ICE: Final = "life.first-ice-cream"
SPOON: Final = "hands.eats-with-a-spoon"
CLAPS: Final = "hands.claps"
CLAPPED: Final = "She clapped her hands!"


class Case(NamedTuple):
    """A record of a source, the milestones that are found in its whole text, and the milestones that are found in its prose."""

    source: str
    record: dict[str, Any]
    in_all_words: tuple[str, ...]
    found: tuple[str, ...]


def day() -> Day:
    return Day(9, start=datetime(2026, 3, 2, 9, tzinfo=UTC))


def brightwheel(dish: str, *, typed: str = "", note: str | None = None) -> dict[str, Any]:
    target = {"object_id": feed_brightwheel.CHILD, "first_name": "Lia"}
    details = {"food": typed, "food_type": "food"}
    return feed_brightwheel.activity(
        day(), "ac_food", target=target, details_blob=details, menu_item_tags=[{"name": dish}], note=note
    )


def procare(name: str, *, comment: str = "", desc: str | None = None) -> dict[str, Any]:
    named = {"learning_activity_name": {"value": name}}
    return feed_procare.activity(day(), "learning", activiable=named, comment=comment, data={"desc": desc})


def meal(desc: str) -> dict[str, Any]:
    return feed_procare.activity(day(), "meal", data={"type": "Lunch", "quantity": "Most", "desc": desc})


def baby_connect(activity: str, text: str, *, notes: str = "", quantity: str = "") -> dict[str, Any]:
    row = ("3/2/26 9:00", "", "", activity, quantity, "", text, notes, "")
    (found,) = SOURCES["baby_connect"].open(feed_csv.written(feed_csv.BABY_CONNECT, [row])).found
    record: dict[str, Any] = found.record
    return record


def plain(text: str) -> dict[str, Any]:
    return {"id": "1", "child": "lia", "child_name": "Lia", "occurred_at": "2026-03-02", "text": text}


def famly(text: str) -> dict[str, Any]:
    return feed_famly.note(day(), text=text, child={"name": "Lia"})


LABELLED: Final = {
    "a dish of the menu": Case("brightwheel", brightwheel("Lia's first ice cream", note=CLAPPED), (ICE, CLAPS), (CLAPS,)),
    "a learning activity": Case("procare", procare("Lia's first steps", comment=CLAPPED), (STEPS, CLAPS), (CLAPS,)),
    "a title": Case("lillio", feed_lillio.activity(day(), title="First steps", description=CLAPPED), (STEPS, CLAPS), (CLAPS,)),
    "a sentence of the app": Case("baby_connect", baby_connect("Walk", "Lia went for a walk", notes=CLAPPED), (WALKS, CLAPS),
                                  (CLAPS,)),
}  # fmt: skip
"""Records with a composed label that matches one cue, and with typed text that matches another cue."""
BARE: Final = {
    "a dish of the menu": Case("brightwheel", brightwheel("Lia's first ice cream"), (ICE,), ()),
    "a learning activity": Case("procare", procare("Lia's first steps"), (STEPS,), ()),
    "a title": Case("lillio", feed_lillio.activity(day(), title="First steps", description=None), (STEPS,), ()),
    "a sentence of the app": Case("baby_connect", baby_connect("Walk", "Lia went for a walk"), (WALKS,), ()),
    "an amount": Case("baby_connect", baby_connect("First steps", "", quantity="2"), (STEPS,), ()),
}
TYPED: Final = {
    "a dish that was typed": Case("brightwheel", brightwheel("peas", typed="Fed herself with a spoon"), (), (SPOON,)),
    "what a meal was": Case("procare", meal("Fed herself with a spoon"), (), (SPOON,)),
    "what an activity was": Case("procare", procare("Art", desc=CLAPPED), (CLAPS,), (CLAPS,)),
    "a note's text": Case("baby_connect", baby_connect("Note", CLAPPED), (CLAPS,), (CLAPS,)),
    "a milestone's text": Case("baby_connect", baby_connect("Milestone", "Lia clapped"), (CLAPS,), (CLAPS,)),
}
"""Records with a composed label that contains a typed field. The field is read alone, and can then match more cues."""
ALL_FREE: Final = {
    "famly": Case("famly", famly(CLAPPED), (CLAPS,), (CLAPS,)),
    "tadpoles": Case("tadpoles", feed_tadpoles.event(day(), comment=CLAPPED), (CLAPS,), (CLAPS,)),
    "plain": Case("plain", plain(CLAPPED), (CLAPS,), (CLAPS,)),
    "brightwheel": Case("brightwheel", feed_brightwheel.activity(day(), "ac_kudo", note=CLAPPED), (CLAPS,), (CLAPS,)),
    "procare": Case("procare", feed_procare.activity(day(), "photo", comment=CLAPPED), (CLAPS,), (CLAPS,)),
    "lillio": Case("lillio", feed_lillio.activity(day(), title=None, description=CLAPPED), (CLAPS,), (CLAPS,)),
    "baby_connect": Case("baby_connect", baby_connect("", "", notes=CLAPPED), (CLAPS,), (CLAPS,)),
}


def record_of(case: Case) -> Record:
    return only(case.source, case.record, LIA)


def test_every_source_is_tested() -> None:
    assert {case.source for case in ALL_FREE.values()} == set(SOURCES)


@pytest.mark.parametrize("case", LABELLED.values(), ids=LABELLED)
def test_only_the_typed_text_beside_a_composed_label_is_read(case: Case) -> None:
    record = record_of(case)
    assert record.prose == CLAPPED
    assert (found_in_all_words(record), found_in(record)) == (case.in_all_words, case.found)


@pytest.mark.parametrize("case", BARE.values(), ids=BARE)
def test_a_composed_text_is_not_read(case: Case) -> None:
    record = record_of(case)
    assert record.prose == ""
    assert (found_in_all_words(record), found_in(record)) == (case.in_all_words, case.found)


@pytest.mark.parametrize("case", TYPED.values(), ids=TYPED)
def test_a_typed_field_is_read_without_its_label(case: Case) -> None:
    record = record_of(case)
    assert (found_in_all_words(record), found_in(record)) == (case.in_all_words, case.found)


@pytest.mark.parametrize("case", ALL_FREE.values(), ids=ALL_FREE)
def test_a_text_that_is_all_typed_is_read_whole(case: Case) -> None:
    record = record_of(case)
    assert (record.text, record.prose) == (CLAPPED, None)
    assert found_in(record) == case.found


def test_several_typed_fields_are_one_line_each() -> None:
    record = only("procare", procare("Art", desc="Sang.", comment=CLAPPED))
    assert (record.text, record.prose) == (f"Activity: Art\nSang.\n{CLAPPED}", f"Sang.\n{CLAPPED}")


def two_learning_activities() -> bytes:
    rows = [procare("Lia's first steps"), procare("Art", comment=CLAPPED)]
    kids = [{"id": feed_procare.KIDS[0], "first_name": "Lia"}]
    return json.dumps([{"daily_activities": [{**row, "id": f"r{at}"} for at, row in enumerate(rows)]}, {"kids": kids}]).encode()


async def milestones_once_linked(village: Village, member: str) -> list[str]:
    """Links the child, and returns the milestones found in the records that were waiting for the link."""
    assert (await link(village.ada, member, village.child, reference=feed_procare.KIDS[0])).status_code == 204
    events = await events_by(village.ada, member)
    assert len(events) == 2
    return sorted(one["milestone"] for one in events if one["type"] == "MilestoneObserved")


async def test_a_record_that_waits_for_its_child_keeps_its_prose(village: Village) -> None:
    report = await imported(village.ada, "procare", two_learning_activities())
    assert report["outcomes"] == {"waiting": 2}
    assert await milestones_once_linked(village, report["member"]) == [CLAPS]


async def test_a_waiting_record_of_an_older_release_is_read_whole(village: Village, database_url: str) -> None:
    report = await imported(village.ada, "procare", two_learning_activities())
    connection = await asyncpg.connect(database_url)
    try:
        before = "convert_to((convert_from(body, 'UTF8')::jsonb - 'prose')::text, 'UTF8')"
        has_said = "convert_from(body, 'UTF8')::jsonb ? 'prose'"
        changed = await connection.execute(f"UPDATE daycare_waiting SET body = {before} WHERE {has_said}")
    finally:
        await connection.close()
    assert changed == "UPDATE 2"
    assert await milestones_once_linked(village, report["member"]) == [CLAPS, STEPS]
