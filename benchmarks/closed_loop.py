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
    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    latencies = array("d")
    clock = time.perf_counter
    counted, busy = 0, len(lines)
    # The collector's pauses are the load generator's own, and would be booked on the server.
    gc.collect()
    gc.disable()
    started = clock()
    ends = started + seconds

    def put(line: Line, question: Callable[[], bytes]) -> None:
        sent_at = 0.0

        def ask() -> None:
            nonlocal sent_at
            said = question()
            sent_at = clock()
            line.send(said)

        def answered(answer: Answer) -> None:
            nonlocal counted, busy
            now = clock()
            latencies.append(now - sent_at)
            if finished.done():
                return
            if not is_right(answer):
                finished.set_exception(WrongAnswer(answer))
            elif now < ends:
                counted += 1
                ask()
            else:
                busy -= 1
                if busy == 0:
                    finished.set_result(None)

        def cut() -> None:
            if not finished.done():
                finished.set_exception(LineCut("a connection was closed in the middle of a window"))

        line.answered, line.cut = answered, cut
        ask()

    try:
        for line, question in zip(lines, questions, strict=True):
            put(line, question)
        async with asyncio.timeout(seconds + DRAIN_S_MAX):
            await finished
    finally:
        gc.enable()
        for line in lines:
            line.answered, line.cut = None, None
    return Tally(answers=counted, seconds=seconds, latencies_s=tuple(latencies))
