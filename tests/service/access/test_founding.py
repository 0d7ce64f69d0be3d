"""Tests requests that found a family or accept an invite."""


import httpx

from tests.service.conftest import Someone, found_family


async def test_a_founder_finds_a_roster_of_one_home_one_child_and_themselves(http: httpx.AsyncClient) -> None:
    """Law 10: the roster of a new family has one home, one child and the founder, who belongs to this home."""
    ada = await found_family(http)
    roster = (await ada.ask("GET", "/v1/families/{family}")).json()
    assert [member["name"] for member in roster["members"]] == ["Ada"]
    assert [child["name"] for child in roster["children"]] == ["Mia"]
    assert roster["households"][0]["household"] == roster["members"][0]["household"]


async def test_the_other_parent_opens_a_second_home(http: httpx.AsyncClient) -> None:
    """The second parent belongs to the new home and the first parent to the old one, and both homes are in one family."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
    roster = (await ben.ask("GET", "/v1/families/{family}")).json()
    assert {home["name"] for home in roster["households"]} == {"Home", "Ben's"}
    homes = {member["name"]: member["household"] for member in roster["members"]}
    assert homes["Ada"] != homes["Ben"]
    feed = (await ben.ask("GET", "/v1/families/{family}/feed")).json()
    assert "FamilyFounded" in {entry["event"]["event"]["type"] for entry in feed["entries"]}


async def _accept(ada: Someone, *, role: str, surprise: list[dict[str, object]]) -> httpx.Response:
    code = (await ada.ask("POST", "/v1/families/{family}/invites", json={"role": role})).json()["code"]
    body = {"code": code, "name": "Ben", "device": {"name": "d"}, "surprise": surprise}
    return await ada.http.post("/v1/invites/accept", json=body)


async def test_a_joining_parent_can_choose_surprises_in_the_same_request(http: httpx.AsyncClient) -> None:
    """The choices of a joining parent are recorded with the joining, and delivered to this parent alone."""
    ada = await found_family(http)
    accepted = await _accept(ada, role="parent", surprise=[{"scope": "domain:movement", "mode": "keep", "at_most_days": 30}])
    assert accepted.status_code == 201, accepted.text
    ben = Someone(http, accepted.json())
    types = [
        [entry["event"]["event"]["type"] for entry in (await one.ask("GET", "/v1/families/{family}/feed")).json()["entries"]]
        for one in (ben, ada)
    ]
    assert "SurpriseChosen" in types[0]
    assert "SurpriseChosen" not in types[1]


async def test_a_choice_that_cannot_be_is_refused_with_its_field_and_nothing_is_joined(http: httpx.AsyncClient) -> None:
    """Law 17: the refusal of an invalid choice names the field, and the person does not join."""
    ada = await found_family(http)
    absent = "0193a3c0-0000-4000-8000-000000000000"
    everything: dict[str, object] = {"scope": "all", "mode": "keep"}
    refused = await _accept(ada, role="parent", surprise=[everything, {**everything, "child": absent}])
    assert (refused.status_code, refused.json()["at"]) == (422, "surprise[1].child")
    loose = await _accept(ada, role="parent", surprise=[{"scope": "everything", "mode": "keep"}])
    assert (loose.status_code, loose.json()["at"]) == (400, "surprise[0].scope")
    daycare = await _accept(ada, role="daycare", surprise=[everything])
    assert (daycare.status_code, daycare.json()["code"]) == (403, "event.role_may_not")
    assert len((await ada.ask("GET", "/v1/families/{family}")).json()["members"]) == 1
