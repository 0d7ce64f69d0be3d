"""Tests the chain in pages and streams, by which a device notices that the service's feed is not the feed that it has."""

import asyncio
import json
from typing import Any

import httpx
import msgspec
import pytest

from service.feed import poller
from tests.polling import until
from tests.service.feed.listening import Phone, Running, found, listening

FOUNDING_ENTRIES = 4
ENTRIES = FOUNDING_ENTRIES + 300
"""The number of entries of a feed that is longer than one run can be."""


async def pull(running: Running, phone: Phone, *, after: int, limit: int = 2_000, media_type: str = "application/json") -> Any:
    """Returns one page of the feed, decoded."""
    async with httpx.AsyncClient(base_url=running.url, headers=phone.headers | {"Accept": media_type}) as http:
        answer = await http.get(f"/v1/families/{phone.family}/feed", params={"after": after, "limit": limit})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    return (msgspec.json if media_type == "application/json" else msgspec.msgpack).decode(answer.content)


@pytest.fixture
async def ada(running: Running) -> Phone:
    """Founds a family whose parent has a feed of several runs."""
    phone = await found(running)
    for _ in range(3):
        await phone.write(running, *(f"note {number}" for number in range(100)))
    return phone


async def test_a_page_ends_with_the_chain_that_the_next_one_begins_with(running: Running, ada: Phone) -> None:
    """The chain at a place is the same at the end of one page, at the beginning of the next, and at the end of the feed."""
    whole = await pull(running, ada, after=0)
    pages = [await pull(running, ada, after=after, limit=7) for after in range(0, ENTRIES, 7)]
    assert [page["chain_before"] for page in pages] == [whole["chain_before"], *(page["chain"] for page in pages[:-1])]
    at_the_end = await pull(running, ada, after=ENTRIES)
    assert (at_the_end["entries"], at_the_end["chain_before"]) == ([], whole["chain"])
    assert {at_the_end["chain"], pages[-1]["chain"]} == {whole["chain"]}
    assert len({page["chain"] for page in pages}) == len(pages)


async def test_a_page_states_its_chain_in_messagepack_as_in_json(running: Running, ada: Phone) -> None:
    for after in (0, 5, ENTRIES):
        packed = await pull(running, ada, after=after, limit=3, media_type="application/msgpack")
        assert packed == await pull(running, ada, after=after, limit=3)
        assert {type(packed["chain_before"]), type(packed["chain"])} == {str}


async def test_an_entry_of_a_page_has_no_chain_of_its_own(running: Running, ada: Phone) -> None:
    """The entries of a page have no chain. Hashes do not compress, and would be a quarter of the bytes of a full page."""
    page = await pull(running, ada, after=0)
    assert {tuple(entry) for entry in page["entries"]} == {("place", "told_at", "released", "event")}


@pytest.mark.parametrize("after", [0, FOUNDING_ENTRIES, 270, ENTRIES])
async def test_a_stream_begins_with_the_log_and_the_chain_at_its_place(running: Running, ada: Phone, after: int) -> None:
    """A stream begins with the chain of its place. A device compares this chain at once with the chain that it has stored."""
    page = await pull(running, ada, after=after)
    async with listening(running, ada, after=after) as subscription:
        await until(lambda: len(subscription.entries) == ENTRIES - after)
        await ada.write(running, "and on")
        await until(lambda: len(subscription.entries) == ENTRIES - after + 1)
    assert subscription.opening == {"log": page["log"], "place": after, "chain": page["chain_before"]}
    chains = [json.loads(entry)["chain"] for entry in subscription.entries]
    last = await pull(running, ada, after=ENTRIES + 1)
    assert last["chain"].startswith(chains[-1])
    assert all(page["chain"].startswith(chain) for chain in chains[-2:-1])


async def test_a_stream_that_outlives_a_restore_sends_nothing_of_another_feed(
    running: Running, ada: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the database is restored while a stream is open, the stream ends, and sends no entry of the restored feed."""
    monkeypatch.setattr(poller, "POLL_S_MAX", 0.2)
    async with listening(running, ada, after=ENTRIES) as subscription:
        await until(lambda: subscription.opening != {})
        (stream,) = running.runtime.streams
        async with running.runtime.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE device")
            await connection.execute("UPDATE feed_run SET chain_before = sha256(chain_before)")
            # Longer than a poll may take, so that the service finds its database gone.
            await asyncio.sleep(1.5)
        await until(lambda: stream.is_doubted)
        await ada.write(running, "after the restore")
        await until(lambda: subscription.has_ended)
        assert (subscription.texts(), subscription.was_cut) == ([], False)
