"""Runs one part of the clips in a process of its own, which kills itself (SIGKILL) before its n-th step.

A step is a statement to Postgres, before it and after it, and an operation on a file below a folder. Owns no part of the clips:
the folder is watched by audit events of Python, and the connections are wrapped.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from service.clips.cleaner import Cleaner
from service.clips.objects import FolderObjects
from service.clips.sweeper import Sweeper
from service.clips.uploads import Uploader, Uploads
from service.log.log import now_utc
from service.postgres.pool import close_pool, open_pool
from tests.crash.serving import forking

FILE_EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
KILLED = -signal.SIGKILL
WITHIN_S = 60.0


class Doom:
    """Counts steps, and kills this process before the n-th."""

    def __init__(self, folder: Path, *, before_step: int) -> None:
        self._folder, self._left = str(folder), before_step
        sys.addaudithook(self._on_event)

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_EVENTS and str(arguments[0]).startswith(self._folder):
            self.step()


class DoomedConnection:
    """A connection, or a pool, of which each statement has a step before it and one after it."""

    def __init__(self, inner: Any, doom: Doom) -> None:
        self._inner, self._doom = inner, doom

    async def _do(self, work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        self._doom.step()
        done = await work(*arguments)
        self._doom.step()
        return done

    async def fetch(self, *arguments: Any) -> Any:
        return await self._do(self._inner.fetch, *arguments)

    async def fetchrow(self, *arguments: Any) -> Any:
        return await self._do(self._inner.fetchrow, *arguments)

    async def fetchval(self, *arguments: Any) -> Any:
        return await self._do(self._inner.fetchval, *arguments)

    async def execute(self, *arguments: Any) -> Any:
        return await self._do(self._inner.execute, *arguments)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["DoomedConnection"]:
        async with self._inner.acquire() as connection:
            yield type(self)(connection, self._doom)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        async with self._inner.transaction():
            yield
        self._doom.step()


async def run_doomed(part: Callable[..., Awaitable[None]], url: str, folder: Path, *arguments: Any, before_step: int) -> bool:
    """Runs a part, and returns whether it was killed before that step. False: it has fewer steps, and has come to its end."""
    process = forking.Process(target=_run, args=(part, url, folder, arguments, before_step))
    process.start()
    await asyncio.to_thread(process.join, WITHIN_S)
    assert process.exitcode in (0, KILLED), process.exitcode
    return process.exitcode == KILLED


def _run(part: Callable[..., Awaitable[None]], url: str, folder: Path, arguments: tuple[Any, ...], before_step: int) -> None:
    async def run() -> None:
        pool = await open_pool(url, size_max=2)
        doom = Doom(folder, before_step=before_step)
        await part(DoomedConnection(pool, doom), folder, *arguments)
        await close_pool(pool)

    asyncio.run(run())


async def send_part(pool: Any, folder: Path, uploader: Uploader, clip: Any, content: bytes) -> None:
    """Sends the first bytes of an upload."""

    async def body() -> AsyncIterator[bytes]:
        yield content

    uploads = Uploads(pool=pool, objects=FolderObjects(folder / "objects"), member_bytes_max=10**12)
    await uploads.append(uploader, clip, body(), at=0, digest=None, now=now_utc())


async def clean_one(pool: Any, folder: Path) -> None:
    """Cleans the upload that has waited longest."""
    objects = FolderObjects(folder / "objects")
    assert await Cleaner(pool=pool, objects=objects, work=folder / "work", now=now_utc).clean_next()


async def sweep_once(pool: Any, folder: Path) -> None:
    """Sweeps once."""
    await Sweeper(pool=pool, objects=FolderObjects(folder / "objects"), now=now_utc).run_once()
