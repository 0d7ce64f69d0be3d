"""The stream, as a device hears it: catching up, following, resuming, and who hears nothing."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from service.feed import notifier as wake_module
from service.feed.streams import STREAMS_PER_DEVICE_MAX
from tests.service.feed.listening import Phone, Running, counting_reads, found, invite, listening, until

FOUNDING_ENTRIES = 4
"""FamilyFounded, HouseholdOpened, MemberJoined, ChildAdded."""


@pytest.fixture(autouse=True)
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is healed by looking: what is heard was said by a wake-up."""
    monkeypatch.setattr(wake_module, "LOOK_ALTHOUGH_WOKEN_S", 600.0)


async def pulled(running: Running, phone: Phone) -> list[dict[str, object]]:
    """A member's whole feed."""
    async with httpx.AsyncClient(base_url=running.url, headers=phone.headers) as http:
        answer = await http.get(f"/v1/families/{phone.family}/feed", params={"limit": 2000})
    entries: list[dict[str, object]] = answer.json()["entries"]
    return entries


async def test_a_stream_catches_up_and_then_follows(running: Running) -> None:
    """Law 7: places are contiguous, from the first page to what is told while one listens."""
    ada = await found(running)
    await ada.write(running, *(f"before {number}" for number in range(150)))
    async with listening(running, ada) as ear:
        await until(lambda: len(ear.places) == FOUNDING_ENTRIES + 150)
        await ada.write(running, "after")
        await until(lambda: len(ear.places) == FOUNDING_ENTRIES + 151)
        assert ear.places == list(range(1, FOUNDING_ENTRIES + 152))


async def test_a_stream_tells_what_a_pull_tells(running: Running) -> None:
    """Law 7: every device of a member converges to the same bytes, by whichever way it hears them."""
    ada = await found(running)
    ben = await invite(running, ada)
    async with listening(running, ben) as ear:
        await ada.write(running, "one", "two\u2028three", "four")
        await ben.write(running, "mine", audience="me")
        entries = await pulled(running, ben)
        await until(lambda: len(ear.places) == len(entries))
        assert [json.loads(entry) | {"chain": None} for entry in ear.entries] == [entry | {"chain": None} for entry in entries]


async def test_what_is_told_while_the_first_page_is_read_is_heard(running: Running) -> None:
    """Law 3: the stream listens before it reads, so that an entry which the page just missed wakes it."""
    ada = await found(running)
    read = running.runtime.streams.read
    has_written = False

    async def reading(**asked: Any) -> Any:
        nonlocal has_written
        page = await read(**asked)
        if not has_written:
            has_written = True
            await ada.write(running, "just missed")
        return page

    running.runtime.streams.read = reading  # type: ignore[method-assign]
    async with listening(running, ada) as ear:
        await until(lambda: ear.texts() == ["just missed"], within_s=3)


async def test_streams_that_begin_while_others_write_miss_nothing(running: Running) -> None:
    """Law 3: wherever in the writing they begin, and each entry comes once."""
    ada = await found(running)

    async def write() -> None:
        for number in range(60):
            await ada.write(running, f"note {number}")

    async def listen(late_s: float) -> list[int]:
        await asyncio.sleep(late_s)
        async with listening(running, ada) as ear:
            await until(lambda: len(ear.places) == FOUNDING_ENTRIES + 60, within_s=20)
            return ear.places

    _, *heard = await asyncio.gather(write(), *(listen(number * 0.05) for number in range(7)))
    assert heard == [list(range(1, FOUNDING_ENTRIES + 61))] * 7


async def test_the_last_event_id_wins_over_after(running: Running) -> None:
    """Law 3: a stream that resumes begins where the device stands, which the browser says in its own way."""
    ada = await found(running)
    async with listening(running, ada, after=0, last_event_id="3") as ear:
        await until(lambda: bool(ear.places))
        assert ear.places == [4]


@pytest.mark.parametrize("last", ["-1", "4a", "٤", "9" * 19, "1.0"])
async def test_a_last_event_id_that_is_no_place_is_refused_by_name(running: Running, last: str) -> None:
    """Law 17: bad input gets a problem document that names the field."""
    ada = await found(running)
    async with httpx.AsyncClient(base_url=running.url) as http:
        headers = {**ada.headers, "Last-Event-ID": last.encode()}
        answer = await http.get(f"/v1/families/{ada.family}/live", headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["at"]) == (400, "Last-Event-ID")


async def test_a_device_that_knows_more_than_the_feed_is_told_so(running: Running) -> None:
    """Law 3, I-11: a restored log is noticed, and never silently diverges."""
    ada = await found(running)
    async with listening(running, ada, after=FOUNDING_ENTRIES + 1) as ear:
        await until(lambda: ear.has_ended)
        assert (ear.status, json.loads(ear.body)["code"]) == (409, "feed.ahead")


async def test_an_event_for_somebody_else_sends_nothing_and_wakes_nobody(running: Running) -> None:
    """Law 8, I-22: what a member may not know puts no byte on their stream, nor is their feed even looked at."""
    ada = await found(running)
    ben = await invite(running, ada)
    looked = counting_reads(running)
    async with listening(running, ada) as hers, listening(running, ben) as his:
        await until(lambda: len(hers.places) == len(his.places) > 0)
        before, heard = looked.count(ben.member), list(his.places)
        for number in range(5):
            await ada.write(running, f"secret {number}", audience="me")
        await until(lambda: len(hers.texts()) == 5)
        await asyncio.sleep(0.3)
        assert (looked.count(ben.member), his.places) == (before, heard)


async def test_a_heartbeat_keeps_its_phase_whatever_happens(running: Running) -> None:
    """I-22: heartbeats follow the stream's own clock, so that no event, told or held, can be read from them."""
    running.runtime.streams.heartbeat_s = 0.3
    ada = await found(running)
    ben = await invite(running, ada)
    async with listening(running, ben) as ear:
        (stream,) = running.runtime.streams
        first_beat_at = stream.beat_at
        for number in range(12):
            await ada.write(running, f"note {number}", audience="me" if number % 2 else "family")
            await asyncio.sleep(0.11)
        await until(lambda: len(ear.beats_at) >= 6)
        beats = (stream.beat_at - first_beat_at) / 0.3
        # Read from the stream's own schedule: what a busy machine adds on the way says nothing of it.
        assert (round(beats, 6), abs(len(ear.beats_at) - beats) <= 1) == (round(beats), True)


async def test_a_stream_ends_after_its_last_heartbeat(running: Running) -> None:
    """Law 17: every wait has a stated bound, a stream's whole life too; it ends in order and is asked for again."""
    running.runtime.streams.heartbeat_s, running.runtime.streams.beats_max = 0.05, 3
    async with listening(running, await found(running)) as ear:
        await until(lambda: ear.has_ended)
        assert (len(ear.beats_at), ear.was_cut) == (3, False)


async def test_a_device_holds_eight_streams_and_no_ninth(running: Running) -> None:
    """Law 17: streams have a bound per device, counted in nothing but that device's own streams."""
    ada = await found(running)
    ben = await invite(running, ada)
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        enough = asyncio.Event()

        async def hold() -> None:
            async with listening(running, ada) as ear:
                assert ear.status == 200
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
    """Law 17: streams have a bound per process."""
    ada = await found(running)
    running.runtime.streams.streams_max = 1
    async with listening(running, ada), httpx.AsyncClient(base_url=running.url) as http:
        answer = await http.get(f"/v1/families/{ada.family}/live", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer.headers) == (503, "live.no_room", True)


async def test_a_stream_is_not_compressed(running: Running) -> None:
    """Law 8: the length of what is compressed together tells of what it stands beside; and it is told at once."""
    ada = await found(running)
    async with httpx.AsyncClient(base_url=running.url) as http:
        headers = {**ada.headers, "Accept-Encoding": "gzip, zstd"}
        async with http.stream("GET", f"/v1/families/{ada.family}/live", headers=headers) as answer:
            said = (answer.headers["Content-Type"], answer.headers.get("Content-Encoding"), answer.headers["Cache-Control"])
    assert said == ("text/event-stream; charset=utf-8", None, "no-store")
