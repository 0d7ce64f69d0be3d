"""Tests the content of a device's file after a kill of the device, at each line of client/ and at random moments of a commit."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Never
from uuid import UUID

import msgspec
import pytest

import client
from client.device import Device
from client.environment import trusted_certificates
from client.responses import EventHead, Page, Problem, PushResponse, RawEntry, Receipt
from tests.client.conftest import ADA, fixed_world, paired_file

CLIENT_FOLDER = str(Path(client.__file__).parent)
A, B, C = (UUID(int=(7 << 76) | (2 << 62) | number) for number in (1, 2, 3))

Step = Callable[[Device], object]


def recorded(draft_id: UUID, place: int) -> Receipt:
    return Receipt(id=draft_id, outcome="recorded", place=place)


def page(first: int, last: int, *, log: str = "L1") -> Page:
    """Returns a page of the feed with the places `first` to `last`. The entry at place 1 is the event of draft A."""
    own = EventHead(id=str(A), author=str(ADA.member))
    entries = [
        RawEntry(place=place, json=msgspec.json.encode({"place": place, "event": own if place == 1 else {}}))
        for place in range(first, last + 1)
    ]
    return Page(
        log=log, after=first - 1, chain_before=f"{first - 1:016}", entries=tuple(entries), chain=f"{last:016}", more=False
    )


# The steps of a device: it records, pushes, pulls, sets a draft aside, and twice notices that the service was restored.
DAY: tuple[Step, ...] = (
    lambda device: device.record({"type": "NoteWritten", "text": "a"}, draft_id=A),
    lambda device: device.record({"type": "NoteWritten", "text": "b"}, draft_id=B),
    lambda device: device.sync_session.save_receipts(
        PushResponse(log="L1", receipts=(recorded(A, 1), Receipt(id=B, outcome="refused", problem=Problem(code="x"))))
    ),
    lambda device: device.mirror.append(page(1, 3)),
    lambda device: device.record({"type": "NoteWritten", "text": "c"}, draft_id=C),
    lambda device: device.mirror.append(page(3, 4)),
    lambda device: device.sync_session.save_receipts(PushResponse(log="L1", receipts=(Receipt(id=C, outcome="set_aside"),))),
    lambda device: device.sync_session.save_receipts(PushResponse(log="L1", receipts=(recorded(C, 2),))),
    lambda device: device.sync_session.save_receipts(PushResponse(log="L2", receipts=(recorded(C, 1),))),
    lambda device: device.mirror.append(page(1, 1, log="L2")),
)


def state_of(path: Path) -> tuple[Any, ...]:
    """Opens the device's file again, and returns all of its content."""
    device = Device.open(path)
    try:
        assert device.store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        held = (device.transcript(), device.mirror.log, device.mirror.chain, device.mirror.beginnings)
        return (list(device.drafts()), device.outbox.last_place(), held)
    finally:
        device.store.close()


def die() -> Never:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("outlived SIGKILL")


def in_a_child(work: Callable[[int], object]) -> tuple[int, bool]:
    """Runs `work` in a forked process with a pipe.

    Returns the number of bytes in the pipe, and whether a signal ended the process.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(write_end)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as output:
        bytes_written = len(output.read())
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return bytes_written, os.WIFSIGNALED(status)


def run_the_day(path: Path, *, pipe: int, lines: int) -> None:
    """Runs the steps of DAY, and writes a byte after each. Kills the process after `lines` executed lines of client/."""
    left = lines

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(CLIENT_FOLDER):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                die()
        return trace

    sys.settrace(trace)
    device = Device.open(path, world=fixed_world())
    for step in DAY:
        step(device)
        os.write(pipe, b".")
    sys.settrace(None)


def run_the_day_in_a_child(path: Path, *, lines: int) -> tuple[int, bool]:
    return in_a_child(lambda pipe: run_the_day(path, pipe=pipe, lines=lines))


@pytest.mark.timeout(300)
def test_a_device_that_is_killed_at_any_line_is_as_before_that_step_or_as_after_it(tmp_path: Path) -> None:
    """Law 1: after a kill at any line, each finished step is stored, and no step is stored in part."""
    trusted_certificates()
    states = []
    for steps in range(len(DAY) + 1):
        path = paired_file(tmp_path / f"whole-{steps}.device")
        device = Device.open(path, world=fixed_world())
        for step in DAY[:steps]:
            step(device)
        device.store.close()
        states.append(state_of(path))
    lines, is_killed = 0, True
    while is_killed:
        lines += 1
        path = paired_file(tmp_path / f"killed-{lines}.device")
        finished, is_killed = run_the_day_in_a_child(path, lines=lines)
        assert state_of(path) in states[finished : finished + 2], f"killed at line {lines}, after {finished} steps"
        for file in tmp_path.glob(f"killed-{lines}.device*"):
            file.unlink()
    assert lines > 150, "the day got shorter than it was: is it still traced?"


def record_without_end(path: Path, *, pipe: int) -> None:
    device = Device.open(path)
    for number in range(1_000_000):
        device.record({"type": "NoteWritten", "text": "x" * 3000, "number": number})
        os.write(pipe, b".")


def test_a_device_that_is_killed_at_any_moment_of_a_commit_holds_every_draft_that_it_answered_for(tmp_path: Path) -> None:
    """Law 1: after a kill inside of SQLite, the file is intact and has each draft whose `record` had returned."""
    trusted_certificates()
    path = paired_file(tmp_path / "ada.device")
    seeded = random.Random(11)
    answered_for = 0
    for _ in range(15):
        answered_for += kill_after(0.05 + seeded.random() * 0.1, lambda pipe: record_without_end(path, pipe=pipe))
        device = Device.open(path)
        held = sum(1 for _ in device.drafts())
        assert device.store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        device.store.close()
        assert answered_for <= held <= answered_for + 1
        answered_for = held
    assert answered_for > 15


def kill_after(seconds: float, work: Callable[[int], object]) -> int:
    """Runs `work` in a forked process with a pipe, and kills the process. Returns the number of bytes in the pipe."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(read_end, "rb") as output:
        return len(output.read())
