"""Drives connections in a closed loop: each sends its next request as soon as the last one is answered.

Owns the loop, its window of time and the latencies. Knows no event: a request is bytes, and a check says whether an
answer is what the workload is about. A closed loop shows what a server can do at most; it says little of waiting times
under a given load, because a slow answer keeps its own device from asking.
"""

import asyncio
import gc
import time
from array import array
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.line import Answer, Line, LineCut, WrongAnswer

DRAIN_S_MAX = 30.0
"""An answer that takes longer than this after the window is a fault, not a figure."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What one window brought."""

    answers: int
    """Counted at their arrival inside of the window."""
    seconds: float
    latencies_s: tuple[float, ...]
    """From the write of a request to the last byte of its answer; of all, also those that drained after the window."""

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds


async def drive(
    lines: Sequence[Line], questions: Sequence[Callable[[], bytes]], *, seconds: float, is_right: Callable[[Answer], bool]
) -> Tally:
    """Keep every line busy for `seconds`, then let the last answers in.

    Raises:
        WrongAnswer: an answer which `is_right` does not take.
        LineCut: the server closed a connection.
    """
    # The collector's pauses are the load generator's own, and would be booked on the server.
    gc.collect()
    gc.disable()
    window = _Window(busy=len(lines), seconds=seconds, is_right=is_right)
    try:
        for line, question in zip(lines, questions, strict=True):
            _Asker(line, question, window).ask()
        async with asyncio.timeout(seconds + DRAIN_S_MAX):
            await window.finished
    finally:
        gc.enable()
        for line in lines:
            line.answered, line.cut = None, None
    return Tally(answers=window.counted, seconds=seconds, latencies_s=tuple(window.latencies_s))


class _Window:
    """A stretch of time, and what all lines brought in it."""

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


class _Asker:
    """One line, which asks again as soon as it was answered."""

    def __init__(self, line: Line, question: Callable[[], bytes], window: _Window) -> None:
        self._line, self._question, self._window = line, question, window
        self._sent_at = 0.0
        line.answered, line.cut = self._answered, self._cut

    def ask(self) -> None:
        said = self._question()
        self._sent_at = time.perf_counter()
        self._line.send(said)

    def _answered(self, answer: Answer) -> None:
        now, window = time.perf_counter(), self._window
        window.latencies_s.append(now - self._sent_at)
        if not window.is_right(answer):
            window.fail(WrongAnswer(answer))
        elif now < window.ends:
            window.counted += 1
            self.ask()
        else:
            window.busy -= 1
            if window.busy == 0 and not window.finished.done():
                window.finished.set_result(None)

    def _cut(self) -> None:
        self._window.fail(LineCut("a connection was closed in the middle of a window"))
