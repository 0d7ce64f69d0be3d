"""Tests the routes of webhooks: members make, list, rotate, resume and delete their own webhooks, and no others."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jsonschema_rs
import pytest

from service.webhooks.egress_policy import EgressPolicy
from service.webhooks.sender import Sender
from tests.service.conftest import UNLIMITED, Someone, Village, keeps, push
from tests.service.feed.listening import Running, serving
from tests.service.webhooks.conftest import poll_and_finish
from tests.service.webhooks.receiving import Frame, with_status

HOOKS = "/v1/families/{family}/webhooks"
ABSENT = "0193a3c0-0000-4000-8000-000000000000"


@dataclass
class Service:
    """A running service, and its sender, which a test can poll."""

    running: Running
    sender: Sender


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    """Runs a service that allows webhooks to private addresses, because the receivers of a test are on this machine."""
    async with serving(database_url, webhooks_anywhere=True, **UNLIMITED) as running:
        yield Service(running, running.runtime.webhook_sender)


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.running.url, timeout=20) as client:
        yield client


async def made(someone: Someone, frame: Frame, *, status: int = 201, query: str = "", **more: Any) -> dict[str, Any]:
    answer = await someone.ask("POST", HOOKS + query, json={"url": frame.url()} | more)
    assert answer.status_code == status, answer.text
    received: dict[str, Any] = answer.json()
    return received


async def listed(someone: Someone) -> list[dict[str, Any]]:
    answer = await someone.ask("GET", HOOKS)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["webhooks"]
    return found


async def feed(someone: Someone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await someone.ask("GET", "/v1/families/{family}/feed")).json()["entries"]
    return found


async def test_a_webhook_begins_at_the_feeds_end_or_at_a_given_place(
    service: Service, village: Village, frame: Frame
) -> None:
    """A webhook from place 0 receives the entries of a whole pull. Another one receives only the entry after its creation."""
    now, all_of_it = await made(village.ben, frame), await made(village.ben, frame, query="?after=0", url=frame.url(path="/all"))
    assert (now["place"], all_of_it["place"]) == (len(await feed(village.ben)), 0)
    await push(village.ada, village.saw("movement.first-steps"))
    await poll_and_finish(service.sender)
    entries = await feed(village.ben)
    assert [one.entry for one in frame.deliveries if one.line.startswith("POST /all ")] == entries
    assert [one.entry for one in frame.deliveries if one.line.startswith("POST /hooks")] == entries[-1:]
    for delivery in frame.deliveries:
        delivery.is_signed_with((all_of_it if "/all" in delivery.line else now)["secret"])
    assert [one["place"] for one in await listed(village.ben)] == [len(entries)] * 2
    ahead = await village.ben.ask("POST", HOOKS + "?after=999", json={"url": frame.url()})
    assert (ahead.status_code, ahead.json()["code"]) == (409, "feed.ahead")


async def test_a_webhook_belongs_to_its_maker_alone(village: Village, frame: Frame) -> None:
    """Law 14: requests for another member's webhook get the response for an absent webhook, and change nothing."""
    hook = (await made(village.ben, frame, name="the frame in the hall"))["webhook"]
    before = await listed(village.ben)
    assert [one["name"] for one in before] == ["the frame in the hall"]
    assert (await listed(village.ada), await listed(village.sam)) == ([], [])
    for method, path in (("DELETE", f"/{hook}"), ("POST", f"/{hook}/secret"), ("POST", f"/{hook}/resume")):
        theirs = await village.ada.ask(method, HOOKS + path)
        absent = await village.ada.ask(method, HOOKS + path.replace(hook, ABSENT))
        assert (theirs.status_code, theirs.content) == (404, absent.content)
        assert (await village.ducklings.ask(method, HOOKS + path)).status_code == 403
    assert before == await listed(village.ben)
    for method in ("GET", "POST"):
        answer = await village.ducklings.ask(method, HOOKS, json={"url": frame.url()})
        assert (answer.status_code, answer.json()["code"]) == (403, "access.not_for_role")


async def test_a_secret_is_returned_once(village: Village, frame: Frame) -> None:
    hook = await made(village.sam, frame)
    assert hook["secret"].startswith("whsec_")
    received = (await village.sam.ask("GET", HOOKS)).text
    assert "secret" not in received
    assert hook["secret"][6:] not in received


async def test_at_most_five_webhooks_also_when_made_at_once(village: Village, frame: Frame) -> None:
    """Law 17: of twelve concurrent requests, five make a webhook, and seven are refused."""
    answers = await asyncio.gather(*(village.ben.ask("POST", HOOKS, json={"url": frame.url()}) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"access.too_many"}
    hooks = await listed(village.ben)
    assert len(hooks) == 5
    assert (await village.ben.ask("DELETE", f"{HOOKS}/{hooks[0]['webhook']}")).status_code == 204
    assert (await village.ben.ask("DELETE", f"{HOOKS}/{hooks[0]['webhook']}")).status_code == 404
    await made(village.ben, frame)
    await made(village.ada, frame)


async def test_a_new_secret_signs_beside_the_last_one(service: Service, village: Village, frame: Frame) -> None:
    hook = await made(village.ben, frame, query="?after=0")
    answer = await village.ben.ask("POST", f"{HOOKS}/{hook['webhook']}/secret")
    assert answer.status_code == 200, answer.text
    ends_in = datetime.fromisoformat(answer.json()["both_until"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < ends_in <= timedelta(hours=24)
    await poll_and_finish(service.sender)
    for secret in (hook["secret"], answer.json()["secret"]):
        frame.deliveries[0].is_signed_with(secret)


async def test_the_states_of_a_webhook_and_its_resumption(service: Service, village: Village, frame: Frame) -> None:
    """A webhook is active, then failing, then disabled. A resumed webhook continues at its place."""
    hook = (await made(village.ben, frame, query="?after=0"))["webhook"]
    (active,) = await listed(village.ben)
    assert (active["state"], active["since"], active["next_attempt_at"], active["last"]) == ("active", None, None, None)
    frame.answer = with_status(500)
    await poll_and_finish(service.sender)
    (failing,) = await listed(village.ben)
    assert (failing["state"], failing["last"], failing["why"]) == ("failing", "5xx", None)
    assert datetime.fromisoformat(failing["next_attempt_at"]) > datetime.fromisoformat(failing["since"])
    resumed = await village.ben.ask("POST", f"{HOOKS}/{hook}/resume")
    assert (resumed.status_code, resumed.json()) == (200, failing), "who is failing keeps the back-off"
    await service.running.runtime.pool.execute("UPDATE webhook SET next_at = created_at")
    frame.answer = with_status(410)
    await poll_and_finish(service.sender)
    (disabled,) = await listed(village.ben)
    assert (disabled["state"], disabled["why"], disabled["next_attempt_at"]) == ("disabled", "gone", None)
    frame.answer = with_status(200)
    resumed = await village.ben.ask("POST", f"{HOOKS}/{hook}/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (200, "active")
    await poll_and_finish(service.sender)
    assert frame.places == [1, 1, *range(1, len(await feed(village.ben)) + 1)]


@pytest.mark.parametrize("url", ["https://192.168.1.1/", "https://nobody.invalid/", "https://localhost:8443/", "http://example.org/",
                                 "https://[::ffff:10.0.0.1]/", "https://2130706433/", "https://a@example.org/", "nonsense"])
async def test_a_forbidden_address_is_refused_with_one_sentence(
    service: Service, village: Village, url: str
) -> None:
    """Law 17: all forbidden addresses get one sentence, because the exact reason would reveal the operator's network."""
    egress = EgressPolicy(resolve=lambda host, port: ["10.0.0.1"])
    service.running.gateway.runtime = replace(service.running.runtime, egress=egress)
    expected = await village.ben.ask("POST", HOOKS, json={"url": "https://private.example/"})
    answer = await village.ben.ask("POST", HOOKS, json={"url": url})
    assert (422, expected.content) == (answer.status_code, answer.content)
    assert (answer.json()["code"], answer.json()["at"]) == ("webhook.url_not_allowed", "url")
    assert await listed(village.ben) == []


@pytest.mark.parametrize(
    ("body", "query", "at"),
    [({}, "", "url"), ({"url": 1}, "", "url"), ({"url": ""}, "", "url"), ({"url": "https://a.example/" + "x" * 2_031}, "", "url"),
     ({"url": "https://a.example/", "secret": "mine"}, "", "secret"), ({"url": "https://a.example/", "name": ""}, "", "name"),
     ({"url": "https://a.example/"}, "?after=-1", "after"), ({"url": "https://a.example/"}, "?after=null", "after"),
     ({"url": "https://a.example/"}, "?from=0", "from")],
)  # fmt: skip
async def test_a_bad_body_or_query_is_refused_with_its_field(
    village: Village, body: dict[str, Any], query: str, at: str
) -> None:
    """Law 17: the refusal of an invalid body or query names the field."""
    answer = await village.ben.ask("POST", HOOKS + query, json=body)
    assert (400, "body.invalid", at) == (answer.status_code, answer.json()["code"], answer.json()["at"])
    assert await listed(village.ben) == []


async def test_a_webhook_belongs_to_the_member_and_not_to_a_device(service: Service, village: Village, frame: Frame) -> None:
    """A webhook continues when the device that made it is revoked, and is deleted when its member leaves."""
    code = (await village.sam.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    received = (await village.sam.http.post("/v1/devices/pair", json={"code": code, "device": {"name": "lost"}})).json()
    lost = Someone(village.sam.http, received | {"family": village.sam.family, "member": village.sam.member})
    await made(lost, frame)
    assert (await village.sam.ask("DELETE", f"/v1/devices/{lost.device}")).status_code == 204
    await push(village.ada, village.saw("movement.first-steps"))
    await poll_and_finish(service.sender)
    assert len(frame.deliveries) == 1
    frame.answer = with_status(503)
    await push(village.ada, village.saw("movement.first-steps"))
    await poll_and_finish(service.sender)
    assert len(frame.deliveries) == 2
    await service.running.runtime.pool.execute("UPDATE webhook SET next_at = created_at")
    left = await village.ada.ask("DELETE", f"/v1/families/{{family}}/members/{village.sam.member}")
    assert left.status_code == 204
    await poll_and_finish(service.sender)
    assert len(frame.deliveries) == 2
    assert await service.running.runtime.pool.fetchval("SELECT count(*) FROM webhook") == 0


async def test_a_held_event_shows_in_no_response(service: Service, village: Village, frame: Frame) -> None:
    """Law 8: a held event changes no byte of the list of webhooks, and no webhook posts anything about the event."""
    await keeps(village.ben)
    await made(village.ben, frame, query="?after=0")
    await poll_and_finish(service.sender)
    before = (await village.ben.ask("GET", HOOKS)).content, len(frame.deliveries)
    await push(village.ada, village.saw("movement.first-steps"), village.first("movement.first-steps"))
    await poll_and_finish(service.sender)
    assert before == ((await village.ben.ask("GET", HOOKS)).content, len(frame.deliveries))
    await push(village.ben, {"type": "EnvelopeOpened", "scope": "all"})
    await poll_and_finish(service.sender)
    assert [one.entry for one in frame.deliveries] == await feed(village.ben)


async def test_responses_match_the_openapi_document(village: Village, frame: Frame) -> None:
    """The body of each response is valid by the OpenAPI document."""
    document = (await village.ben.ask("GET", "/schema/openapi.json")).json()
    hook = (await village.ben.ask("POST", HOOKS, json={"url": frame.url()})).json()
    requests = [("get", ""), ("post", "/{webhook}/secret"), ("post", "/{webhook}/resume"), ("post", "")]
    for method, path in requests:
        body = {"url": "x"} if (method, path) == ("post", "") else None
        answer = await village.ben.ask(method.upper(), HOOKS + path.replace("{webhook}", hook["webhook"]), json=body)
        content = document["paths"][HOOKS + path][method]["responses"][str(answer.status_code)]["content"]
        (schema,) = [one["schema"] for name, one in content.items() if answer.headers["content-type"].startswith(name)]
        jsonschema_rs.validate({**schema, "components": document["components"]}, answer.json())
