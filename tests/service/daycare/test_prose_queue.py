"""Tests the process that reads notes: it takes daycares in turn, accepts any text, and is restarted after a crash."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from events.ids import PersonId
from service.daycare.prose.reader import Findings, findings_in
from service.daycare.prose_queue import AT_ONCE_CHARACTERS, NotesWaiting, ProseQueue
from service.daycare.translate import Prose

HERS, THEIRS = PersonId(uuid4()), PersonId(uuid4())
WALKED = Prose("Mia took her first steps today!", ("Mia",))
STEPPED = Findings(("movement.first-steps",), ())
NAP = Prose("Slept from nine to ten.", ())
LONG = Prose("and clapped, " * 300, ())
"""A note that is nearly as long as a note may be, so that reading the note takes long."""


@asynccontextmanager
async def started(**bounds: Any) -> AsyncIterator[ProseQueue]:
    opened = ProseQueue(**bounds)
    try:
        yield opened
    finally:
        await opened.stop()


@pytest.fixture
async def reading() -> AsyncIterator[ProseQueue]:
    async with started() as opened:
        yield opened


def process(parent: int = os.getpid()) -> psutil.Process:
    """Returns the child process of `parent` that reads notes."""
    (found,) = [child for child in psutil.Process(parent).children() if "service.daycare.prose_process" in child.cmdline()]
    return found


async def test_notes_are_answered_in_their_order(reading: ProseQueue) -> None:
    notes = [WALKED, NAP, Prose("Leo clapped.\nMia said 'ball' \u2028\x00", ("Mia",)), Prose("", ()), LONG, WALKED] * 20
    found = await reading.milestones(notes, posted_by=HERS)
    assert found == [findings_in(note.text, names=note.names) for note in notes]
    assert found[0] == STEPPED


async def test_nothing_to_read_starts_no_process(reading: ProseQueue) -> None:
    assert await reading.milestones([], posted_by=HERS) == []
    assert not [child for child in psutil.Process().children() if "service.daycare.prose_process" in child.cmdline()]


async def test_slow_notes_of_one_daycare_delay_no_other(reading: ProseQueue) -> None:
    """Law 17: three hundred long notes of one daycare are read a few at a time. Another daycare's note is read in between."""
    slow = asyncio.create_task(reading.milestones([LONG] * 300, posted_by=THEIRS))
    await asyncio.sleep(0)  # starts the slow call
    assert await reading.milestones([WALKED], posted_by=HERS) == [STEPPED]
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_calls_of_one_daycare_wait_for_each_other_and_not_without_end() -> None:
    async with started(waiting_characters_max=10 * AT_ONCE_CHARACTERS) as reading:
        calls = [asyncio.create_task(reading.milestones([LONG] * 12, posted_by=THEIRS)) for _ in range(4)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in done] == [list, list, list, NotesWaiting]
        assert await reading.milestones([WALKED], posted_by=THEIRS) == [STEPPED]
        assert reading.daycare_count == 0


async def test_a_cancelled_call_takes_no_other_calls_response(reading: ProseQueue) -> None:
    await reading.milestones([NAP], posted_by=HERS)
    gone = asyncio.create_task(reading.milestones([LONG] * 4, posted_by=THEIRS))
    await asyncio.sleep(0.02)
    gone.cancel()
    assert await reading.milestones([WALKED, NAP], posted_by=HERS) == [STEPPED, Findings()]


async def test_a_process_that_dies_is_replaced(reading: ProseQueue) -> None:
    await reading.milestones([NAP], posted_by=HERS)
    first = process()
    first.kill()
    first.wait()
    assert await reading.milestones([WALKED], posted_by=HERS) == [STEPPED]
    assert process().pid != first.pid


async def test_a_process_that_hangs_is_replaced() -> None:
    async with started(within_s=8.0) as reading:  # a new process starts within two seconds
        await reading.milestones([NAP], posted_by=HERS)
        process().suspend()
        assert await reading.milestones([WALKED], posted_by=HERS) == [STEPPED]


async def test_a_process_that_never_answers_refuses_the_call(reading: ProseQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NotesWaiting):
        await reading.milestones([WALKED], posted_by=HERS)
    monkeypatch.undo()
    assert await reading.milestones([WALKED], posted_by=HERS) == [STEPPED]


async def test_the_process_knows_no_secret_of_the_service(reading: ProseQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    monkeypatch.setenv("STILLNEW_METRICS_TOKEN", "secret")
    await reading.milestones([NAP], posted_by=HERS)
    assert {"DATABASE_URL", "STILLNEW_METRICS_TOKEN"}.isdisjoint(process().environ())


SERVICE = """
import asyncio, sys
from uuid import uuid4
from service.daycare.translate import Prose
from service.daycare.prose_queue import ProseQueue
async def main():
    await ProseQueue().milestones([Prose("Slept.", ())], posted_by=uuid4())
    print("read", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_the_process_ends_with_the_service_however_that_ends() -> None:
    service = subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert service.stdout is not None
    with service, service.stdout:
        assert service.stdout.readline() == b"read\n"
        reads = process(service.pid)
        service.send_signal(signal.SIGKILL)
        service.wait()
        gone, alive = psutil.wait_procs([reads], timeout=10)
    assert (len(gone), alive) == (1, [])


async def test_reading_does_not_block_the_event_loop(reading: ProseQueue) -> None:
    """The event loop runs while the process reads notes for about a second."""
    await reading.milestones([NAP], posted_by=HERS)
    turns, began_s = 0, time.process_time()
    call = asyncio.create_task(reading.milestones([LONG] * 40, posted_by=HERS))
    while not call.done():
        turns += 1
        await asyncio.sleep(0.001)
    spent_s = time.process_time() - began_s
    read_s = sum(process().cpu_times()[:2])
    assert turns > 20
    assert spent_s < read_s / 2, "it was read somewhere else"
