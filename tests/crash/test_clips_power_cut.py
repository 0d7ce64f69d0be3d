"""Tests that what an offset or a row of a file states was synced before its statement: a power cut after it loses nothing.

An upload and a cleaning run in processes of their own, which record each operation on files in order: by audit events of Python,
and by a profiler for `fsync`, for which Python has no event. The test then plays the record on a disk that loses what was not
synced: the bytes of a file that nobody synced, and the names in a folder that nobody synced.

Not shown: that the kernel and the disk do what `fsync` promises, and that Postgres does (its settings are checked elsewhere).
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

from service.clips.uploads import PIECE_BYTES
from service.postgres.pool import close_pool, open_pool
from tests.crash.doomed import Doom, DoomedConnection, clean_one, send_part
from tests.crash.serving import forking
from tests.service.clips.conftest import clips as clips
from tests.service.clips.conftest import log as log
from tests.service.clips.family_clips import FamilyClips
from tests.service.clips.media import picture

WITHIN_S = 60.0
Operation = tuple[str, str, str]


class Record(Doom):
    """The operations on files below a folder, and the statements between them, in order."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, before_step=0)
        self.operations: list[Operation] = []
        self._root, self._above = str(folder / "objects"), str(folder)
        sys.addaudithook(self._on_operation)
        threading.setprofile(self._on_call)

    def step(self) -> None:
        """Counts nothing."""

    def state(self, statement: str) -> None:
        self.operations.append(("statement", statement, ""))

    def _on_operation(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = str(arguments[0]) if arguments else ""
        if path.startswith(self._root):
            if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
                self.operations.append(("write", path, ""))
            elif event in ("os.mkdir", "os.rename"):
                self.operations.append((event, path, str(arguments[1]) if event == "os.rename" else ""))

    def _on_call(self, frame: FrameType, event: str, function: Any) -> None:
        if event == "c_return" and function is os.fsync:
            # A store works on one file at a time, so the one that is open is the one that was synced.
            opened = set(map(path_of, os.listdir("/proc/self/fd")))
            (path,) = {path for path in opened if path.startswith(self._root) or path == self._above}
            self.operations.append(("sync", path, ""))


def path_of(descriptor: str) -> str:
    """Returns the path of an open file; empty if it is closed already."""
    link = Path("/proc/self/fd", descriptor)
    return os.readlink(link) if os.path.lexists(link) else ""


class RecordedConnection(DoomedConnection):
    """A connection that records the statements."""

    def __init__(self, inner: Any, doom: Doom) -> None:
        super().__init__(inner, doom)
        assert isinstance(doom, Record)
        self.record = doom

    async def fetch(self, *arguments: Any) -> Any:
        self.record.state(arguments[0])
        return await super().fetch(*arguments)

    async def fetchval(self, *arguments: Any) -> Any:
        self.record.state(arguments[0])
        return await super().fetchval(*arguments)


def record(part: Callable[..., Awaitable[None]], url: str, folder: Path, arguments: tuple[Any, ...]) -> None:
    """Runs a part, and writes its operations to the file `record`."""

    async def run() -> list[Operation]:
        pool = await open_pool(url, size_max=2)
        recorded = Record(folder)
        await part(RecordedConnection(pool, recorded), folder, *arguments)
        await close_pool(pool)
        return recorded.operations

    (folder / "record").write_text(json.dumps(asyncio.run(run())))


async def operations_of(part: Callable[..., Awaitable[None]], url: str, folder: Path, *arguments: Any) -> list[Operation]:
    process = forking.Process(target=record, args=(part, url, folder, arguments))
    process.start()
    await asyncio.to_thread(process.join, WITHIN_S)
    assert process.exitcode == 0
    return [(one, path, to) for one, path, to in json.loads((folder / "record").read_text())]


class Disk:
    """A disk of which a power cut leaves only what was synced."""

    def __init__(self) -> None:
        self.unsynced_bytes: set[str] = set()
        self.unsynced_names: set[str] = set()
        self.files: set[str] = set()

    def do(self, operation: Operation) -> None:
        match operation:
            case ("write", path, _):
                self.unsynced_bytes.add(path)
                self.unsynced_names.add(path)
            case ("os.mkdir", path, _):
                self.unsynced_names.add(path)
            case ("os.rename", path, to):
                if path in self.unsynced_bytes:
                    self.unsynced_bytes.add(to)
                self.unsynced_names.add(to)
                self.files.add(to)
            case ("sync", path, _):
                self.unsynced_bytes.discard(path)
                self.unsynced_names -= {name for name in self.unsynced_names if os.path.dirname(name) == path}

    def lost(self) -> set[str]:
        """Returns the objects that a power cut would take, with the folders above them."""
        return {
            path
            for path in self.files
            if path in self.unsynced_bytes or self.unsynced_names & {path, *map(str, Path(path).parents)}
        }


def lost_at(operations: list[Operation], statement: str) -> tuple[int, set[str]]:
    """Returns how many objects were there at the statements that contain a text, and those that a power cut would have taken."""
    disk, lost, seen = Disk(), set(), 0
    for operation in operations:
        disk.do(operation)
        if operation[0] == "statement" and statement in operation[1]:
            lost |= disk.lost()
            seen = len(disk.files)
    return seen, lost


async def test_each_piece_is_synced_before_the_offset_moves_over_it(clips: FamilyClips, database_url: str) -> None:
    content = bytes(2 * PIECE_BYTES + 7)
    clip = await clips.uploads.create(clips.ada, filetype="image/png", length=len(content), now=clips.log.now())
    operations = await operations_of(send_part, database_url, clips.folder, clips.ada, clip, content)
    assert lost_at(operations, "INSERT INTO clip_piece") == (3, set())


async def test_each_file_of_a_clip_is_synced_before_its_row_is_written(clips: FamilyClips, database_url: str) -> None:
    await clips.upload(picture("JPEG", size=(1_600, 1_200)))
    operations = await operations_of(clean_one, database_url, clips.folder)
    assert lost_at(operations, "SET state = CASE WHEN $4") == (3, set())


def test_a_store_that_does_not_sync_is_seen() -> None:
    """As obstore's local store: it renames a file that nobody synced."""
    write, rename, row = ("write", "/o/n/1", ""), ("os.rename", "/o/n/1", "/o/a/1"), ("statement", "row", "")
    sync_file, sync_folder = ("sync", "/o/n/1", ""), ("sync", "/o/a", "")
    assert lost_at([write, rename, row], "row") == (1, {"/o/a/1"})
    assert lost_at([write, sync_file, rename, row], "row") == (1, {"/o/a/1"})
    assert lost_at([write, rename, sync_folder, row], "row") == (1, {"/o/a/1"})
    assert lost_at([("os.mkdir", "/o/a", ""), write, sync_file, rename, sync_folder, row], "row") == (1, {"/o/a/1"})
    assert lost_at([write, sync_file, rename, sync_folder, row], "row") == (1, set())
