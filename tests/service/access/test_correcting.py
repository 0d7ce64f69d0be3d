"""Tests corrections of the roster: who may correct what, and that each view shows the new name or birth date."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from service.replay import replay
from tests.service.access.test_matrix import ABSENT, cast_of
from tests.service.conftest import Someone, found_family

FAMILY = "/v1/families/{family}"


async def roster_of(one: Someone) -> dict[str, Any]:
    answer = await one.ask("GET", FAMILY)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def events_of(one: Someone, *kinds: str) -> list[dict[str, Any]]:
    """Returns the events of the given types in a member's feed, in order."""
    page = (await one.ask("GET", f"{FAMILY}/feed?limit=2000")).json()
    events = [entry["event"]["event"] for entry in page["entries"]]
    return [event for event in events if event["type"] in kinds]


async def child_of(one: Someone) -> str:
    return str((await roster_of(one))["children"][0]["child"])


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    problem_document = answer.json()
    return answer.status_code, problem_document["code"], problem_document["at"]


async def test_a_parents_correction_of_a_child_is_visible_to_all_members(http: httpx.AsyncClient) -> None:
    """Law 10: a correction is delivered to all members. A field that is left out stays unchanged."""
    cast = await cast_of(http)
    ada, ben = cast["parent"], cast["other_parent"]
    child = await child_of(ada)
    path = f"{FAMILY}/children/{child}"
    first = await ada.ask("PATCH", path, json={"born": "2026-01-31"})
    assert (first.status_code, first.json()) == (200, {"child": child, "name": "Mia", "born": "2026-01-31"})
    assert (await ben.ask("PATCH", path, json={"name": "Mía"})).json() == {"child": child, "name": "Mía", "born": "2026-01-31"}
    assert (await ben.ask("PATCH", path, json={"name": "Mia R.", "born": None})).status_code == 200
    corrected = {"type": "ChildCorrected", "child": child}
    for one in (ada, ben, cast["caregiver"], cast["daycare"]):
        assert (await roster_of(one))["children"] == [{"child": child, "name": "Mia R.", "born": None}]
        assert await events_of(one, "ChildCorrected") == [
            corrected | {"name": "Mia", "born": "2026-01-31"},
            corrected | {"name": "Mía", "born": "2026-01-31"},
            corrected | {"name": "Mia R."},
        ]


async def test_a_new_member_receives_the_whole_history_of_the_roster(http: httpx.AsyncClient) -> None:
    """A new member receives all roster facts, even a member who sees only their own events."""
    ada = await found_family(http)
    child, home = await child_of(ada), (await roster_of(ada))["households"][0]["household"]
    await ada.ask("PATCH", f"{FAMILY}/children/{child}", json={"name": "Maja"})
    await ada.ask("PATCH", f"{FAMILY}/members/{ada.member}", json={"name": "Ada K."})
    await ada.ask("PATCH", f"{FAMILY}/households/{home}", json={"name": "The flat"})
    sitter = await ada.invite("caregiver", name="Cleo", sees="own")
    kinds = ("ChildCorrected", "MemberRenamed", "HouseholdRenamed")
    assert [one["name"] for one in await events_of(sitter, *kinds)] == ["Maja", "Ada K.", "The flat"]
    assert await roster_of(sitter) == await roster_of(ada)


async def test_each_member_can_rename_themselves_and_no_other_person(http: httpx.AsyncClient) -> None:
    """Law 16: a parent cannot rename the other parent, nor a caregiver or a daycare of the other home."""
    cast = await cast_of(http)
    theirs = await cast["other_parent"].invite("caregiver", name="Oma")
    ducks = (await cast["other_parent"].ask("POST", f"{FAMILY}/daycares", json={"name": "Ducks"})).json()["member"]
    attempts = [
        ("parent", cast["parent"].member, 200),
        ("other_parent", cast["other_parent"].member, 200),
        ("caregiver", cast["caregiver"].member, 200),
        ("daycare", cast["daycare"].member, 200),
        ("parent", cast["other_parent"].member, 403),
        ("other_parent", cast["parent"].member, 403),
        ("parent", cast["caregiver"].member, 403),
        ("parent", theirs.member, 403),
        ("caregiver", cast["parent"].member, 403),
        ("daycare", cast["parent"].member, 403),
        ("parent", ducks, 403),
        ("caregiver", cast["daycare"].member, 403),
        ("other_parent", ducks, 200),
        ("parent", cast["daycare"].member, 200),
        ("stranger", cast["parent"].member, 404),
        ("revoked", cast["parent"].member, 401),
        ("parent", ABSENT, 404),
    ]
    for by, member, status in attempts:
        path = f"/v1/families/{cast['parent'].family}/members/{member}"
        answer = await cast[by].ask("PATCH", path, json={"name": f"named by {by}"})
        assert answer.status_code == status, (by, answer.text)
        assert status != 403 or answer.json()["code"] == "access.not_yours_to_rename"
    names = {one["member"]: one["name"] for one in (await roster_of(theirs))["members"]}
    assert names == {
        cast["parent"].member: "named by parent",
        cast["other_parent"].member: "named by other_parent",
        cast["caregiver"].member: "named by caregiver",
        cast["daycare"].member: "named by parent",
        theirs.member: "Oma",
        ducks: "named by other_parent",
    }
    me = (await cast["parent"].ask("GET", "/v1/me")).json()
    assert [one["name"] for one in me["memberships"]] == ["named by parent"]


async def test_a_home_is_named_by_those_who_belong_to_it(http: httpx.AsyncClient) -> None:
    """Law 16: a parent cannot rename the home of the other parent, and a daycare cannot rename a home."""
    cast = await cast_of(http)
    homes = {one["name"]: one["household"] for one in (await roster_of(cast["parent"]))["households"]}
    attempts = [
        ("parent", homes["Home"], 200),
        ("other_parent", homes["Bens"], 200),
        ("parent", homes["Bens"], 403),
        ("other_parent", homes["Home"], 403),
        ("caregiver", homes["Bens"], 403),
        ("daycare", homes["Home"], 403),
        ("stranger", homes["Home"], 404),
        ("parent", ABSENT, 404),
        ("caregiver", homes["Home"], 200),
    ]
    for by, home, status in attempts:
        path = f"/v1/families/{cast['parent'].family}/households/{home}"
        answer = await cast[by].ask("PATCH", path, json={"name": f"home of {by}"})
        assert answer.status_code == status, (by, answer.text)
    named = {one["household"]: one["name"] for one in (await roster_of(cast["daycare"]))["households"]}
    assert named == {homes["Home"]: "home of caregiver", homes["Bens"]: "home of other_parent"}


async def test_only_parents_correct_children_and_a_member_who_left_corrects_nothing(http: httpx.AsyncClient) -> None:
    cast = await cast_of(http)
    child = await child_of(cast["parent"])
    path = f"/v1/families/{cast['parent'].family}/children/{child}"
    for by, status in (("caregiver", 403), ("daycare", 403), ("stranger", 404), ("revoked", 401)):
        assert (await cast[by].ask("PATCH", path, json={"name": "Mine"})).status_code == status, by
    ben = cast["other_parent"]
    assert (await ben.ask("DELETE", f"{FAMILY}/members/{ben.member}")).status_code == 204
    assert (await ben.ask("PATCH", path, json={"name": "Mine"})).status_code == 404
    assert (await cast["parent"].ask("PATCH", f"{FAMILY}/members/{ben.member}", json={"name": "Gone"})).status_code == 404
    assert await events_of(cast["parent"], "ChildCorrected", "MemberRenamed") == []


async def test_a_repeated_correction_writes_nothing(http: httpx.AsyncClient) -> None:
    """Law 2: a request that is repeated after a lost response changes nothing."""
    ada = await found_family(http)
    child, home = await child_of(ada), (await roster_of(ada))["households"][0]["household"]
    corrections: list[tuple[str, dict[str, Any]]] = [
        (f"children/{child}", {"name": "Maja", "born": "2026-01-31"}),
        (f"members/{ada.member}", {"name": "Ada K."}),
        (f"households/{home}", {"name": "The flat"}),
    ]
    for path, body in corrections:
        answers = [await ada.ask("PATCH", f"{FAMILY}/{path}", json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content
    assert len(await events_of(ada, "ChildCorrected", "MemberRenamed", "HouseholdRenamed")) == 3


async def test_two_corrections_at_once_keep_both(http: httpx.AsyncClient) -> None:
    """One parent corrects the name and the other the birth date, at the same time: the child has both corrections."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Bens"})
    child = await child_of(ada)
    path = f"{FAMILY}/children/{child}"
    for number in range(8):
        name, born = f"Mia {number}", f"2026-01-{number + 1:02}"
        answers = await asyncio.gather(ada.ask("PATCH", path, json={"name": name}), ben.ask("PATCH", path, json={"born": born}))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (await roster_of(ada))["children"] == [{"child": child, "name": name, "born": born}]


TODAY = datetime.now(UTC).date()
OUT_OF_RANGE = (
    date(2206, 1, 31), date(1, 1, 1), date(1926, 1, 31), date(9999, 12, 31), TODAY + timedelta(days=320),
    date(TODAY.year - 31, 12, 31),
)  # fmt: skip
IN_RANGE = (TODAY + timedelta(days=300), TODAY, TODAY - timedelta(days=1), date(TODAY.year - 29, 1, 1))


async def test_an_impossible_birth_date_is_refused_by_its_field_on_every_route(http: httpx.AsyncClient) -> None:
    """Law 17: the refusal of an impossible birth date names the field. Due dates within ten months are accepted."""
    ada = await found_family(http)
    child = await child_of(ada)
    founding = {"you": {"name": "Eve"}, "household": {"name": "Home"}, "device": {"name": "phone"}}
    code = "access.birth_date_out_of_range"
    for born in (one.isoformat() for one in OUT_OF_RANGE):
        founded = await http.post("/v1/families", json=founding | {"child": {"name": "Zoe", "born": born}})
        assert problem(founded) == (422, code, "child.born"), born
        added = await ada.ask("POST", f"{FAMILY}/children", json={"name": "Zoe", "born": born})
        assert problem(added) == (422, code, "born")
        corrected = await ada.ask("PATCH", f"{FAMILY}/children/{child}", json={"born": born})
        assert problem(corrected) == (422, code, "born")
    assert (await roster_of(ada))["children"] == [{"child": child, "name": "Mia", "born": None}]
    for born in (one.isoformat() for one in IN_RANGE):
        assert (await http.post("/v1/families", json=founding | {"child": {"name": "Zoe", "born": born}})).status_code == 201
        assert (await ada.ask("POST", f"{FAMILY}/children", json={"name": "Zoe", "born": born})).status_code == 201
        assert (await ada.ask("PATCH", f"{FAMILY}/children/{child}", json={"born": born})).status_code == 200


@pytest.mark.parametrize(
    ("route", "body", "status", "code", "at"),
    [
        ("children", {}, 400, "body.invalid", None),
        ("children", {"name": None}, 400, "body.invalid", "name"),
        ("children", {"name": ""}, 400, "body.invalid", "name"),
        ("children", {"name": "x" * 121}, 400, "body.invalid", "name"),
        ("children", {"name": "a\0b"}, 400, "body.nul", "name"),
        ("children", {"born": "yesterday"}, 400, "body.invalid", "born"),
        ("children", {"born": "2026-02-29"}, 400, "body.invalid", "born"),
        ("children", {"born": "2026-01-31", "child": ABSENT}, 400, "body.invalid", "child"),
        ("members", {}, 400, "body.invalid", "name"),
        ("members", {"name": 7}, 400, "body.invalid", "name"),
        ("members", {"name": "Ada", "role": "parent"}, 400, "body.invalid", "role"),
        ("households", {"name": ["a"]}, 400, "body.invalid", "name"),
    ],
)
async def test_a_correction_that_cannot_be_read_is_refused_by_its_field(
    http: httpx.AsyncClient, route: str, body: dict[str, Any], status: int, code: str, at: str | None
) -> None:
    """Law 17: a correction with an invalid body is refused with the field, before the permission is checked."""
    ada = await found_family(http)
    assert problem(await ada.ask("PATCH", f"{FAMILY}/{route}/{ABSENT}", json=body)) == (status, code, at)


async def test_tips_the_card_and_receipts_follow(http: httpx.AsyncClient) -> None:
    """After a correction, tips use the new birth date. The hand-over card and receipts use the new names."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Bens"})
    child = await child_of(ada)
    now = datetime.now(UTC).isoformat()

    async def push(author: Someone, **event: Any) -> dict[str, Any]:
        draft = {"id": event.pop("id"), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}
        answer = await author.ask("POST", f"{FAMILY}/events", json={"sent_at": now, "drafts": [draft]})
        receipt: dict[str, Any] = answer.json()["receipts"][0]
        return receipt

    ids = [f"0193a3c0-1f2e-7a00-8000-00000000000{number}" for number in range(3)]
    await push(ben, id=ids[0], type="SurpriseChosen", scope="domain:movement", mode="keep")
    steps = {"type": "MilestoneObserved", "child": child, "milestone": "movement.first-steps"}
    assert (await push(ada, id=ids[1], **steps))["keep_quiet"] == ["Ben"]
    assert [one["age_months"] for one in (await ben.ask("GET", f"{FAMILY}/tips?on=2026-11-22")).json()["children"]] == [None]
    await ada.ask("PATCH", f"{FAMILY}/children/{child}", json={"name": "Maja", "born": "2026-01-22"})
    await ben.ask("PATCH", f"{FAMILY}/members/{ben.member}", json={"name": "Benno"})
    for one in (ada, ben):
        tips = (await one.ask("GET", f"{FAMILY}/tips?on=2026-11-22")).json()["children"]
        assert [one["age_months"] for one in tips] == [10]
    (card,) = (await ada.ask("GET", f"{FAMILY}/handover")).json()["cards"]
    assert (card["name"], card["child_name"]) == ("Benno", "Maja")
    assert "Maja" in card["phrase"]
    again = await push(ada, id=ids[1], **steps)
    assert (again["outcome"], again["keep_quiet"]) == ("already_recorded", ["Benno"])
    assert (await push(ada, id=ids[2], **steps))["keep_quiet"] == ["Benno"]


async def test_a_replay_of_a_roster_that_was_put_right_gives_the_live_rows(
    http: httpx.AsyncClient, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 11: a check finds no difference after corrections, and finds damaged names. A replay repairs these names."""
    ada = await found_family(http)
    child, home = await child_of(ada), (await roster_of(ada))["households"][0]["household"]
    for path in (f"children/{child}", f"members/{ada.member}", f"households/{home}"):
        for name in ("One", "Two"):
            assert (await ada.ask("PATCH", f"{FAMILY}/{path}", json={"name": name})).status_code == 200
    assert (await replay(database_url, check=True, processes=1)).differences == ()
    for table in ("child", "member", "household"):
        await pool.execute(f"UPDATE {table} SET name = 'One'")
    found = (await replay(database_url, check=True, processes=1)).differences
    assert {difference.table for difference in found} == {"child", "member", "household"}
    await replay(database_url, check=False, processes=1)
    names = {one["name"] for kind in (await roster_of(ada)).values() if isinstance(kind, list) for one in kind}
    assert names == {"Two"}
