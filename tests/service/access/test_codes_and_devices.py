"""Tests that a code works once, that a revoked token is refused within a second, and that a member who left has no access."""

import asyncio
import time

import asyncpg
import httpx
import pytest

from service.settings import Founding, Settings
from tests.service.conftest import UNLIMITED, Someone, found_family, running


async def owner(database_url: str, sql: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def code_of(ada: Someone, role: str = "caregiver") -> str:
    code: str = (await ada.ask("POST", "/v1/families/{family}/invites", json={"role": role})).json()["code"]
    return code


async def test_of_many_concurrent_requests_with_one_invite_one_joins(http: httpx.AsyncClient) -> None:
    ada = await found_family(http)
    code = await code_of(ada)

    async def accept(index: int) -> httpx.Response:
        body = {"code": code, "name": f"N{index}", "device": {"name": "d"}}
        return await http.post("/v1/invites/accept", json=body)

    answers = await asyncio.gather(*(accept(index) for index in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [404] * 7
    assert {"access.code_unusable"} == {answer.json()["code"] for answer in answers if answer.status_code == 404}
    assert len((await ada.ask("GET", "/v1/families/{family}")).json()["members"]) == 2


async def test_of_many_concurrent_requests_with_one_pair_code_one_is_paired(http: httpx.AsyncClient) -> None:
    ada = await found_family(http)
    code = (await ada.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    body = {"code": code, "device": {"name": "tablet"}}
    answers = await asyncio.gather(*(http.post("/v1/devices/pair", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [404] * 7
    assert len((await ada.ask("GET", "/v1/me")).json()["devices"]) == 2


async def test_used_expired_and_invented_codes_are_answered_alike(http: httpx.AsyncClient, database_url: str) -> None:
    """A used, an expired and an invented code get the same response, which does not show why the code is invalid."""
    ada = await found_family(http)
    used, expired = await code_of(ada), await code_of(ada)
    accepted = await http.post("/v1/invites/accept", json={"code": used, "name": "N", "device": {"name": "d"}})
    assert accepted.status_code == 201
    await owner(database_url, "UPDATE invite SET expires_at = now() - interval '1 second'")
    answers = [
        await http.post("/v1/invites/accept", json={"code": code, "name": "N", "device": {"name": "d"}})
        for code in (used, expired, "invented-code-of-some-length")
    ]
    assert {(404, answers[0].content)} == {(answer.status_code, answer.content) for answer in answers}


async def test_a_new_pair_code_ends_the_one_before_and_all_end_in_ten_minutes(http: httpx.AsyncClient, database_url: str) -> None:
    ada = await found_family(http)
    first = (await ada.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    second = (await ada.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    assert (await http.post("/v1/devices/pair", json={"code": first, "device": {"name": "d"}})).status_code == 404
    await owner(database_url, "UPDATE pair_code SET expires_at = expires_at - interval '10 minutes 1 second'")
    assert (await http.post("/v1/devices/pair", json={"code": second, "device": {"name": "d"}})).status_code == 404


async def test_a_second_device_speaks_for_the_same_member(http: httpx.AsyncClient) -> None:
    """A device that is paired with the code of another device acts as the same member."""
    ada = await found_family(http)
    code = (await ada.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    tablet = Someone(http, (await http.post("/v1/devices/pair", json={"code": code, "device": {"name": "tablet"}})).json())
    assert (await tablet.ask("GET", "/v1/me")).json()["memberships"][0]["member"] == ada.member


async def test_a_person_with_a_token_founds_and_joins_as_the_same_person(http: httpx.AsyncClient) -> None:
    """With a token, one person founds a family and joins another one, and keeps the device and its token."""
    ada, ben = await found_family(http), await found_family(http, you="Ben")
    joined = await ben.ask("POST", "/v1/invites/accept", json={"code": await code_of(ada), "name": "Uncle Ben"})
    again = await ben.ask(
        "POST", "/v1/families", json={"you": {"name": "B"}, "household": {"name": "H"}, "child": {"name": "Kid"}}
    )
    assert (joined.status_code, again.status_code) == (201, 201)
    assert {(ben.device, ben.token)} == {(answer.json()["device"], answer.json()["token"]) for answer in (joined, again)}
    me = (await ben.ask("GET", "/v1/me")).json()
    assert len(me["memberships"]) == 3
    assert len(me["devices"]) == 1


async def test_a_member_cannot_join_twice_and_the_code_is_not_used_up(http: httpx.AsyncClient) -> None:
    """Law 17: a member who joins a second time is refused, and the code stays valid for another person."""
    ada = await found_family(http)
    code = await code_of(ada)
    twice = await ada.ask("POST", "/v1/invites/accept", json={"code": code, "name": "Ada again"})
    assert (twice.status_code, twice.json()["code"]) == (409, "access.already_member")
    fresh = await http.post("/v1/invites/accept", json={"code": code, "name": "Cleo", "device": {"name": "d"}})
    assert fresh.status_code == 201


async def test_without_a_token_a_device_is_named(http: httpx.AsyncClient) -> None:
    """Law 17: a founding request without a token must have the field `device`. The refusal names that field."""
    answer = await http.post("/v1/families", json={"you": {"name": "A"}, "household": {"name": "H"}, "child": {"name": "K"}})
    assert (answer.status_code, answer.json()["at"]) == (400, "device")


async def test_missing_unknown_revoked_and_malformed_tokens_are_answered_alike(http: httpx.AsyncClient) -> None:
    """Requests with a missing, unknown, revoked or malformed token get the same bytes, except for date and request id."""
    ada = await found_family(http)
    assert (await ada.ask("DELETE", f"/v1/devices/{ada.device}")).status_code == 204
    tokens = [
        None, "", "Bearer", "Bearer x", "Basic abc", f"Bearer {ada.token}", f"Bearer {ada.token}x",
        "Bearer sn1_" + "A" * 43, "Bearer " + "a" * 4000,
    ]  # fmt: skip
    for path in ("/v1/me", f"/v1/families/{ada.family}", f"/v1/families/{ada.family}/feed", f"/v1/families/{ada.family}/live"):
        answers = [await http.get(path, headers={"Authorization": token} if token is not None else {}) for token in tokens]
        assert {401} == {answer.status_code for answer in answers}
        assert len({(answer.content, tuple(_headers(answer))) for answer in answers}) == 1


async def test_foreign_and_absent_families_are_answered_alike(http: httpx.AsyncClient) -> None:
    """Requests for a foreign family and for an absent one get the same bytes, on eight routes of a family."""
    ada, eve = await found_family(http), await found_family(http, you="Eve")
    absent = "0193a3c0-0000-4000-8000-000000000000"
    routes = [("GET", ""), ("GET", "/feed"), ("GET", "/live"), ("GET", "/timeline"), ("POST", "/events"), ("POST", "/children"),
              ("POST", "/invites"), ("DELETE", f"/members/{ada.member}")]  # fmt: skip
    for method, rest in routes:
        answers = [await eve.ask(method, f"/v1/families/{family}{rest}") for family in (ada.family, absent)]
        assert {404} == {answer.status_code for answer in answers}, (method, rest)
        assert len({(answer.content, tuple(_headers(answer))) for answer in answers}) == 1


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id")]


async def test_a_foreign_device_cannot_be_revoked_and_does_not_show(http: httpx.AsyncClient) -> None:
    """Law 14: the request to revoke another person's device gets the response for a device that does not exist."""
    ada, eve = await found_family(http), await found_family(http, you="Eve")
    foreign = await eve.ask("DELETE", f"/v1/devices/{ada.device}")
    absent = await eve.ask("DELETE", "/v1/devices/0193a3c0-0000-4000-8000-000000000000")
    assert (404, foreign.content) == (foreign.status_code, absent.content)
    assert (await ada.ask("GET", "/v1/me")).status_code == 200


async def test_a_revocation_in_one_process_takes_effect_in_another_within_a_second(database_url: str) -> None:
    """Without wake-ups between two processes, a revocation in one of them ends the device's access in the other."""
    settings = Settings(database_url=database_url, workers=2, **UNLIMITED)
    with running(settings) as here, running(settings) as there:
        async with httpx.AsyncClient(base_url=here, timeout=10) as near, httpx.AsyncClient(base_url=there, timeout=10) as far:
            ada = await found_family(near)
            async with far.stream("GET", f"/v1/families/{ada.family}/live", headers=ada.headers) as stream:
                assert stream.status_code == 200
                assert (await far.get("/v1/me", headers=ada.headers)).status_code == 200
                assert (await ada.ask("DELETE", f"/v1/devices/{ada.device}")).status_code == 204
                revoked_at = time.monotonic()
                assert (await ada.ask("GET", "/v1/me")).status_code == 401
                async for _ in stream.aiter_bytes():
                    pass
                assert time.monotonic() - revoked_at < 1.5  # half a second for the poll, and the rest for a slow machine
            await asyncio.sleep(max(0.0, revoked_at + 0.6 - time.monotonic()))
            assert (await far.get("/v1/me", headers=ada.headers)).status_code == 401


async def test_a_member_who_left_has_no_access_and_returns_as_a_new_member(http: httpx.AsyncClient) -> None:
    """Law 16: a member who has left reads no feed and has no membership. If the person returns, the member is new."""
    ada = await found_family(http)
    sitter = await ada.invite("caregiver", name="Cleo")
    assert (await sitter.ask("DELETE", f"/v1/families/{{family}}/members/{sitter.member}")).status_code == 204
    assert (await sitter.ask("GET", "/v1/families/{family}/feed")).status_code == 404
    assert (await sitter.ask("GET", "/v1/me")).json()["memberships"] == []
    back = await sitter.ask("POST", "/v1/invites/accept", json={"code": await code_of(ada), "name": "Cleo"})
    assert back.status_code == 201
    assert back.json()["member"] != sitter.member


async def test_a_removal_is_one_of_many_and_ends_the_targets_stream(http: httpx.AsyncClient) -> None:
    """Of four simultaneous removals of one member, one succeeds. The removed member's stream ends within a second."""
    ada = await found_family(http)
    sitter = await ada.invite("caregiver", name="Cleo")
    async with http.stream("GET", f"/v1/families/{ada.family}/live", headers=sitter.headers) as stream:
        path = f"/v1/families/{{family}}/members/{sitter.member}"
        answers = await asyncio.gather(*(ada.ask("DELETE", path) for _ in range(4)))
        began = time.monotonic()
        assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
        async for _ in stream.aiter_bytes():
            pass
        assert time.monotonic() - began < 1.0


async def test_the_last_parent_cannot_leave_and_of_two_leaving_at_once_one_stays(http: httpx.AsyncClient) -> None:
    """The only parent cannot leave. If two parents leave at the same time, one of the two requests is refused."""
    ada = await found_family(http)
    alone = await ada.ask("DELETE", f"/v1/families/{{family}}/members/{ada.member}")
    assert (alone.status_code, alone.json()["code"]) == (409, "access.last_parent")
    ben = await ada.invite("parent", name="Ben", household={"name": "Bens"})
    answers = await asyncio.gather(
        *(one.ask("DELETE", f"/v1/families/{{family}}/members/{one.member}") for one in (ada, ben))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_open_invites_of_a_member_who_left_are_invalid(http: httpx.AsyncClient) -> None:
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Bens"})
    code = await code_of(ben)
    assert (await ben.ask("DELETE", f"/v1/families/{{family}}/members/{ben.member}")).status_code == 204
    answer = await http.post("/v1/invites/accept", json={"code": code, "name": "N", "device": {"name": "d"}})
    assert answer.status_code == 404


async def test_only_hashes_of_tokens_and_codes_are_kept(http: httpx.AsyncClient, database_url: str) -> None:
    """The database contains no token and no code, so a stolen backup gives no access."""
    ada = await found_family(http)
    code = await code_of(ada)
    pair = (await ada.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in tables:
            dump = str(await connection.fetch(f'SELECT t::text FROM "{table}" AS t'))
            for secret in (ada.token, ada.token.removeprefix("sn1_"), code, pair):
                assert secret not in dump
                assert secret.encode().hex() not in dump
    finally:
        await connection.close()


@pytest.mark.parametrize(("founding", "status"), [("closed", 403), ("invited", 403), ("open", 201)])
async def test_founding_follows_the_setting(database_url: str, founding: str, status: int) -> None:
    settings = Settings(database_url=database_url, founding=Founding(founding), **UNLIMITED)
    with running(settings) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            body = {"you": {"name": "A"}, "household": {"name": "H"}, "child": {"name": "K"}, "device": {"name": "d"}}
            assert (await http.post("/v1/families", json=body)).status_code == status
