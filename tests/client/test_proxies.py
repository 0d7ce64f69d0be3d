"""Tests a device behind a proxy or a firewall that refuses large bodies, certain texts, or every request."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.backoff import Backoff
from client.device import Device
from client.environment import World, local_now
from client.errors import AnsweredByIntermediary, ServiceUnreachable
from client.outbox import PUSH_BYTES_MAX
from client.push_size import PushSize, set_aside_wait_s

KIB = 1024
Guard = Callable[[httpx.Request, bytes], httpx.Response | None]


def page_of(status: int) -> httpx.Response:
    """Returns an HTML error page like those that a proxy sends in place of the service."""
    return httpx.Response(status, html="<html><h1>Request Entity Too Large</h1></html>")


def takes_at_most(size_bytes: int) -> Guard:
    """Returns a proxy that limits the size of bodies, like nginx with `client_max_body_size`."""
    return lambda request, body: page_of(413) if len(body) > size_bytes else None


def reads_along(forbidden: bytes, *, status: int = 403) -> Guard:
    """Returns a firewall that blocks bodies with the text `forbidden`."""
    return lambda request, body: page_of(status) if forbidden in body else None


class Network(httpx.AsyncHTTPTransport):
    """An HTTP transport to the real service, with a proxy (`guard`) that may respond in place of the service."""

    def __init__(self) -> None:
        super().__init__()
        self.guard: Guard = lambda request, body: None
        self.sizes: list[tuple[int, int]] = []
        """The size of each request's body in bytes, with the status of the response."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        answer = self.guard(request, body) or await super().handle_async_request(request)
        self.sizes.append((len(body), answer.status_code))
        return answer


class MovingDevice:
    """The `World` of Ada's device, with a network that a test can change, and a clock that a test can set."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.ahead = timedelta(0)
        self.slept_s = 0.0
        backoff = Backoff(attempts_max=3)
        self.world = World(now=self.now, sleep=self.sleep, transport=network, random=random.Random(4), backoff=backoff)

    def now(self) -> datetime:
        return local_now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


Begin = Callable[[], Awaitable[tuple[Device, MovingDevice]]]


@pytest.fixture
async def begin(service_url: str, tmp_path: Path) -> AsyncIterator[Begin]:
    """Yields a function that creates Ada's device, with a proxy that forwards every request."""
    async with AsyncExitStack() as opened:

        async def begun() -> tuple[Device, MovingDevice]:
            moving = MovingDevice(Network())
            device = await Device.found(
                service_url, tmp_path / "ada.device", you="Ada", household="Hill", child="Mia", born=date(2025, 9, 1),
                device_name="phone", world=moving.world,
            )  # fmt: skip
            moving.network.sizes.clear()
            return await opened.enter_async_context(device), moving

        yield begun


def write(device: Device, text: str) -> UUID:
    return device.record({"type": "NoteWritten", "child": str(device.identity.child), "text": text})


def states(device: Device) -> list[str]:
    return [authored.state for authored in device.drafts()]


async def test_an_outbox_is_drained_through_a_proxy_that_takes_less_than_the_service(begin: Begin) -> None:
    """All drafts are pushed through a proxy that refuses bodies over 128 KiB: the device halves its pushes after one refusal."""
    device, moving = await begin()
    moving.network.guard = takes_at_most(128 * KIB)
    written = [write(device, "x" * 600) for _ in range(400)]
    receipts = await device.push()
    assert [(receipt.id, receipt.outcome) for receipt in receipts] == [(draft, "recorded") for draft in written]
    assert [status for _, status in moving.network.sizes].count(413) == 1, "what was learned of the network is forgotten"
    assert moving.slept_s == 0, "the same body is no smaller after a while"


async def test_a_draft_that_is_too_large_for_the_proxy_is_set_aside_and_the_rest_goes_on(begin: Begin) -> None:
    """Law 1: a draft that is too large for the proxy is set aside, and its receipt states why. The other drafts are recorded."""
    device, moving = await begin()
    moving.network.guard = takes_at_most(8 * KIB)
    first, large, last = write(device, "first"), write(device, "x" * 9_000), write(device, "last")
    receipts = await device.push()
    assert {receipt.id: receipt.outcome for receipt in receipts} == {first: "recorded", large: "set_aside", last: "recorded"}
    (blocked,) = device.set_aside()
    assert blocked.receipt is not None
    assert blocked.receipt.problem is not None
    assert (blocked.id, blocked.receipt.problem.code) == (large, "device.set_aside")
    assert "413" in (blocked.receipt.problem.detail or "")
    assert device.outbox.count("waiting") == 0
    assert device.refused() == ()


async def test_what_was_set_aside_is_tried_again_after_growing_waits_and_gets_through_in_the_end(begin: Begin) -> None:
    device, moving = await begin()
    moving.network.guard = takes_at_most(8 * KIB)
    large = [write(device, "x" * size) for size in (9_900, 9_000)]
    write(device, "a word on it")
    await device.push()
    assert states(device) == ["set_aside", "set_aside", "recorded"]
    for late_s, tries in [(0, 0), (100, 0), (125, 1), (130, 0), (300, 0), (375, 1), (500, 0)]:
        moving.ahead = timedelta(seconds=late_s)
        moving.network.sizes.clear()
        await device.push()
        assert len(moving.network.sizes) == tries, f"after {late_s} s"
        assert all(9_000 < size < 9_900 for size, _ in moving.network.sizes), "the smallest is tried, and stands for the others"
    moving.network.guard = lambda request, body: None
    moving.ahead = timedelta(hours=9)
    receipts = await device.push()
    assert {receipt.id: receipt.outcome for receipt in receipts} == dict.fromkeys(large, "recorded")
    assert states(device) == ["recorded"] * 3


async def test_what_refers_to_a_draft_that_was_set_aside_is_placed_once_that_gets_through(begin: Begin) -> None:
    """A draft that the service refused because its target was missing is sent again after the target is recorded."""
    device, moving = await begin()
    moving.network.guard = takes_at_most(8 * KIB)
    large = write(device, "x" * 9_000)
    device.record({"type": "Withdrawn", "target": str(large)})
    await device.push()
    assert states(device) == ["set_aside", "refused"]
    moving.network.guard = lambda request, body: None
    moving.ahead = timedelta(hours=2)
    await device.push()
    assert states(device) == ["recorded", "recorded"]


@pytest.mark.parametrize("status", [200, 302, 400, 403, 406])
async def test_a_draft_that_a_firewall_takes_for_an_attack_stops_no_other(begin: Begin, status: int) -> None:
    """The draft that a firewall blocks is set aside and not refused. All other drafts of the push are recorded."""
    device, moving = await begin()
    moving.network.guard = reads_along(b"DROP TABLE", status=status)
    drafts = [write(device, f"note {number}") for number in range(20)]
    bad = write(device, "Little Bobby: '; DROP TABLE students")
    drafts += [write(device, f"note {number}") for number in range(20)]
    await device.push()
    assert [authored.id for authored in device.set_aside()] == [bad]
    assert device.outbox.count("recorded") == 40


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 410, 413, 429, 502, 511])
async def test_a_network_that_blocks_everything_sets_no_draft_aside(begin: Begin, status: int) -> None:
    """Law 1: when a network blocks every request, no draft is lost. Once the network forwards requests, all drafts are pushed."""
    device, moving = await begin()
    drafts = [write(device, f"note {number}") for number in range(30)]
    moving.network.guard = lambda request, body: page_of(status)
    if status == 413:
        await device.push()
    else:
        with pytest.raises(AnsweredByIntermediary):
            await device.push()
        assert states(device) == ["waiting"] * 30
        assert len(moving.network.sizes) <= 2 * moving.world.backoff.attempts_max
    moving.network.guard = lambda request, body: None
    moving.ahead = timedelta(hours=9)
    await device.sync()
    assert states(device) == ["recorded"] * 30
    own = {entry.event["id"] for entry in device.entries()}
    assert {str(draft) for draft in drafts} <= own


async def test_a_draft_that_the_service_can_hardly_read_is_refused_and_stops_no_other(begin: Begin) -> None:
    """Law 17: a draft that the service cannot decode is refused, and the other draft of the push is recorded."""
    device, _ = await begin()
    deep: object = "x"
    for _ in range(40):
        deep = [deep]
    bad = device.record({"type": "NoteWritten", "child": deep})
    good = write(device, "good")
    assert {receipt.id: receipt.outcome for receipt in await device.push()} == {bad: "refused", good: "recorded"}


async def test_a_push_that_was_not_answered_is_smaller_the_next_time(begin: Begin) -> None:
    """After a push without a response, the next push is smaller. So a device on a slow line can push all of its drafts."""
    device, moving = await begin()
    for _ in range(100):
        write(device, "x" * 2_000)

    def is_slow(request: httpx.Request, body: bytes) -> httpx.Response | None:
        if len(body) > 60 * KIB:
            raise httpx.WriteTimeout("too slow")
        return None

    moving.network.guard = is_slow
    for _ in range(2):
        with pytest.raises(ServiceUnreachable):
            await device.push()
    await device.push()
    assert states(device) == ["recorded"] * 100


@given(st.lists(st.tuples(st.sampled_from(["too_large", "not_answered", "answered"]), st.integers(1, 2 * PUSH_BYTES_MAX))))
def test_a_push_is_at_least_a_byte_and_at_most_half_of_what_was_once_too_large(happened: list[tuple[str, int]]) -> None:
    """Law 17: after any responses, the size of a push is at least a byte, and at most half of a size that was too large."""
    push_size, ceiling = PushSize(), PUSH_BYTES_MAX
    for what, size in happened:
        match what:
            case "too_large":
                push_size.refused_as_too_large(size)
                ceiling = min(ceiling, max(size // 2, 1))
            case "not_answered":
                push_size.got_no_response(size)
            case _:
                push_size.sent_everything()
        assert 1 <= push_size.bytes_max <= ceiling


def test_waits_for_what_was_set_aside_grow_from_a_minute_to_six_hours() -> None:
    waits = [set_aside_wait_s(failures=failures) for failures in (1, 2, 3, 9, 10, 5_000)]
    assert waits == [60, 120, 240, 15_360, 21_600, 21_600]
