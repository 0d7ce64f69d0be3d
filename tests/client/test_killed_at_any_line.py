"""A device that is killed, with SIGKILL, at every line of its own code, and at any moment of the database's."""

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
from tests.client.conftest import ADA, paired_file, still_world

CLIENT_FOLDER = str(Path(client.__file__).parent)
A, B, C = (UUID(int=(7 << 76) | (2 << 62) | number) for number in (1, 2, 3))

Step = Callable[[Device], object]


def recorded(draft_id: UUID, place: int) -> Receipt:
    return Receipt(id=draft_id, outcome="recorded", place=place)


def page(first: int, last: int, *, log: str = "L1") -> Page:
    """A page whose entry at place 1 is the draft A."""
    own = EventHead(id=str(A), author=str(ADA.member))
    entries = [
        RawEntry(place=place, json=msgspec.json.encode({"place": place, "event": own if place == 1 else {}}))
        for place in range(first, last + 1)
    ]
    return Page(
        log=log, after=first - 1, chain_before=f"{first - 1:016}", entries=tuple(entries), chain=f"{last:016}", more=False
    )


# A day of a device: it records, pushes, pulls, sets aside, and meets a service that was restored twice.
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
    """All that a device knows, read after a fresh opening."""
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
    """Run work in a forked process; it says on the pipe what it finished. Answers how many bytes it said, and whether it died."""
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(said)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(said)
    with os.fdopen(heard, "rb") as pipe:
        bytes_said = len(pipe.read())
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return bytes_said, os.WIFSIGNALED(status)


def live_the_day(path: Path, *, said: int, lines: int) -> None:
    """Live the day and die at the so-manieth line of client/; one byte for each step that returned."""
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
    device = Device.open(path, world=still_world())
    for step in DAY:
        step(device)
        os.write(said, b".")
    sys.settrace(None)


@pytest.mark.timeout(300)
def test_a_device_that_is_killed_at_any_line_is_as_before_that_step_or_as_after_it(tmp_path: Path) -> None:
    """Law 1, on the device's side: what record() returned for is kept, and nothing is kept by half."""
    trusted_certificates()
    states = []
    for steps in range(len(DAY) + 1):
        path = paired_file(tmp_path / f"whole-{steps}.device")
        device = Device.open(path, world=still_world())
        for step in DAY[:steps]:
            step(device)
        device.store.close()
        states.append(state_of(path))
    lines, is_killed = 0, True
    while is_killed:
        lines += 1
        path = paired_file(tmp_path / f"killed-{lines}.device")
        finished, is_killed = in_a_child(lambda said, path=path, lines=lines: live_the_day(path, said=said, lines=lines))  # type: ignore[misc]
        assert state_of(path) in states[finished : finished + 2], f"killed at line {lines}, after {finished} steps"
        for file in tmp_path.glob(f"killed-{lines}.device*"):
            file.unlink()
    assert lines > 150, "the day got shorter than it was: is it still traced?"


def record_without_end(path: Path, *, said: int) -> None:
    device = Device.open(path)
    for number in range(1_000_000):
        device.record({"type": "NoteWritten", "text": "x" * 3000, "number": number})
        os.write(said, b".")


def test_a_device_that_is_killed_at_any_moment_of_a_commit_holds_every_draft_that_it_answered_for(tmp_path: Path) -> None:
    """Law 1, on the device's side: here the kill falls inside the database, not between lines."""
    trusted_certificates()
    path = paired_file(tmp_path / "ada.device")
    dice = random.Random(11)
    answered_for = 0
    for _ in range(15):
        answered_for += kill_after(0.05 + dice.random() * 0.1, lambda said: record_without_end(path, said=said))
        device = Device.open(path)
        held = sum(1 for _ in device.drafts())
        assert device.store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        device.store.close()
        assert answered_for <= held <= answered_for + 1
        answered_for = held
    assert answered_for > 15


def kill_after(seconds: float, work: Callable[[int], object]) -> int:
    """Run work in a forked process and kill it from outside. Answers how many bytes it said."""
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(said)
        finally:
            os._exit(1)
    os.close(said)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(heard, "rb") as pipe:
        return len(pipe.read())
