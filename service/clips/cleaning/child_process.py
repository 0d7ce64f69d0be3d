"""Starts a confined process for each file, and ends it when it takes too long."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from service.clips.cleaning.child import Cleaned, CleanOrder, NotCleaned, Order, Outcome, Rendered, RenderOrder
from service.clips.cleaning.refusals import REASONS
from service.clips.cleaning.sandbox import Limits

WITHIN_S: Final = 600.0
"""For a film of 512 MiB on a slow disk. The processor's time has a lower bound of its own."""
OUTCOME_BYTES_MAX: Final = 64 * 1024
PROGRAM: Final = "import sys; sys.path.insert(0, sys.argv[2]); from service.clips.cleaning.child import main; main()"
ROOT: Final = Path(__file__).parents[3]

RENDER_CPU_S_MIN: Final = 120
RENDER_CPU_S_A_SECOND: Final = 15
"""For each second of film. Measured: 0.7 to 1.5 s for 1,080 lines; films may have eight times as many pixels, and more frames."""
RENDER_SHARE_MIN: Final = 4
"""The second film is made at the lowest priority: it may take this many times its processor time."""

LIMITS: Final = Limits()

_decode = msgspec.json.Decoder(Outcome).decode


async def run_child(
    source: Path, filetype: str, folder: Path, *, limits: Limits = LIMITS, within_s: float = WITHIN_S
) -> Cleaned | NotCleaned:
    """Cleans a file into an empty folder. A file whose process breaks, or ends too late, is refused."""
    outcome = await _carry_out(CleanOrder(filetype=filetype, limits=limits), source, folder, within_s)
    return outcome if isinstance(outcome, Cleaned) else _refused(outcome, folder)


async def run_rendition(source: Path, folder: Path, *, length_ms: int) -> Rendered | NotCleaned:
    """Makes the second film of a cleaned one in an empty folder, `rendition`. `length_ms` is that of the cleaned film."""
    cpu_s = RENDER_CPU_S_MIN + RENDER_CPU_S_A_SECOND * length_ms // 1_000
    outcome = await _carry_out(RenderOrder(limits=Limits(cpu_s=cpu_s)), source, folder, RENDER_SHARE_MIN * cpu_s)
    return outcome if isinstance(outcome, Rendered) else _refused(outcome, folder)


async def _carry_out(order: Order, source: Path, folder: Path, within_s: float) -> Outcome | None:
    """Returns the outcome of an order; None if its process broke, or ended too late."""
    with source.open("rb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", PROGRAM, msgspec.json.encode(order).decode(), str(ROOT)),
            stdin=file, stdout=PIPE, stderr=DEVNULL, cwd=folder, env={}, start_new_session=True, limit=OUTCOME_BYTES_MAX,
        )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            assert process.stdout is not None
            written = await process.stdout.read(OUTCOME_BYTES_MAX)
            return _decode(written) if await process.wait() == 0 else None
    except (TimeoutError, msgspec.MsgspecError):
        return None
    finally:
        await _end(process)


def _refused(outcome: Outcome | None, folder: Path) -> NotCleaned:
    """Returns the refusal of an outcome, with one of the known codes. Removes what the process wrote."""
    for file in folder.iterdir():
        file.unlink()
    is_known = isinstance(outcome, NotCleaned) and outcome.code in REASONS
    return outcome if isinstance(outcome, NotCleaned) and is_known else NotCleaned("clip.not_cleaned")


async def _end(process: Process) -> None:
    """Ends a process, if it has not ended. What it wrote beyond an outcome is read too: until then asyncio waits for its pipe."""
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it ended just now
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    while await process.stdout.read(OUTCOME_BYTES_MAX):
        pass
    await process.wait()
