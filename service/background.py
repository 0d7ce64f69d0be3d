"""Runs long work beside the requests, in a thread, and periodic tasks, which continue after a failure.

Owns one thread for long pure work. The thread and the event loop share the interpreter. The loop gets the interpreter back after
at most `SWITCH_S` seconds instead of the default 5 ms, because during a push they switch dozens of times. There is only one
thread, because a second thread would take more time from the loop.
"""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar

from events.errors import Refused
from service.http.problems import PASSING

WORTH_IT: Final = 300
"""The number of events from which the thread is used: about 5 ms of work. For less work, the switch to the thread costs more time
than it saves."""
SWITCH_S: Final = 0.0005
ROWS_A_TURN: Final = 200

_thread: Final = ThreadPoolExecutor(
    max_workers=1, thread_name_prefix="long folds", initializer=sys.setswitchinterval, initargs=(SWITCH_S,)
)

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(size: int, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Runs a pure function over about `size` events: on the event loop if `size` is below `WORTH_IT`, else in the thread.

    No other code may change the arguments until the function returns. If the caller is cancelled, the function still runs to its
    end, and the result is dropped.
    """
    if size < WORTH_IT:
        return work(*args, **named)
    return await asyncio.get_running_loop().run_in_executor(_thread, lambda: work(*args, **named))


async def in_turns(rows: Sequence[T]) -> AsyncIterator[T]:
    """Yields rows one by one, and lets other tasks run after every `ROWS_A_TURN` rows, for long work in the event loop."""
    for number, row in enumerate(rows):
        if number % ROWS_A_TURN == ROWS_A_TURN - 1:
            await asyncio.sleep(0)
        yield row


@contextmanager
def log_failure(log: Any, *, part: str, waits: str, failed: str) -> Iterator[None]:
    """Logs an error of one item among many, so that the other items continue. The caller tries the item again later.

    `waits` is the log text for a temporary error, `failed` the log text for a bug. The codes of both texts begin with `part`.
    """
    try:
        yield
    except (*PASSING, Refused) as error:
        code = error.code if isinstance(error, Refused) else f"{part}.late"
        log.warning(waits, code=code, error=type(error).__name__)
    except Exception:  # a bug, or a damaged row, which a replay repairs
        log.exception(failed, code=f"{part}.crashed")


class PeriodicTask(ABC):
    """A background task that calls `run_once` every `every_s` seconds, first `first_after_s` seconds after its start."""

    def __init__(self, *, name: str, every_s: float, first_after_s: float) -> None:
        self._name = name
        self._every_s = every_s
        self._first_after_s = first_after_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the background task."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Stops the background task, in the middle of a run too."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        await asyncio.sleep(self._first_after_s)
        while True:
            await self.run_once()
            await asyncio.sleep(self._every_s)

    @abstractmethod
    async def run_once(self) -> None:
        """Does the work of one run. Logs its errors: an error that leaves it ends the task."""
