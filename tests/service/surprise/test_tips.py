"""Tests over HTTP that all members of a family get the same tips, whatever was recorded."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from uuid_utils.compat import uuid7

from events.catalogue import CATALOGUE
from projections.tips import tips
from tests.service.access_fixtures import Standing, problem_in, some_uuid
from tests.service.conftest import Someone, found_family

TIPS = "/v1/families/{family}/tips"
BORN, ON = date(2026, 1, 31), date(2026, 11, 22)
NOTED = "movement.pulls-to-stand"


async def add_child(parent: Someone, name: str, born: date | None) -> str:
    child = {"name": name} if born is None else {"name": name, "born": born.isoformat()}
    answer = await parent.ask("POST", "/v1/families/{family}/children", json=child)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["child"])


async def push(author: Someone, *events: dict[str, Any], audience: str | None = None) -> list[str]:
    """Pushes events and returns their ids."""
    now = datetime.now(UTC).isoformat()
    more = {} if audience is None else {"audience": audience}
    fields = {"occurred_at": now, "precision": "minute", "recorded_at": now, **more}
    drafts = [{"id": str(uuid7()), **fields, "event": event} for event in events]
    answer = await author.ask("POST", "/v1/families/{family}/events", json={"sent_at": now, "drafts": drafts})
    assert answer.status_code == 200, answer.text
    assert {receipt["outcome"] for receipt in answer.json()["receipts"]} == {"recorded"}
    return [str(draft["id"]) for draft in drafts]


def observable(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Returns the status, the headers and the body of a response, without the date and the request id."""
    headers = [(name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id")]
    return answer.status_code, headers, answer.content


async def distinct_responses(members: list[Someone], **query: str) -> set[bytes]:
    """Returns the set of distinct responses to the given members, in JSON and in MessagePack."""
    answers = []
    for member in members:
        answers.append(observable(await member.ask("GET", TIPS, params=query)))
        packed = {**member.headers, "Accept": "application/msgpack"}
        answers.append(observable(await member.http.get(TIPS.replace("{family}", member.family), params=query, headers=packed)))
    assert {status for status, _, _ in answers} == {200}
    return {msgspec.json.encode(answer) for answer in answers}


async def test_tips_are_the_same_for_everybody_whether_or_not_anything_happened(http: httpx.AsyncClient) -> None:
    """Law 8: tips depend on the age alone, never on a sighting.

    Ben keeps everything. Ada records that the child pulls up to stand: as a milestone, in a note, and as a private first. Then
    Ben opens the envelope and records the milestone himself, and Ada withdraws hers.
    """
    ada = await found_family(http)
    child = await add_child(ada, "Mia", BORN)
    await add_child(ada, "Noah", None)
    ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
    members = [ada, ben, await ada.invite("caregiver", name="Sam"), await ada.invite("daycare", name="Ducklings")]
    queries: list[dict[str, str]] = [{"on": ON.isoformat()}, {"on": ON.isoformat(), "child": child}]
    before = [await distinct_responses(members, **query) for query in queries]
    assert [len(answers) for answers in before] == [2, 2]

    saw = {"type": "MilestoneObserved", "child": child, "milestone": NOTED}
    kept = {"type": "SurpriseChosen", "scope": "all", "mode": "keep"}
    by_name = {"type": "SurpriseChosen", "scope": f"milestone:{NOTED}", "mode": "keep"}
    await push(ben, kept, by_name)
    assert before == [await distinct_responses(members, **query) for query in queries]
    (observed,) = await push(ada, saw)
    await push(ada, {"type": "NoteWritten", "child": child, "text": "She stood!", "about": observed})
    await push(ada, {"type": "ParentFirstSaw", "child": child, "milestone": NOTED, "how": "in_person"}, audience="me")
    assert before == [await distinct_responses(members, **query) for query in queries]
    await push(ben, {"type": "EnvelopeOpened", "scope": "all"}, saw)
    await push(ada, {"type": "Withdrawn", "target": observed})
    assert before == [await distinct_responses(members, **query) for query in queries]


async def test_tips_are_those_of_the_catalogue_at_each_childs_age(http: httpx.AsyncClient) -> None:
    """The tips fit each child's age, with or without a birth date, and are in the order of the children's ids."""
    ada = await found_family(http)
    born_by_child: dict[str, date | None] = {(await ada.ask("GET", TIPS)).json()["children"][0]["child"]: None}
    for name, born in (("Mia", BORN), ("Noah", ON + timedelta(days=20)), ("Old", date(2001, 2, 28)), ("Lea", date(2024, 2, 29))):
        born_by_child[await add_child(ada, name, born)] = born
    answer = (await ada.ask("GET", TIPS, params={"on": ON.isoformat()})).json()
    expected = [
        {"child": child, **msgspec.json.decode(msgspec.json.encode(tips(CATALOGUE, born=born, today=ON)))}
        for child, born in sorted(born_by_child.items())
    ]
    assert answer == {"on": ON.isoformat(), "children": expected}
    assert {one["age_months"] for one in answer["children"]} == {None, 9, -1, 308, 32}
    for child in expected:
        alone = await ada.ask("GET", TIPS, params={"child": child["child"], "on": ON.isoformat()})
        assert alone.json() == {"on": ON.isoformat(), "children": [child]}


async def test_tips_are_for_the_date_that_the_device_names(http: httpx.AsyncClient) -> None:
    """The tips are for the date in the query, or for today in UTC. The response states the date."""
    ada = await found_family(http)
    child = await add_child(ada, "Mia", BORN)
    for on, months in ((date(2026, 2, 27), 0), (date(2026, 2, 28), 1), (date.min, None), (date.max, None)):
        answer = (await ada.ask("GET", TIPS, params={"child": child, "on": on.isoformat()})).json()
        assert answer["on"] == on.isoformat()
        assert months is None or months == answer["children"][0]["age_months"]
    earliest = datetime.now(UTC).date()
    today = (await ada.ask("GET", TIPS)).json()["on"]
    assert earliest <= date.fromisoformat(today) <= datetime.now(UTC).date()


WRONG = {
    "day=2026-11-22": "day",
    "on=": "on",
    "on=today": "on",
    "on=20261122": "on",
    "on=2026-02-29": "on",
    "on=2026-11-22T00:00:00Z": "on",
    "on=2026-11-22%00": "on",
    "on=2026-11-22&on=2026-11-22": "on",
    "on=0000-01-01": "on",
    "on=10000-01-01": "on",
    "on=null": "on",
    "child=": "child",
    "child=mia": "child",
    "child=1": "child",
    "child=null": "child",
    "child=0193A3C0-0000-4000-8000-000000000000": "child",
    "child={0193a3c0-0000-4000-8000-000000000000}": "child",
    "child=0193a3c0-0000-4000-8000-000000000000&child=0193a3c0-0000-4000-8000-000000000000": "child",
}


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("query", WRONG)
def test_a_query_that_cannot_be_is_refused_by_name(standing: Standing, query: str) -> None:
    answer = standing.ask("ada", "GET", f"{TIPS}?{query}")
    problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
    assert (400, "body.invalid", WRONG[query]) == (problem["status"], problem["code"], problem["at"])


@pytest.mark.usefixtures("nothing_changes")
def test_a_foreign_child_and_an_absent_one_are_alike_to_the_byte(standing: Standing) -> None:
    """The responses for a foreign child and for an absent one are equal, so they do not show whether the child exists."""
    answers = [
        observable(standing.ask(who, "GET", TIPS, params={"child": child}))
        for child in (standing.ids["foreign_child"], standing.ids["absent"], some_uuid(4), standing.people["ada"].member)
        for who in ("ada", "ben", "cleo", "ducklings")
    ]
    assert all(answers[0] == answer for answer in answers)
    problem = problem_in(answers[0][0], "application/problem+json", answers[0][2])
    assert (problem["status"], problem["code"], problem["at"]) == (404, "not_found", "child")
    own = standing.ask("eve", "GET", TIPS, params={"child": standing.ids["foreign_child"]})
    assert own.status_code == 200
