"""Gives a folder to each attempt to clean or render, and removes the folders of processes that were killed.

Several processes share the parent folder. A living process locks its folders; a lock ends with its process.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def work_folder(work: Path) -> AsyncIterator[Path]:
    """Makes an empty folder below `work`, locks it, and removes it at the end."""
    folder, locked = await asyncio.to_thread(_make, work)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        os.close(locked)


def remove_abandoned(work: Path) -> None:
    """Removes the folders below `work` that no living process has locked."""
    for folder in work.iterdir() if work.is_dir() else ():
        with suppress(OSError):  # locked by a living process, or removed by another one that starts
            locked = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(locked)


def _make(work: Path) -> tuple[Path, int]:
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=work))
    locked = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(locked, fcntl.LOCK_EX)
    return folder, locked
