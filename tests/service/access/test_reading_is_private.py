"""Tests that no member learns whether, when, where or on which device another member reads."""

import asyncio
from contextlib import aclosing
from typing import Any

import httpx

from tests.service.conftest import Someone, found_family

ADA_READS = (
    "", "/feed?after=0", "/feed?after=2&limit=1", "/handover", "/tips", "/timeline", "/timeline?as_of=2100-01-01T00:00:00Z",
    "/events", "/nothing",
)  # fmt: skip
BEN_READS = ("", "/feed?after=0", "/handover", "/tips", "/timeline", "/timeline?as_of=2020-01-01T00:00:00Z", "/feed?after=99")


async def test_what_another_member_reads_changes_no_byte_of_mine(http: httpx.AsyncClient) -> None:
    """Law 14: Ada gets the same bytes whether or not Ben reads, streams, or pairs and revokes a device."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
    before = await all_responses_to(ada)
    for path in BEN_READS:
        await ben.ask("GET", "/v1/families/{family}" + path)
    assert before == await all_responses_to(ada)
    async with aclosing(live_lines(ben)) as entries:
        await anext(entries)
        assert before == await all_responses_to(ada)
    tablet = await pair(ben, device="CanaryTablet")
    await tablet.ask("GET", "/v1/families/{family}/feed")
    await ben.ask("DELETE", f"/v1/devices/{tablet.device}")
    assert before == await all_responses_to(ada)


async def test_another_member_listening_moves_nothing_on_my_stream(http: httpx.AsyncClient) -> None:
    """Law 14: when Ben opens, reads or closes a stream, Ada's stream gets no wake-up, heartbeat or entry."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
    place = (await ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen() -> None:
        path = f"/v1/families/{ada.family}/live?after={place}"
        async with http.stream("GET", path, headers=ada.headers) as stream:
            async for part in stream.aiter_raw():
                await heard.put(part)

    listening = asyncio.create_task(listen())
    assert (await heard.get()).startswith(b"event: feed\n"), "each stream begins with where the feed is"
    for _ in range(3):
        async with aclosing(live_lines(ben)) as entries:
            await anext(entries)
        await ben.ask("GET", "/v1/families/{family}/feed")
    await asyncio.sleep(1.0)  # two rounds of the poller
    listening.cancel()
    await asyncio.wait([listening])
    assert heard.empty()


async def test_the_names_of_devices_are_their_own_persons(http: httpx.AsyncClient) -> None:
    """Law 14: a member's devices, and their number, are not visible to other members."""
    ada = await found_family(http)
    ben = await ada.invite("parent", name="Ben", household={"name": "Home of Ben"})
    tablet = await pair(ben, device="CanaryTablet")
    responses = repr(await all_responses_to(ada))
    assert "Ben" in responses
    for secret in ("CanaryTablet", "Ben's", ben.device, tablet.device):
        assert secret not in responses
    assert "CanaryTablet" in (await ben.ask("GET", "/v1/me")).text


async def all_responses_to(someone: Someone) -> list[tuple[int, list[tuple[str, str]], bytes]]:
    """Returns the status, the headers and the body of each response, without the date and the request id."""
    answers = [await someone.ask("GET", "/v1/families/{family}" + path) for path in ADA_READS]
    answers.append(await someone.ask("GET", "/v1/me"))
    answers.append(await someone.http.get("/metrics"))
    return [(answer.status_code, _headers(answer), answer.content) for answer in answers]


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id")]


async def live_lines(someone: Someone) -> Any:
    """Opens a live stream, and yields its lines from the first entry on."""
    path = f"/v1/families/{someone.family}/live?after=0"
    async with someone.http.stream("GET", path, headers=someone.headers) as stream:
        async for line in stream.aiter_lines():
            yield line


async def pair(someone: Someone, *, device: str) -> Someone:
    """Pairs a second device of a person, and returns the new device."""
    code = (await someone.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    paired = await someone.http.post("/v1/devices/pair", json={"code": code, "device": {"name": device}})
    return Someone(someone.http, paired.json() | {"family": someone.family})
