"""Tests a file of each system, with all edge cases of its test feed, from the import to both parents' timelines."""

from collections import Counter
from typing import Any

import pytest

from service.daycare.sources import SOURCES
from tests.service.conftest import Someone, Village, keeps, push
from tests.service.daycare.conftest import events_by, link
from tests.service.daycare.sources.feeds import BODY_BY_SOURCE
from tests.service.daycare.sources.invented import NEVER
from tests.service.daycare.test_imports import imported

RECORDS_MIN = 60
WITHOUT_PROSE = {"baby_connect"}
"""Sources whose rows are only amounts and durations, without texts to read."""
LATE_OR_THERE = {"already_recorded", "outdated"}


async def timeline(parent: Someone) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await parent.ask("GET", "/v1/families/{family}/timeline")).json()["entries"]
    return entries


@pytest.mark.parametrize("source", BODY_BY_SOURCE)
async def test_a_file_comes_once_to_both_parents_and_its_firsts_are_still_new_to_both(village: Village, source: str) -> None:
    """Laws 2 and 8: each record is written once. Ben, who keeps everything, gets no record until he has seen its milestone."""
    body = BODY_BY_SOURCE[source]()
    given = {"as_": "text/csv"} if SOURCES[source].media_types[0] == "text/csv" else {}
    given |= {"reference": "the-child"} if SOURCES[source].needs_reference else {}
    await keeps(village.ben)
    first = await imported(village.ada, source, body, **given)
    assert first["records"] >= RECORDS_MIN
    assert set(first["outcomes"]) == {"waiting"}
    for one in first["references"]:
        assert (await link(village.ada, first["member"], village.child, reference=one["reference"])).status_code == 204
    sent = await events_by(village.ada, first["member"])
    assert len(sent) >= RECORDS_MIN // 2
    assert NEVER not in str(sent)
    again = await imported(village.ada, source, body, **given)
    assert set(again["outcomes"]) <= LATE_OR_THERE
    own = await imported(village.ben, source, body, **given)
    assert (own["outcomes"], own["references"]) == (first["outcomes"], first["references"])
    for one in own["references"]:
        assert (await link(village.ben, own["member"], village.child, reference=one["reference"])).status_code == 204
    assert await events_by(village.ada, own["member"]) == []
    assert await events_by(village.ada, first["member"]) == sent
    seen = Counter(one["milestone"] for one in sent if one["type"] == "MilestoneObserved")
    assert seen or source in WITHOUT_PROSE, "no prose of this file tells of anything"
    assert {one["milestone"]: one["state"] for one in await timeline(village.ada)} == dict.fromkeys(seen, "still_new")
    assert [one for one in await events_by(village.ben, first["member"]) if one["type"] == "MilestoneObserved"] == []
    perhaps = {key for one in sent for key in (*one.get("may_tell_of", ()), *one.get("tells_of", ()))}
    for milestone in {*seen, *perhaps}:
        await push(village.ben, village.first(milestone), audience="me")
    assert sorted(map(str, await events_by(village.ben, first["member"]))) == sorted(map(str, sent))
    assert {one["state"] for one in await timeline(village.ben)} <= {"seen"}
