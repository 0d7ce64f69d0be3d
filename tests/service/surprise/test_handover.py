"""Tests the hand-over card over HTTP: it lists what not to mention, and contains nothing that is invisible to its reader."""

from typing import Any

import httpx
import pytest

from service.surprise import handover_card
from tests.service.access_fixtures import Standing, problem_in
from tests.service.conftest import Someone, Village, keeps, push

CARD = "/v1/families/{family}/handover"
WALKED, SPOKE, STOOD, CLAPPED = "movement.first-steps", "talking.first-word", "movement.stands-for-a-moment", "hands.claps"
OWN = "own.0193a2b4-0000-7000-8000-000000000000"


async def read(someone: Someone, **query: str) -> list[dict[str, Any]]:
    """Returns the cards that a member reads."""
    answer = await someone.ask("GET", CARD, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["cards"]
    return found


async def card_of(reader: Someone) -> tuple[list[str], list[str]]:
    """Returns the milestones of the only card: those that the waiting member knows, and those not to be mentioned."""
    (card,) = await read(reader)
    return [line["milestone"] for line in card["knows"]], [line["milestone"] for line in card["not_to_mention"]]


def observable(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Returns the status, the headers and the body of a response, without the date and the request id."""
    headers = [(name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id")]
    return answer.status_code, headers, answer.content


async def test_the_sitter_and_both_parents_read_what_not_to_mention(village: Village) -> None:
    """The sitter gets the cards about both parents, with titles and a safe phrase. Each parent gets the other's card."""
    await keeps(village.ben, "domain:movement", hold_unsorted=True)
    await push(village.sam, village.saw(WALKED), village.saw(SPOKE))
    for reader in (village.ada, village.sam):
        assert await read(reader) == [
            {
                "member": village.ben.member, "name": "Ben", "child": village.child, "child_name": "Mia",
                "knows": [{"milestone": SPOKE, "title": "First word", "domain": "talking"}],
                "not_to_mention": [{"milestone": WALKED, "title": "First steps alone", "domain": "movement"}],
                "notes_too": True,
                "phrase": "Mia is as busy as ever. Have fun together, and keep the camera handy.",
            }
        ]  # fmt: skip
    await keeps(village.ada, "domain:hands")
    await push(village.ben, village.saw(CLAPPED))
    assert {card["name"]: [line["milestone"] for line in card["not_to_mention"]] for card in await read(village.sam)} == {
        "Ada": [CLAPPED], "Ben": [WALKED],
    }  # fmt: skip
    assert await card_of(village.ben) == ([SPOKE], [CLAPPED])


async def test_what_one_saw_alone_or_opened_changes_no_byte_of_anybodys_card(village: Village) -> None:
    """Law 14: a private first and an opened envelope change no card and no receipt of others. A shared first changes them."""
    await keeps(village.ben)
    await push(village.ada, village.saw(WALKED))
    readers = (village.ada, village.sam, village.ducklings)
    before = [observable(await reader.ask("GET", CARD)) for reader in readers]
    quiet = [(await push(reader, village.saw(STOOD)))[0]["keep_quiet"] for reader in readers]
    assert quiet == [["Ben"]] * 3
    middle = [observable(await reader.ask("GET", CARD)) for reader in readers]
    assert [one != other for one, other in zip(before, middle, strict=True)] == [True, True, True]

    await push(village.ben, village.first(WALKED), audience="me")
    await push(village.ben, village.first(STOOD), audience="household")
    await push(village.ben, {"type": "EnvelopeOpened", "scope": "all"})
    await village.ben.ask("GET", "/v1/families/{family}/feed")
    assert middle == [observable(await reader.ask("GET", CARD)) for reader in readers]
    assert quiet == [(await push(reader, village.saw(STOOD)))[0]["keep_quiet"] for reader in readers]

    await push(village.ben, village.first(WALKED), audience="family")
    assert await card_of(village.sam) == ([WALKED, STOOD], [])
    assert await card_of(village.ducklings) == ([], [STOOD]), "a daycare was told of nobody's first"


async def test_what_is_held_from_a_reader_changes_no_byte_of_their_card(village: Village) -> None:
    """Law 8: events that are held from Ben change no byte of Ben's card."""
    await keeps(village.ada, "domain:hands")
    await push(village.ada, village.saw(CLAPPED))
    await push(village.sam, village.saw(CLAPPED))
    await keeps(village.ben, "domain:movement")
    await keeps(village.ben, "domain:life")
    encodings = [{}, {"Accept": "application/msgpack"}, {"Accept-Encoding": "gzip"}]

    async def read_by_ben() -> list[Any]:
        path = CARD.replace("{family}", village.ben.family)
        return [observable(await village.ben.http.get(path, headers={**village.ben.headers, **more})) for more in encodings]

    before = await read_by_ben()
    assert await card_of(village.ben) == ([CLAPPED], [])
    (claps,) = await push(village.ada, village.saw(WALKED), audience="family")
    await push(village.ada, {"type": "Amended", "target": claps["id"], "changes": {"milestone": STOOD}})
    await push(village.ada, {"type": "MilestoneNamed", "milestone": OWN, "title": "Rides a pony", "domain": "life"})
    await push(village.sam, village.saw(OWN), village.saw(STOOD))
    await keeps(village.ada, f"milestone:{OWN}", hold_unsorted=True)
    assert before == await read_by_ben()
    await push(village.ben, {"type": "EnvelopeOpened", "scope": "all"})
    assert before != await read_by_ben()


async def test_a_sighting_that_its_author_amends_out_of_the_readers_sight_stays_what_it_was_to_them(village: Village) -> None:
    """Law 8: Ada's amendment is held from Ben, so Ben's card does not change."""
    await keeps(village.ada)
    await keeps(village.ben, "domain:hands")
    (mine,) = await push(village.ada, village.saw(WALKED))
    await push(village.sam, village.saw(WALKED))
    before = observable(await village.ben.ask("GET", CARD))
    assert await card_of(village.ben) == ([WALKED], [])
    await push(village.ada, {"type": "Amended", "target": mine["id"], "changes": {"milestone": CLAPPED}})
    assert before == observable(await village.ben.ask("GET", CARD))
    about_ada = next(card for card in await read(village.sam) if card["name"] == "Ada")
    assert [line["milestone"] for line in about_ada["not_to_mention"]] == [WALKED]


async def test_a_card_about_one_child_is_that_part_of_the_card(village: Village) -> None:
    """With `child` in its query, a request gets the cards of the full list that are about this child (protocol, Views)."""
    noah = (await village.ada.ask("POST", "/v1/families/{family}/children", json={"name": "Noah"})).json()["child"]
    await keeps(village.ben)
    await keeps(village.ada, child=noah)
    cards = await read(village.sam)
    assert {(card["name"], card["child_name"]) for card in cards} == {("Ben", "Mia"), ("Ben", "Noah"), ("Ada", "Noah")}
    assert cards == sorted(cards, key=lambda card: (card["member"], card["child"]))
    assert [card for card in cards if card["child"] == noah] == await read(village.sam, child=noah)


async def test_the_pages_of_the_card_end_and_cover_every_member(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 17: a page has a bounded number of members. The pages together have all members."""
    monkeypatch.setattr(handover_card, "MEMBERS_A_PAGE", 2)
    waiting = [village.ben, *[await village.ada.invite("caregiver", name=f"Aunt {number}") for number in range(4)]]
    for member in waiting:
        await keeps(member)
    found, query, pages = [], dict[str, str](), 0
    while pages < 5:
        answer = (await village.sam.ask("GET", CARD, params=query)).json()
        found += [card["member"] for card in answer["cards"]]
        assert len(answer["cards"]) <= 2
        pages += 1
        if answer["next"] is None:
            break
        query = {"after": answer["next"]}
    assert (found, pages) == (sorted(member.member for member in waiting), 3)
    assert (await waiting[1].ask("DELETE", f"/v1/families/{{family}}/members/{waiting[1].member}")).status_code == 204
    assert waiting[1].member not in (await village.sam.ask("GET", CARD, params={})).text


WRONG = {"child=mia": "child", "child=": "child", "after=x": "after", "limit=1": "limit", "child=null": "child"}


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("query", WRONG)
def test_a_query_that_cannot_be_is_refused_by_name(standing: Standing, query: str) -> None:
    answer = standing.ask("ada", "GET", f"{CARD}?{query}")
    problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
    assert (400, "body.invalid", WRONG[query]) == (problem["status"], problem["code"], problem["at"])


@pytest.mark.usefixtures("nothing_changes")
def test_a_foreign_child_and_an_absent_one_are_alike_to_the_byte(standing: Standing) -> None:
    """The responses for a foreign child and for an absent one are equal, so they do not show whether the child exists."""
    children = [standing.ids[name] for name in ("foreign_child", "absent")]
    answers = [observable(standing.ask("ada", "GET", CARD, params={"child": child})) for child in children]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
