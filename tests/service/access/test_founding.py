"""Families come to be, people are let in, and leave."""


import httpx

from tests.service.conftest import found_family


async def test_a_founder_finds_a_roster_of_one_home_one_child_and_themselves(http: httpx.AsyncClient) -> None:
    """Law 10: the log begins with roster facts, and the roster is their fold."""
    ada = await found_family(http)
    roster = (await ada.ask("GET", "/v1/families/{family}")).json()
    assert [member["name"] for member in roster["members"]] == ["Ada"]
    assert [child["name"] for child in roster["children"]] == ["Mia"]
    assert roster["households"][0]["household"] == roster["members"][0]["household"]


async def test_the_other_parent_opens_a_second_home(http: httpx.AsyncClient) -> None:
    """Each parent belongs to exactly one household."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
    roster = (await ben.ask("GET", "/v1/families/{family}")).json()
    assert {home["name"] for home in roster["households"]} == {"Home", "Ben's"}
    homes = {member["name"]: member["household"] for member in roster["members"]}
    assert homes["Ada"] != homes["Ben"]
    feed = (await ben.ask("GET", "/v1/families/{family}/feed")).json()
    assert "FamilyFounded" in {entry["event"]["event"]["type"] for entry in feed["entries"]}
