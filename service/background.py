"""Runs work beside the requests: long folds in a thread, and periodic parts that survive a failure.

Owns the one thread for long pure work. It shares the interpreter with the event loop: while it works, the loop gets the
interpreter back after `SWITCH_S` at the latest, instead of the usual 5 ms, of which a push meets dozens. One thread, because a
second one would be a second rival of the loop.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar

from events.errors import Refused
from service.http.problems import PASSING

WORTH_IT: Final = 300
"""Events, or as much: about 5 ms of folding. Below it, going to the thread and back costs others more than it spares them."""
SWITCH_S: Final = 0.0005
ROWS_A_TURN: Final = 200

_thread: Final = ThreadPoolExecutor(
    max_workers=1, thread_name_prefix="long folds", initializer=sys.setswitchinterval, initargs=(SWITCH_S,)
)

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(size: int, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Do pure work on about `size` events: at once if that is little, else in the thread.

    Nothing else may touch what it changes until it is done. Cancelled, it is not interrupted, and its result is dropped.
    """
    if size < WORTH_IT:
        return work(*args, **named)
    return await asyncio.get_running_loop().run_in_executor(_thread, lambda: work(*args, **named))


async def in_turns(rows: Sequence[T]) -> AsyncIterator[T]:
    """Give rows one by one, and others their turn after every few: for what the loop itself has to encode."""
    for number, row in enumerate(rows):
        if number % ROWS_A_TURN == ROWS_A_TURN - 1:
            await asyncio.sleep(0)
        yield row


@contextmanager
def log_failure(log: Any, *, part: str, waits: str, failed: str) -> Iterator[None]:
    """Log what goes wrong with one of many: it is tried again later, and no other has to wait for it.

    `waits` and `failed` are the sentences for what passes and for what is ours to mend; their codes are of `part`.
    """
    try:
        yield
    except (*PASSING, Refused) as error:
        code = error.code if isinstance(error, Refused) else f"{part}.late"
        log.warning(waits, code=code, error=type(error).__name__)
    except Exception:  # a mistake of ours, or a damaged row, which a replay mends
        log.exception(failed, code=f"{part}.crashed")
