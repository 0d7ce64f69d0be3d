"""Drives connections in a closed loop: each sends its next request as soon as the last one is answered.

Owns the loop, its window of time and the latencies. Knows no event: a request is bytes, and a check decides whether a
response is the expected one. A closed loop shows what a server can do at most; it shows little of latencies under a given
load, because a slow response delays the next request of its own device.
"""

import asyncio
import gc
import time
from array import array
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.connection import Answer, Connection, ConnectionCut, WrongAnswer

DRAIN_S_MAX = 30.0
"""A response that takes longer than this after the window is a fault, not a figure."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The responses of one window."""

    answers: int
    """Responses that arrived within the window."""
    seconds: float
    latencies_s: tuple[float, ...]
    """From the write of a request to the last byte of its response; also of those that arrived after the window."""

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds


async def drive(
    connections: Sequence[Connection], requests: Sequence[Callable[[], bytes]], *,
    seconds: float, is_right: Callable[[Answer], bool],
) -> Tally:
    """Keeps every connection busy for `seconds`, then waits for the last responses.

    Raises:
        WrongAnswer: `is_right` refused a response.
        ConnectionCut: the server closed a connection.
    """
    # The collector's pauses are the load generator's own, and would count as the server's.
    gc.collect()
    gc.disable()
    window = _Window(busy=len(connections), seconds=seconds, is_right=is_right)
    try:
        for connection, next_request in zip(connections, requests, strict=True):
            _Loop(connection, next_request, window).send()
        async with asyncio.timeout(seconds + DRAIN_S_MAX):
            await window.finished
    finally:
        gc.enable()
        for connection in connections:
            connection.answered, connection.cut = None, None
    return Tally(answers=window.counted, seconds=seconds, latencies_s=tuple(window.latencies_s))


class _Window:
    """A period of time, and the responses of all connections in it."""

    def __init__(self, *, busy: int, seconds: float, is_right: Callable[[Answer], bool]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latencies_s = array("d")
        self.counted = 0
        self.busy = busy
        self.is_right = is_right
        self.ends = time.perf_counter() + seconds

    def fail(self, error: Exception) -> None:
        if not self.finished.done():
            self.finished.set_exception(error)


class _Loop:
    """The loop of one connection: its next request follows each response at once."""

    def __init__(self, connection: Connection, next_request: Callable[[], bytes], window: _Window) -> None:
        self._connection, self._next_request, self._window = connection, next_request, window
        self._sent_at = 0.0
        connection.answered, connection.cut = self._answered, self._cut

    def send(self) -> None:
        sent = self._next_request()
        self._sent_at = time.perf_counter()
        self._connection.send(sent)

    def _answered(self, answer: Answer) -> None:
        now, window = time.perf_counter(), self._window
        window.latencies_s.append(now - self._sent_at)
        if not window.is_right(answer):
            window.fail(WrongAnswer(answer))
        elif now < window.ends:
            window.counted += 1
            self.send()
        else:
            window.busy -= 1
            if window.busy == 0 and not window.finished.done():
                window.finished.set_result(None)

    def _cut(self) -> None:
        self._window.fail(ConnectionCut("a connection was closed in the middle of a window"))
