"""Tests real, anonymised responses of Brightwheel, if the folder with the responses exists.

The responses are not ours, so the project contains no copy of them.
"""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from events.errors import FieldInvalid
from service.daycare.sources import SOURCES
from tests.service.daycare.sources.outcomes import read, records

REAL = Path(__file__).parents[5] / "shared" / "data" / "brightwheel"
if not REAL.is_dir():
    pytest.skip("the real answers of Brightwheel lie in ../shared/data beside the project, and not here", allow_module_level=True)

TEXTS = {
    "activities-checkin.json": {"Signed in": 5, "Signed out": 5},
    "activities-empty.json": {},
    "activities-food.json": {"Meal": 5},
    "activities-nap.json": {"Nap: asleep": 2, "Nap: awake": 3},
    "activities.json": {"Meal": 2, "Nappy: soiled": 1, "Nappy: wet": 1, "Nappy: dry": 1},
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_real_response_gives_its_records(name: str) -> None:
    found = records(read("brightwheel", (REAL / name).read_bytes()))
    texts = [record.text or "" for record in found]
    assert Counter("Meal" if text.startswith("Meal: ") else text for text in texts) == TEXTS[name]
    for record in found:
        assert record.shown_name
        assert record.media == ()
        assert record.occurred_at.utcoffset() == timedelta(0)
        assert record.occurred_at <= record.recorded_at <= record.revised_at


def test_the_real_responses_overlap_in_two_entries() -> None:
    ids = Counter(record.id for name in TEXTS for record in records(read("brightwheel", (REAL / name).read_bytes())))
    assert (len(ids), sum(ids.values())) == (23, 25)


def test_the_list_of_children_is_no_list_of_activities() -> None:
    with pytest.raises(FieldInvalid) as refusal:
        SOURCES["brightwheel"].read((REAL / "students.json").read_bytes())
    assert refusal.value.at == "activities"
