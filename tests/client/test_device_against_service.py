"""Tests devices with a running service and a new database: pushes, pulls, live streams and kills."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from client.backoff import Backoff
from client.device import Device
from client.environment import World
from client.errors import DeviceRevoked
from client.responses import FeedEntry
from tests.client.test_killed_at_any_line import kill_after
from tests.faulty_proxy import CutAnswer, CutRequest, FaultyProxy

HASTY = World(backoff=Backoff(first_wait_s=0.01, longest_wait_s=0.2, attempts_max=12))


def note(device: Device, text: str) -> dict[str, str]:
    return {"type": "NoteWritten", "child": str(device.identity.child), "text": text}


def proxy_to(service_url: str, *faults: CutAnswer | CutRequest) -> FaultyProxy:
    place = urlsplit(service_url)
    assert place.hostname is not None
    assert place.port is not None
    return FaultyProxy(faults, host=place.hostname, port=place.port)


def texts(device: Device) -> list[str]:
    """Returns the texts of the notes in a device's feed, in order."""
    bodies = [entry.event.get("event", {}) for entry in device.entries()]
    return [body["text"] for body in bodies if body.get("type") == "NoteWritten"]


def ids(device: Device) -> list[str]:
    return [entry.event["id"] for entry in device.entries() if "id" in entry.event]


async def found(service_url: str, path: Path) -> Device:
    return await Device.found(
        service_url, path, you="Ada", household="Ada's", child="Mia", born=date(2025, 9, 1), device_name="phone", world=HASTY
    )


@pytest.fixture
async def ada(service_url: str, tmp_path: Path) -> AsyncIterator[Device]:
    """Founds a family, and opens the device of Ada, who is a parent."""
    async with await found(service_url, tmp_path / "ada.device") as device:
        yield device


@pytest.fixture
async def ben(ada: Device, service_url: str, tmp_path: Path) -> AsyncIterator[Device]:
    """Opens the device of Ben, who is the other parent, in a second home."""
    invite = await ada.invite(role="parent", household={"name": "Ben's"})
    async with await Device.accept(
        service_url, tmp_path / "ben.device", code=invite["code"], name="Ben", device_name="phone", world=HASTY
    ) as device:
        yield device


@pytest.fixture
async def tablet(ada: Device, service_url: str, tmp_path: Path) -> AsyncIterator[Device]:
    """Opens Ada's second device."""
    code = (await ada.pair_code())["code"]
    async with await Device.pair(service_url, tmp_path / "tablet.device", code=code, device_name="tablet", world=HASTY) as device:
        yield device


async def test_a_device_reads_its_own_words_after_a_sync(ada: Device) -> None:
    """After a push and a pull, a device has its own event at the place in the feed that the receipt states."""
    draft_id = ada.record(note(ada, "three steps"))
    (receipt,) = await ada.push()
    await ada.pull()
    assert receipt.outcome == "recorded"
    assert [entry.event["id"] for entry in ada.entries() if entry.place == receipt.place] == [str(draft_id)]


async def test_the_other_parent_gets_the_words_for_the_family_and_not_those_for_oneself(ada: Device, ben: Device) -> None:
    ada.record(note(ada, "for us all"))
    ada.record(note(ada, "for me"), audience="me")
    await ada.sync()
    await ben.sync()
    assert texts(ada) == ["for us all", "for me"]
    assert texts(ben) == ["for us all"]


async def test_a_device_requests_the_tips_of_its_own_day(ada: Device) -> None:
    """The tips are for the date that the device sends: on 1 February 2026 Mia, born on 1 September 2025, is five months old."""
    mia = (await ada.roster())["children"][0]["child"]
    tips = await ada.tips(child=UUID(mia), on=date(2026, 2, 1))
    assert (tips["on"], [(one["child"], one["age_months"]) for one in tips["children"]]) == ("2026-02-01", [(mia, 5)])
    assert "movement.crawls" in {note["milestone"] for note in tips["children"][0]["safety"]}
    assert (await ada.tips())["children"][0]["child"] == mia


async def test_the_devices_of_one_member_hold_the_same_bytes(ada: Device, tablet: Device) -> None:
    """Law 7: two devices of one member store the same bytes, although only one of them pulls in pages of one entry."""
    for number in range(30):
        (ada if number % 3 else tablet).record(note(ada, f"note {number}"))
    await ada.push()
    await tablet.push()
    await ada.pull(page_entries=1)
    await tablet.pull()
    assert ada.transcript() == tablet.transcript()
    assert [entry.place for entry in ada.entries()] == list(range(1, ada.mirror.place + 1))


async def test_weeks_offline_are_flushed_in_batches_and_each_draft_is_one_event(ada: Device) -> None:
    written = [str(ada.record(note(ada, f"note {number}"))) for number in range(600)]
    receipts = await ada.push()
    await ada.pull()
    assert [str(receipt.id) for receipt in receipts] == written
    assert {receipt.outcome for receipt in receipts} == {"recorded"}
    assert [event_id for event_id in ids(ada) if event_id in set(written)] == written


async def test_a_refused_draft_stops_no_other_and_stays_visible(ada: Device) -> None:
    ada.record(note(ada, "before"))
    stray = ada.record({"type": "NoteWritten", "child": str(UUID(int=5)), "text": "about nobody"})
    unread = ada.record({"type": "NoSuchThing"})
    ada.record(note(ada, "after"))
    await ada.sync()
    assert texts(ada) == ["before", "after"]
    assert [authored.id for authored in ada.refused()] == [stray, unread]
    assert all(authored.receipt and authored.receipt.problem and authored.receipt.problem.code for authored in ada.refused())


async def test_a_wire_that_is_cut_anywhere_loses_nothing_and_doubles_nothing(ada: Device, service_url: str) -> None:
    """Laws 1 and 2: each draft is in the feed once, wherever the requests and responses of its pushes were cut."""
    faults = [fault for cut in range(0, 1200, 100) for fault in (CutAnswer(after_bytes=cut), CutRequest(after_bytes=cut))]
    random.Random(5).shuffle(faults)
    async with proxy_to(service_url, *faults) as proxy:
        device = Device.open(ada.store.path, base_url=proxy.url, world=HASTY)
        written: list[str] = []
        while proxy.plan:
            written += [str(device.record(note(ada, f"note {len(written) + number}"))) for number in range(3)]
            await device.sync()
        await device.sync()
        assert [event_id for event_id in ids(device) if event_id in set(written)] == written
        await device.close()


async def test_live_catches_up_then_follows_in_the_bytes_of_a_pull(ada: Device, tablet: Device) -> None:
    """Law 3: a live device gets earlier and new entries without a gap, and stores the same bytes as a device that pulls."""
    ada.record(note(ada, "before"))
    await ada.push()
    received = await listen(tablet, wanted="last", meanwhile=lambda: write_slowly(ada))
    await ada.pull()
    assert [entry.place for entry in received] == list(range(1, len(received) + 1))
    assert ada.transcript() == tablet.transcript()


async def test_live_resumes_through_a_wire_that_keeps_breaking(ada: Device, tablet: Device, service_url: str) -> None:
    """Each entry arrives once and in order, although the connection is cut many times."""
    async with proxy_to(service_url, *[CutAnswer(after_bytes=400 + 130 * number) for number in range(12)]) as proxy:
        listener = Device.open(tablet.store.path, base_url=proxy.url, world=HASTY)
        received = await listen(listener, wanted="last", meanwhile=lambda: write_slowly(ada))
        await listener.close()
    await ada.pull()
    assert [entry.place for entry in received] == list(range(1, len(received) + 1))
    assert tablet.transcript() == ada.transcript()


async def test_a_revoked_device_gets_an_error_and_keeps_what_it_has(ada: Device, tablet: Device) -> None:
    """A push and an open stream of a revoked device raise DeviceRevoked. The device keeps its drafts and its mirror."""
    await tablet.pull()
    held = tablet.transcript()
    draft_id = tablet.record(note(ada, "never sent"))
    listening = asyncio.create_task(anext(tablet.live()))
    await asyncio.sleep(0.3)
    await ada.revoke(tablet.identity.device)
    with pytest.raises(DeviceRevoked):
        await asyncio.wait_for(listening, 5)
    with pytest.raises(DeviceRevoked):
        await tablet.push()
    assert tablet.transcript() == held
    assert [(authored.id, authored.state) for authored in tablet.drafts()] == [(draft_id, "waiting")]


def test_a_device_that_is_killed_in_the_middle_of_pushes_loses_nothing_and_doubles_nothing(
    service_url: str, tmp_path: Path
) -> None:
    """Laws 1 and 2: after kills at random moments, and a sync after each, every stored draft is in the feed once."""
    path = tmp_path / "ada.device"

    async def begin() -> None:
        async with await found(service_url, path):
            pass

    async def write_and_push(pipe: int) -> None:
        async with Device.open(path, world=HASTY) as device:
            while True:
                device.record(note(device, "x"))
                os.write(pipe, b".")
                await device.sync()

    async def come_back() -> tuple[list[str], list[str]]:
        async with Device.open(path, world=HASTY) as device:
            await device.sync()
            authored = {str(authored.id): None for authored in device.drafts()}
            return list(authored), [event_id for event_id in ids(device) if event_id in authored]

    asyncio.run(begin())
    seeded = random.Random(13)
    answered_for = 0
    for _ in range(8):
        answered_for += kill_after(0.2 + seeded.random() * 0.2, lambda pipe: asyncio.run(write_and_push(pipe)))
        authored, in_the_feed = asyncio.run(come_back())
        assert in_the_feed == authored
        assert len(authored) >= answered_for
    assert answered_for > 8


async def write_slowly(device: Device) -> None:
    """Pushes ten notes one by one, and then the note with the text "last"."""
    for text in [*(f"note {number}" for number in range(10)), "last"]:
        device.record(note(device, text))
        await device.push()
        await asyncio.sleep(0.02)


async def listen(device: Device, *, wanted: str, meanwhile: Callable[[], Awaitable[None]]) -> list[FeedEntry]:
    """Follows the feed from its start until a note with the text `wanted` arrives, while `meanwhile` runs. Fails after 20 s."""
    received: list[FeedEntry] = []

    async def hear() -> None:
        async with aclosing(device.live(after=0)) as entries:
            async for entry in entries:
                received.append(entry)
                if entry.event.get("event", {}).get("text") == wanted:
                    return

    async with asyncio.timeout(20):
        await asyncio.gather(hear(), meanwhile())
    return received


async def test_a_device_corrects_the_roster_and_another_members_device_receives_it(ada: Device, ben: Device) -> None:
    """Ben's device receives each correction once, although Ada's device sends it twice, like after a lost response."""
    (mia,) = (await ada.roster())["children"]
    homes = {member["member"]: member["household"] for member in (await ada.roster())["members"]}
    for _ in range(2):
        await ada.correct_child(UUID(mia["child"]), name="Maja", born=date(2025, 9, 3))
        assert (await ada.correct_child(UUID(mia["child"]), name="Maja")) == mia | {"name": "Maja", "born": "2025-09-03"}
        assert (await ada.rename("Ada K."))["name"] == "Ada K."
        await ben.rename_household(UUID(homes[str(ben.identity.member)]), name="Ben's new flat")
    await ben.sync()
    kinds = ("ChildCorrected", "MemberRenamed", "HouseholdRenamed")
    events = [entry.event["event"] for entry in ben.entries() if entry.event.get("event", {}).get("type") in kinds]
    assert [one["name"] for one in events] == ["Maja", "Ada K.", "Ben's new flat"]
    assert await ben.roster() == await ada.roster()
