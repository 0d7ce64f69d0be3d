"""Tests how a device repeats a request if the connection fails, the service is busy, or an intermediary responds."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from client.device import Device
from client.environment import World
from client.errors import AnsweredByIntermediary, DeviceRevoked, FeedAhead, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import Wire
from client.live import stream
from tests.client.conftest import ADA, paired_file
from tests.faulty_proxy import Answer, CutAnswer, Fault, FaultyProxy, answered, page_of, refused

FINE = answered({})
BUSY = Answer(status=503)


class Waits:
    """The waits of a device. Its `World` (the device's environment) records each wait instead of sleeping."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.world = World(
            now=lambda: datetime(2026, 11, 21, 18, 0, tzinfo=UTC), random=random.Random(3), sleep=self.sleep, silence_s_max=1.0
        )

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def ask(faults: list[Fault], waits: Waits, *, once: bool = False) -> tuple[bytes, int]:
    """Sends a request through a proxy with these faults. Returns the response's body and the number of connections."""
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


async def test_a_requested_wait_is_obeyed() -> None:
    waits = Waits()
    await ask([Answer(status=429, headers={"Retry-After": "7"}), FINE], waits)
    assert waits.seconds == [7.0]


async def test_retries_end_after_the_last_attempt() -> None:
    """Law 17: the device gives up after six attempts."""
    waits = Waits()
    with pytest.raises(ServiceUnreachable) as raised:
        await ask([BUSY] * 9, waits)
    assert (raised.value.attempts, len(waits.seconds)) == (6, 5)


async def test_a_requested_wait_beyond_the_limit_is_handed_to_the_caller_at_once() -> None:
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


async def test_what_must_not_happen_twice_is_sent_again_when_it_never_reached_the_service() -> None:
    assert await ask([Answer(status=429), FINE], Waits(), once=True) == (b"{}", 2)


async def test_refusals_are_named_and_not_repeated() -> None:
    with pytest.raises(RefusedByService) as raised:
        await ask([refused(422, "event.field", at="drafts[0].id")], Waits())
    assert (raised.value.code, raised.value.at) == ("event.field", "drafts[0].id")
    with pytest.raises(FeedAhead):
        await ask([refused(409, "feed.ahead")], Waits())
    with pytest.raises(DeviceRevoked):
        await ask([refused(401, "access.unauthenticated")], Waits())


GATEWAYS_PROBLEM = {"type": "https://gateway.example/errors/forbidden", "title": "No", "status": 403, "code": "forbidden"}
OWN_KIND = "tag:stillnew.org,2026:problem/access.unauthenticated"
STRANGERS = {
    "a login page": page_of(200),
    "a page without a type": Answer(status=200, body=b"<html>"),
    "a redirect": page_of(302, Location="http://hotel.example/login"),
    "network authentication": page_of(511),
    "upgrade": page_of(426),
    "a proxy's 401": replace(page_of(401), headers={"Content-Type": "text/html", "WWW-Authenticate": "Basic"}),
    "a firewall's 403": page_of(403),
    "an intermediary's 404": page_of(404),
    "an intermediary's 410": page_of(410),
    "JSON that is no problem document": answered({"code": "access.unauthenticated", "type": OWN_KIND, "status": 401}, status=401),
    "a gateway's problem document": answered(GATEWAYS_PROBLEM, status=403, **{"Content-Type": "application/problem+json"}),
    "a problem document of another status": replace(refused(401, "access.unauthenticated"), status=403),
    "half a problem document": replace(refused(401, "access.unauthenticated"), body=b'{"type":"tag:stillnew.org,2026:probl'),
    "a busy proxy": page_of(503),
}


@pytest.mark.parametrize("intermediary", STRANGERS.values(), ids=STRANGERS)
async def test_a_response_of_an_intermediary_is_no_answer(tmp_path: Path, intermediary: Answer) -> None:
    """Law 1: a response of an intermediary revokes no device and refuses no draft.

    The request is repeated after growing waits.
    """
    waits = Waits()
    assert await ask([intermediary, intermediary, FINE], waits) == (b"{}", 3)
    assert len(waits.seconds) == 2
    assert waits.seconds == sorted(waits.seconds)
    async with FaultyProxy([intermediary] * 24) as proxy, offline_device(tmp_path, Waits(), proxy.url) as device:
        drafts = [device.record({"type": "NoteWritten", "text": text}) for text in "abc"]
        with pytest.raises(AnsweredByIntermediary) as raised:
            await device.push()
        with pytest.raises(AnsweredByIntermediary):
            await device.pull()
        assert raised.value.status == intermediary.status
        assert [(draft, "waiting", None) for draft in drafts] == [
            (authored.id, authored.state, authored.receipt) for authored in device.drafts()
        ]


@pytest.mark.parametrize("intermediary", [page_of(403), page_of(302, Location="http://hotel.example/login"), page_of(200)])
async def test_what_must_not_happen_twice_is_not_sent_again_after_an_intermediary_answered(intermediary: Answer) -> None:
    """After the response of an intermediary, `ask_once` does not repeat the request: the service may have received it."""
    waits = Waits()
    with pytest.raises(AnsweredByIntermediary):
        await ask([intermediary, FINE], waits, once=True)
    assert waits.seconds == []


def recorded(*drafts: UUID, place: int = 1, log: str = "L1") -> Answer:
    """Returns a response with receipts for these drafts, which are recorded at consecutive places from `place`."""
    receipts = [{"id": draft, "outcome": "recorded", "place": place + number} for number, draft in enumerate(drafts)]
    return answered({"log": log, "receipts": receipts})


def offline_device(tmp_path: Path, waits: Waits, url: str) -> Device:
    path = paired_file(tmp_path / "ada.device", msgspec.structs.replace(ADA, base_url=url))
    return Device.open(path, world=waits.world)


async def test_a_revoked_device_keeps_its_drafts(tmp_path: Path) -> None:
    async with (
        FaultyProxy([refused(401, "access.unauthenticated")]) as proxy,
        offline_device(tmp_path, Waits(), proxy.url) as device,
    ):
        draft_id = device.record({"type": "NoteWritten", "text": "still mine"})
        with pytest.raises(DeviceRevoked):
            await device.push()
        assert [(draft_id, "waiting")] == [(authored.id, authored.state) for authored in device.drafts()]


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Welcome to the hotel</html>",
        b'{"message": "Service unavailable"}',
        b"[]",
        b'{"log": "L1", "receipts": []}',
        b'{"log": "L1", "receipts": [{"id": null, "outcome": "recorded", "place": 1}]}',
        b'{"log": "L1", "receipts": [{"id": "00000000-0000-0000-0000-000000000009", "outcome": "recorded", "place": 1}]}',
        b'{"log": "L1", "receipts": [{"id": "%b", "outcome": "recorded"}]}',
        b'{"log": "L1", "receipts": [{"id": "%b", "outcome": "set_aside"}]}',
        b'{"log": "L1", "receipts": [{"id": "%b", "outcome": "recorded", "place": 1}',
    ],
)
async def test_an_answer_that_is_no_receipt_of_ours_settles_nothing(tmp_path: Path, answer: bytes) -> None:
    """Law 1: a response without valid receipts changes no draft, even if its content type is JSON."""
    async with FaultyProxy() as proxy, offline_device(tmp_path, Waits(), proxy.url) as device:
        draft = device.record({"type": "NoteWritten", "text": "a"})
        proxy.plan.append(answered(answer.replace(b"%b", str(draft).encode())))
        with pytest.raises(ServiceMisspoke):
            await device.push()
        assert next((authored.state, authored.receipt) for authored in device.drafts()) == ("waiting", None)


async def test_a_draft_that_spoils_a_whole_push_is_found_and_stops_no_other(tmp_path: Path) -> None:
    """Law 17: if the service refuses a whole push because of one draft, the device splits the push until this draft is alone."""
    spoilt = refused(400, "body.nul")

    def receipt(number: int) -> Answer:
        return recorded(ids[number], place=number + 1)

    async with FaultyProxy() as proxy, offline_device(tmp_path, Waits(), proxy.url) as device:
        ids = [device.record({"type": "NoteWritten", "text": text}) for text in ("a", "bad", "c")]
        # The batches: [a bad c] -> [a] -> [bad c] -> [bad] -> [c]
        proxy.plan.extend([spoilt, receipt(0), spoilt, spoilt, receipt(2)])
        receipts = await device.push()
        assert ids == [receipt.id for receipt in receipts]
        assert [authored.state for authored in device.drafts()] == ["recorded", "refused", "recorded"]
        assert device.outbox.count("waiting") == 0


async def test_a_refusal_that_blames_no_draft_refuses_no_draft(tmp_path: Path) -> None:
    blamed = refused(400, "field.invalid", at="sent_at")
    async with FaultyProxy([blamed]) as proxy, offline_device(tmp_path, Waits(), proxy.url) as device:
        device.record({"type": "NoteWritten", "text": "a"})
        with pytest.raises(RefusedByService):
            await device.push()
        assert device.outbox.count("waiting") == 1


async def test_a_stream_is_read_as_its_standard_says_and_an_unfinished_message_is_no_entry() -> None:
    """A U+2028 ends no line of a stream, and a message may have several lines of data.

    Comments, events of an unknown type and an incomplete message are ignored.
    """
    chain = {place: f"{place:016x}" for place in range(7, 11)}
    opening = f'{{"log": "L1", "place": 7, "chain": "{chain[7]}"}}'
    first = f'{{"place": 8, "chain": "{chain[8]}", "event": {{"text": "two\u2028lines"}}}}'
    messages = (
        f": beat\n\nevent: feed\ndata: {opening}\n\nid: 8\nevent: entry\ndata: {first}\n\n"
        "event: something-new\ndata: {}\n\n"
        f'id: 9\r\nevent: entry\r\ndata: {{"place": 9, "event": {{}},\r\ndata: "chain": "{chain[9]}"}}\r\n\r\n'
        f'id: 10\nevent: entry\ndata: {{"place": 10, "event": {{}}, "chain": "{chain[10]}"}}\n'
    )
    answer = Answer(status=200, headers={"Content-Type": "text/event-stream"}, body=messages.encode())
    async with FaultyProxy([answer]) as proxy:
        wire = Wire(base_url=proxy.url, token="t", world=Waits().world)
        got = [entry async for entry in stream(wire, "/v1/live", after=7)]
        await wire.close()
    assert [(page.place, page.chain_before, page.chain) for page in got] == [
        (7, chain[7], chain[7]), (8, chain[7], chain[8]), (9, chain[8], chain[9]),
    ]  # fmt: skip
    assert got[1].entries[0].json == '{"place":8,"event":{"text": "two\u2028lines"}}'.encode()
    assert b"last-event-id: 7" in proxy.requests[0].lower()


async def test_a_silent_stream_is_given_up() -> None:
    """Law 17: a stream on which nothing arrives for `silence_s_max`, not even a heartbeat, is given up."""
    headers = {"Content-Type": "text/event-stream", "Content-Length": "1000"}
    world = replace(Waits().world, silence_s_max=0.2)
    async with FaultyProxy([Answer(status=200, headers=headers, body=b": beat\n\n", falls_silent=True)]) as proxy:
        wire = Wire(base_url=proxy.url, token="t", world=world)
        with pytest.raises(ServiceUnreachable):
            await anext(stream(wire, "/v1/live", after=0))
        await wire.close()


async def test_live_reconnects_until_the_service_says_who_it_is_again(tmp_path: Path) -> None:
    """The stream reconnects after each outage, with bounded waits, until the service answers that the device is revoked."""
    waits = Waits()
    async with (
        FaultyProxy([*[BUSY] * 7, *[page_of(200)] * 7, refused(401, "access.unauthenticated")]) as proxy,
        offline_device(tmp_path, waits, proxy.url) as device,
    ):
        with pytest.raises(DeviceRevoked):
            await anext(device.live())
    assert proxy.connections == 15
    assert all(0 < seconds <= 30 for seconds in waits.seconds)
