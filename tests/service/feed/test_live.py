"""Tests the stream of one device: the first entries, later entries, a resumed stream, and what a stream never sends."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from service.feed import notifier as wake_module
from service.feed.streams import STREAMS_PER_DEVICE_MAX
from tests.polling import until
from tests.service.feed.listening import Phone, Running, counting_reads, found, invite, listening, read_with

FOUNDING_ENTRIES = 4
"""The number of entries of a new family's feed: FamilyFounded, HouseholdOpened, MemberJoined and ChildAdded."""


@pytest.fixture(autouse=True)
def no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns polling off, so that each entry arrives because of a notification."""
    monkeypatch.setattr(wake_module, "POLL_EVERY_S", 600.0)


async def pulled(running: Running, phone: Phone) -> list[dict[str, object]]:
    """Returns a member's whole feed."""
    async with httpx.AsyncClient(base_url=running.url, headers=phone.headers) as http:
        answer = await http.get(f"/v1/families/{phone.family}/feed", params={"limit": 2000})
    entries: list[dict[str, object]] = answer.json()["entries"]
    return entries


async def test_a_stream_catches_up_and_then_follows(running: Running) -> None:
    """Law 7: places are contiguous, from the first page to entries that are written while the stream is open."""
    ada = await found(running)
    await ada.write(running, *(f"before {number}" for number in range(150)))
    async with listening(running, ada) as subscription:
        await until(lambda: len(subscription.places) == FOUNDING_ENTRIES + 150)
        await ada.write(running, "after")
        await until(lambda: len(subscription.places) == FOUNDING_ENTRIES + 151)
        assert subscription.places == list(range(1, FOUNDING_ENTRIES + 152))


async def test_a_stream_sends_what_a_pull_returns(running: Running) -> None:
    """Law 7: a stream sends the entries that a pull returns, except for the field `chain`."""
    ada = await found(running)
    ben = await invite(running, ada)
    async with listening(running, ben) as subscription:
        await ada.write(running, "one", "two\u2028three", "four")
        await ben.write(running, "mine", audience="me")
        entries = await pulled(running, ben)
        await until(lambda: len(subscription.places) == len(entries))
        assert [json.loads(entry) | {"chain": None} for entry in subscription.entries] == [
            entry | {"chain": None} for entry in entries
        ]


async def test_an_entry_written_while_the_first_page_is_read_arrives(running: Running) -> None:
    """Law 3: a stream is registered before it reads. So an entry that the first page missed causes a notification."""
    ada = await found(running)
    read = running.runtime.streams.read
    has_written = False

    async def reading(**arguments: Any) -> Any:
        nonlocal has_written
        page = await read(**arguments)
        if not has_written:
            has_written = True
            await ada.write(running, "just missed")
        return page

    read_with(running, reading)
    async with listening(running, ada) as subscription:
        await until(lambda: subscription.texts() == ["just missed"], within_s=3)


async def test_streams_that_begin_while_others_write_miss_nothing(running: Running) -> None:
    """Law 3: each entry arrives once, whenever the stream begins."""
    ada = await found(running)

    async def write() -> None:
        for number in range(60):
            await ada.write(running, f"note {number}")

    async def listen(late_s: float) -> list[int]:
        await asyncio.sleep(late_s)
        async with listening(running, ada) as subscription:
            await until(lambda: len(subscription.places) == FOUNDING_ENTRIES + 60, within_s=20)
            return subscription.places

    _, *received = await asyncio.gather(write(), *(listen(number * 0.05) for number in range(7)))
    assert received == [list(range(1, FOUNDING_ENTRIES + 61))] * 7


async def test_the_last_event_id_wins_over_after(running: Running) -> None:
    """Law 3: `Last-Event-ID`, which a browser sends to resume a stream, replaces `after`."""
    ada = await found(running)
    async with listening(running, ada, after=0, last_event_id="3") as subscription:
        await until(lambda: bool(subscription.places))
        assert subscription.places == [4]


@pytest.mark.parametrize("last", ["-1", "4a", "٤", "9" * 19, "1.0"])
async def test_a_last_event_id_that_is_no_place_is_refused_by_name(running: Running, last: str) -> None:
    """Law 17: the refusal of an invalid `Last-Event-ID` names the header."""
    ada = await found(running)
    async with httpx.AsyncClient(base_url=running.url) as http:
        headers = [(name.encode(), value.encode()) for name, value in {**ada.headers, "Last-Event-ID": last}.items()]
        answer = await http.get(f"/v1/families/{ada.family}/live", headers=headers)
    assert (answer.status_code, answer.json()["at"]) == (400, "Last-Event-ID")


async def test_a_device_that_is_ahead_of_the_feed_is_refused(running: Running) -> None:
    """Law 3: a place beyond the end of the feed is refused. So a device notices that the log was restored from a backup."""
    ada = await found(running)
    async with listening(running, ada, after=FOUNDING_ENTRIES + 1) as subscription:
        await until(lambda: subscription.has_ended)
        assert (subscription.status, json.loads(subscription.body)["code"]) == (409, "feed.ahead")


async def test_an_event_for_somebody_else_sends_nothing_and_causes_no_read(running: Running) -> None:
    """Law 8: an event that is not delivered to a member sends no byte to the member's stream, and causes no read of the feed."""
    ada = await found(running)
    ben = await invite(running, ada)
    reads = counting_reads(running)
    async with listening(running, ada) as hers, listening(running, ben) as his:
        await until(lambda: len(hers.places) == len(his.places) > 0)
        before, received = reads.count(ben.member), list(his.places)
        for number in range(5):
            await ada.write(running, f"secret {number}", audience="me")
        await until(lambda: len(hers.texts()) == 5)
        await asyncio.sleep(0.3)
        assert (reads.count(ben.member), his.places) == (before, received)


async def test_a_heartbeat_keeps_its_phase_whatever_happens(running: Running) -> None:
    """Law 8: the times of heartbeats depend only on the start of the stream, so they reveal no event."""
    running.runtime.streams.heartbeat_s = 0.3
    ada = await found(running)
    ben = await invite(running, ada)
    async with listening(running, ben) as subscription:
        (stream,) = running.runtime.streams
        first_beat_at = stream.beat_at
        for number in range(12):
            await ada.write(running, f"note {number}", audience="me" if number % 2 else "family")
            await asyncio.sleep(0.11)
        await until(lambda: len(subscription.beats_at) >= 6)
        beats = (stream.beat_at - first_beat_at) / 0.3
        # Read from the stream's own schedule, because a busy machine delays heartbeats on their way.
        assert (round(beats, 6), abs(len(subscription.beats_at) - beats) <= 1) == (round(beats), True)


async def test_a_stream_ends_after_its_last_heartbeat(running: Running) -> None:
    """Law 17: a stream ends after a bounded number of heartbeats."""
    running.runtime.streams.heartbeat_s, running.runtime.streams.beats_max = 0.05, 3
    async with listening(running, await found(running)) as subscription:
        await until(lambda: subscription.has_ended)
        assert (len(subscription.beats_at), subscription.was_cut) == (3, False)


async def test_a_device_holds_eight_streams_and_no_ninth(running: Running) -> None:
    """Law 17: a device can open eight streams. Its ninth is refused, and other devices are not affected."""
    ada = await found(running)
    ben = await invite(running, ada)
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        enough = asyncio.Event()

        async def hold() -> None:
            async with listening(running, ada) as subscription:
                assert subscription.status == 200
                await enough.wait()

        for _ in range(STREAMS_PER_DEVICE_MAX):
            group.create_task(hold())
        await until(lambda: len(running.runtime.streams) == STREAMS_PER_DEVICE_MAX)
        async with httpx.AsyncClient(base_url=running.url) as http:
            ninth = await http.get(f"/v1/families/{ada.family}/live", headers=ada.headers)
        async with listening(running, ben) as his:
            assert his.status == 200
        enough.set()
    assert (ninth.status_code, ninth.json()["code"], int(ninth.headers["Retry-After"])) == (429, "live.too_many_streams", 30)


async def test_a_full_process_says_when_to_come_again(running: Running) -> None:
    """Law 17: the number of streams of a process has a bound. The refusal of another stream has Retry-After."""
    ada = await found(running)
    running.runtime.streams.streams_max = 1
    async with listening(running, ada), httpx.AsyncClient(base_url=running.url) as http:
        answer = await http.get(f"/v1/families/{ada.family}/live", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer.headers) == (503, "live.no_room", True)


async def test_a_stream_is_not_compressed(running: Running) -> None:
    """Law 8: a compressed length would reveal something of the content. Compression would also delay entries."""
    ada = await found(running)
    async with httpx.AsyncClient(base_url=running.url) as http:
        headers = {**ada.headers, "Accept-Encoding": "gzip, zstd"}
        async with http.stream("GET", f"/v1/families/{ada.family}/live", headers=headers) as answer:
            received = (answer.headers["Content-Type"], answer.headers.get("Content-Encoding"), answer.headers["Cache-Control"])
    assert received == ("text/event-stream; charset=utf-8", None, "no-store")
