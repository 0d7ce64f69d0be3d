"""Starts a confined process for each file, and ends it when it takes too long."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from service.clips.cleaning.child import NotCleaned, Order, Outcome
from service.clips.cleaning.sandbox import Limits

WITHIN_S: Final = 600.0
"""For a film of 512 MiB on a slow disk. The processor's time has a lower bound of its own."""
OUTCOME_BYTES_MAX: Final = 64 * 1024
PROGRAM: Final = "import sys; sys.path.insert(0, sys.argv[2]); from service.clips.cleaning.child import main; main()"
ROOT: Final = Path(__file__).parents[3]
USUAL: Final = Limits()

_decode: Callable[[bytes], Outcome] = msgspec.json.Decoder(Outcome).decode


async def run_child(
    source: Path, filetype: str, folder: Path, *, limits: Limits = USUAL, within_s: float = WITHIN_S
) -> Outcome:
    """Cleans a file into an empty folder. A file whose process breaks, or ends too late, is refused."""
    order = msgspec.json.encode(Order(filetype=filetype, limits=limits)).decode()
    with source.open("rb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", PROGRAM, order, str(ROOT)),
            stdin=file, stdout=PIPE, stderr=DEVNULL, cwd=folder, env={}, start_new_session=True, limit=OUTCOME_BYTES_MAX,
        )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            assert process.stdout is not None
            written = await process.stdout.read(OUTCOME_BYTES_MAX)
            status = await process.wait()
        return _decode(written) if status == 0 else NotCleaned("clip.not_cleaned")
    except (TimeoutError, msgspec.MsgspecError):
        return NotCleaned("clip.not_cleaned")
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
