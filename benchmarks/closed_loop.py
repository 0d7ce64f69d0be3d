"""Drives connections in a closed loop: each connection sends its next request as soon as it has the response to the last one.

Owns the loop, its window (the period of measurement) and the latencies. Knows no event: a request is bytes, and a function of
the caller checks each response. A closed loop shows the maximum throughput of a server. It does not show the latencies under a
given load, because a slow response delays the next request of the same connection.
"""

import asyncio
import gc
import time
from array import array
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.connection import Answer, Connection, ConnectionCut, WrongAnswer

DRAIN_S_MAX = 30.0
"""The longest wait for the last responses after the window. After this time, the measurement fails."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The number and the latencies of the responses of one window."""

    answers: int
    """The number of responses that arrived within the window."""
    seconds: float
    latencies_s: tuple[float, ...]
    """The seconds from the write of a request to the last byte of the response, also of responses after the window."""

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
    # A pause of this process for garbage collection would count as time of the server.
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
    """The loop of one connection, which sends the next request right after each response."""

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
