"""What a device does when the wire, or whoever stands in the service's place, lets it down."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from client.device import Device
from client.errors import DeviceRevoked, FeedAhead, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import Wire
from client.live import stream
from client.world import World
from tests.client.conftest import ADA, paired_file
from tests.faulty_proxy import Answer, CutAnswer, Fault, FaultyProxy

FINE = Answer(status=200, body=b"{}")
BUSY = Answer(status=503)


class Waits:
    """Sleeps that are noted and not slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.world = World(
            now=lambda: datetime(2026, 11, 21, 18, 0, tzinfo=UTC), dice=random.Random(3), sleep=self.sleep, silence_s_max=1.0
        )

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def ask(faults: list[Fault], waits: Waits, *, once: bool = False) -> tuple[bytes, int]:
    """Ask through a proxy. Answers what came, and how many connections it took."""
    async with FaultyProxy(faults) as proxy:
        wire = Wire(base_url=proxy.url, token="t", world=waits.world)
        try:
            return await (wire.ask_once if once else wire.ask)("POST", "/v1/x", body=lambda: b"{}"), proxy.connections
        finally:
            await wire.close()


async def test_a_busy_service_is_asked_again_after_growing_waits() -> None:
    waits = Waits()
    answered = await ask([BUSY, CutAnswer(after_bytes=0), Answer(status=429), FINE], waits)
    assert answered == (b"{}", 4)
    assert len(waits.seconds) == 3
    assert waits.seconds == sorted(waits.seconds)


async def test_a_told_wait_is_kept() -> None:
    waits = Waits()
    await ask([Answer(status=429, headers={"Retry-After": "7"}), FINE], waits)
    assert waits.seconds == [7.0]


async def test_patience_ends_after_its_last_attempt() -> None:
    """Law 17: every retry has a stated bound."""
    waits = Waits()
    with pytest.raises(ServiceUnreachable) as raised:
        await ask([BUSY] * 9, waits)
    assert (raised.value.attempts, len(waits.seconds)) == (6, 5)


async def test_a_told_wait_beyond_patience_is_handed_to_the_caller_at_once() -> None:
    waits = Waits()
    with pytest.raises(ServiceUnreachable) as raised:
        await ask([Answer(status=503, headers={"Retry-After": "86400"})], waits)
    assert (raised.value.retry_after_s, waits.seconds) == (86400.0, [])


async def test_what_must_not_happen_twice_is_not_asked_twice_once_it_may_have_been_heard() -> None:
    for fault in (BUSY, CutAnswer(after_bytes=0)):
        waits = Waits()
        with pytest.raises(ServiceUnreachable) as raised:
            await ask([fault, FINE], waits, once=True)
        assert (raised.value.attempts, waits.seconds) == (1, [])


async def test_what_must_not_happen_twice_is_asked_again_when_it_was_turned_away_at_the_door() -> None:
    assert await ask([Answer(status=429), FINE], Waits(), once=True) == (b"{}", 2)


async def test_refusals_are_named_and_not_repeated() -> None:
    problem = b'{"type": "about:blank", "title": "No", "status": 422, "code": "event.field", "at": "drafts[0].id", "new": 1}'
    with pytest.raises(RefusedByService) as raised:
        await ask([Answer(status=422, body=problem)], Waits())
    assert (raised.value.code, raised.value.at) == ("event.field", "drafts[0].id")
    with pytest.raises(FeedAhead):
        await ask([Answer(status=409, body=b'{"code": "feed.ahead"}')], Waits())
    with pytest.raises(DeviceRevoked):
        await ask([Answer(status=401)], Waits())
    with pytest.raises(ServiceMisspoke):
        await ask([Answer(status=302, headers={"Location": "http://hotel.example/login"})], Waits())


def offline_device(tmp_path: Path, waits: Waits, url: str) -> Device:
    path = paired_file(tmp_path / "ada.device", msgspec.structs.replace(ADA, base_url=url))
    return Device.open(path, world=waits.world)


async def test_a_revoked_device_keeps_its_drafts(tmp_path: Path) -> None:
    async with FaultyProxy([Answer(status=401)]) as proxy:
        async with offline_device(tmp_path, Waits(), proxy.url) as device:
            draft_id = device.record({"type": "NoteWritten", "text": "still mine"})
            with pytest.raises(DeviceRevoked):
                await device.push()
            assert [(draft_id, "waiting")] == [(authored.id, authored.state) for authored in device.drafts()]


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Welcome to the hotel</html>",
        b'{"log": "L1", "receipts": []}',
        b'{"log": "L1", "receipts": [{"id": "00000000-0000-0000-0000-000000000009", "outcome": "recorded", "place": 1}]}',
    ],
)
async def test_an_answer_that_is_no_receipt_of_ours_settles_nothing(tmp_path: Path, answer: bytes) -> None:
    """Law 1: a hotel's login page says 200 to everything."""
    async with FaultyProxy([Answer(status=200, body=answer)]) as proxy:
        async with offline_device(tmp_path, Waits(), proxy.url) as device:
            device.record({"type": "NoteWritten", "text": "a"})
            with pytest.raises(ServiceMisspoke):
                await device.push()
            assert next((authored.state, authored.receipt) for authored in device.drafts()) == ("waiting", None)


async def test_a_draft_that_spoils_a_whole_push_is_found_and_stops_no_other(tmp_path: Path) -> None:
    """Law 17: here the body is refused whole, as for a NUL; halves find the one that spoils it."""
    spoilt = Answer(status=400, body=b'{"code": "body.nul", "title": "A NUL"}')

    def receipt(number: int) -> Answer:
        body = {"log": "L1", "receipts": [{"id": str(ids[number]), "outcome": "recorded", "place": number + 1}]}
        return Answer(status=200, body=msgspec.json.encode(body))

    async with FaultyProxy() as proxy:
        async with offline_device(tmp_path, Waits(), proxy.url) as device:
            ids = [device.record({"type": "NoteWritten", "text": text}) for text in ("a", "bad", "c")]
            # [a bad c] -> [a] -> [bad c] -> [bad] -> [c]
            proxy.plan.extend([spoilt, receipt(0), spoilt, spoilt, receipt(2)])
            receipts = await device.push()
            assert ids == [receipt.id for receipt in receipts]
            assert [authored.state for authored in device.drafts()] == ["recorded", "refused", "recorded"]
            assert device.outbox.count("waiting") == 0


async def test_a_refusal_that_blames_no_draft_refuses_no_draft(tmp_path: Path) -> None:
    blamed = Answer(status=400, body=b'{"code": "field.invalid", "at": "sent_at"}')
    async with FaultyProxy([blamed]) as proxy:
        async with offline_device(tmp_path, Waits(), proxy.url) as device:
            device.record({"type": "NoteWritten", "text": "a"})
            with pytest.raises(RefusedByService):
                await device.push()
            assert device.outbox.count("waiting") == 1


async def test_a_stream_is_read_as_its_standard_says_and_an_unfinished_message_is_no_entry() -> None:
    """A U+2028 is no line's end; data may take several lines; comments, other events and a cut message are passed over."""
    first = '{"place": 8, "chain": "c8", "event": {"text": "two\u2028lines"}}'
    messages = (
        f": beat\n\nid: 8\nevent: entry\ndata: {first}\n\n"
        "event: something-new\ndata: {}\n\n"
        'id: 9\r\nevent: entry\r\ndata: {"place": 9,\r\ndata: "chain": "c9"}\r\n\r\n'
        'id: 10\nevent: entry\ndata: {"place": 10, "chain": "c10"}\n'
    )
    answer = Answer(status=200, headers={"Content-Type": "text/event-stream"}, body=messages.encode())
    async with FaultyProxy([answer]) as proxy:
        wire = Wire(base_url=proxy.url, token="t", world=Waits().world)
        got = [entry async for entry in stream(wire, "/v1/live", after=7)]
        await wire.close()
    assert [(entry.place, entry.chain) for entry in got] == [(8, "c8"), (9, "c9")]
    assert first.encode() == got[0].json
    assert b"last-event-id: 7" in proxy.requests[0].lower()


async def test_a_silent_stream_is_given_up() -> None:
    """Law 17: every wait has a stated bound; a wire that died without a word sends no heartbeat either."""
    headers = {"Content-Type": "text/event-stream", "Content-Length": "1000"}
    world = replace(Waits().world, silence_s_max=0.2)
    async with FaultyProxy([Answer(status=200, headers=headers, body=b": beat\n\n", falls_silent=True)]) as proxy:
        wire = Wire(base_url=proxy.url, token="t", world=world)
        with pytest.raises(ServiceUnreachable):
            await anext(stream(wire, "/v1/live", after=0))
        await wire.close()


async def test_live_reconnects_until_the_service_says_who_it_is_again(tmp_path: Path) -> None:
    """Live outlasts any outage, with bounded waits, and ends by name when the device was revoked."""
    waits = Waits()
    async with FaultyProxy([BUSY] * 14 + [Answer(status=401)]) as proxy:
        async with offline_device(tmp_path, waits, proxy.url) as device:
            with pytest.raises(DeviceRevoked):
                await anext(device.live())
    assert proxy.connections == 15
    assert all(0 < seconds <= 30 for seconds in waits.seconds)
