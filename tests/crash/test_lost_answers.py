"""Tests pushes whose connection is cut at any byte: the repeated push gets the receipts of an uninterrupted push."""

import asyncio
from collections import deque
from contextlib import suppress
from pathlib import Path

import httpx

from client.backoff import Backoff
from client.device import Device
from client.environment import World, trusted_certificates
from client.errors import ServiceUnreachable
from service.settings import Settings
from tests.crash.crew import feed_of
from tests.crash.pushers import Push, Pusher, settled
from tests.faulty_proxy import CutAnswer, CutRequest, Fault, FaultyProxy
from tests.service.conftest import UNLIMITED, Someone, found_family, running

IMPATIENT = World(backoff=Backoff(first_wait_s=0.01, longest_wait_s=0.05))


async def receipts_of(push: Push, someone: Someone, url: str) -> list[dict[str, object]]:
    """Sends a push once, over a connection of its own. Raises httpx.TransportError if the connection is cut."""
    headers = someone.headers | {"Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20, verify=trusted_certificates()) as http:
        answer = await http.post(f"/v1/families/{someone.family}/events", content=push.body)
    assert answer.status_code == 200, answer.text
    receipts: list[dict[str, object]] = answer.json()["receipts"]
    return receipts


async def test_a_push_whose_request_or_answer_was_cut_is_answered_as_a_first_try(database_url: str) -> None:
    """Laws 1 and 2: after a cut, a repeated push gets receipts as if it were the first try. Its drafts are in the feed once."""
    with running(Settings(database_url=database_url, **UNLIMITED)) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            ada = await found_family(http)
        pusher = Pusher(ada, url=url, child=ada.said["child"], seed="cuts", ending=asyncio.Event())
        pushes: list[tuple[Push, list[dict[str, object]]]] = []
        host, port = url.removeprefix("http://").split(":")
        async with FaultyProxy(host=host, port=int(port)) as proxy:
            for cut in [*range(0, 200, 40), *range(200, 1_000, 160)]:
                for fault in (CutRequest(after_bytes=cut), CutAnswer(after_bytes=cut)):
                    push = pusher.new_push()
                    proxy.plan.append(fault)
                    first = await _answered_or_cut(push, ada, proxy.url)
                    again = await receipts_of(push, ada, url)
                    outcomes = {receipt["outcome"] for receipt in again} - {"refused"}
                    if push.acceptable:
                        assert outcomes == {"recorded"} or outcomes == {"already_recorded"}
                        assert isinstance(fault, CutRequest) or outcomes == {"already_recorded"}
                    assert first is None or [settled(one) for one in first] == [settled(one) for one in again]
                    pushes.append((push, [settled(one) for one in again]))
        by_id = {entry["event"]["id"]: entry["place"] for entry in await feed_of(ada, url)}
        for push, receipts in pushes:
            assert [settled(one) for one in await receipts_of(push, ada, url)] == receipts
            accepted = {receipt["id"]: receipt["place"] for receipt in receipts if receipt["outcome"] != "refused"}
            assert accepted == {draft_id: by_id[draft_id] for draft_id in push.acceptable}


async def _answered_or_cut(push: Push, someone: Someone, url: str) -> list[dict[str, object]] | None:
    try:
        return await receipts_of(push, someone, url)
    except httpx.TransportError:
        return None


async def test_a_device_behind_a_failing_wire_settles_every_draft_once(database_url: str, tmp_path: Path) -> None:
    """Laws 1 and 2: the device sends the cut pushes again. In the end each draft is in its feed once, in order."""
    with running(Settings(database_url=database_url, **UNLIMITED)) as url:
        host, port = url.removeprefix("http://").split(":")
        path = tmp_path / "ada.device"
        async with await Device.found(url, path, you="Ada", household="Hill", child="Noor", world=IMPATIENT) as device:
            child = str(device.identity.child)
        faults: list[Fault] = [
            CutAnswer(after_bytes=0), CutRequest(after_bytes=10_000), CutAnswer(after_bytes=300),
            CutRequest(after_bytes=0), CutAnswer(after_bytes=2_000), CutRequest(after_bytes=20_000),
        ]  # fmt: skip
        async with (
            FaultyProxy(faults, host=host, port=int(port)) as proxy,
            Device.open(path, base_url=proxy.url, world=IMPATIENT) as device,
        ):
            ids = [device.record({"type": "NoteWritten", "child": child, "text": f"note {number}"}) for number in range(300)]
            while device.outbox.count("waiting"):
                with suppress(ServiceUnreachable):  # one push gives up before six cuts in a row
                    await device.push()
            await device.pull()
            assert (proxy.plan, proxy.connections) == (deque(), len(faults) + 1)
            assert [authored.state for authored in device.drafts()] == ["recorded"] * len(ids)
            notes = [entry.event["id"] for entry in device.entries() if entry.event["event"]["type"] == "NoteWritten"]
            assert notes == [str(draft_id) for draft_id in ids]
