"""Tests whether response times reveal held events: `python -m benchmarks.timing [--n 6000] [route ...]`, or `make timing`.

In each family, the father keeps surprises. The families are equal for the fathers, except that 0, 1, 50 or 1,000 events are held
from a father. Families with the same number form a class. All families get the same requests over one keep-alive connection, one
after the other in random order. Welch's test compares the response times of the classes (invariant I-20). For calibration, two
classes without held events are compared with each other. A service that filters the feed while it reads is the positive control:
if the test does not detect that service, the test has no power. Owns the order of requests and the verdict.

Exits with 0 if no route differs, with 1 if a route differs, and with 2 if the test has no power or the calibration fails.
"""

import argparse
import gc
import random
import statistics
import sys
import time
from array import array
from collections.abc import Sequence

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.connection import Connection, ConnectionCut, WrongAnswer
from benchmarks.processes import beside, stillnew
from benchmarks.timing_families import TimedFamily, find_ends, found_timed, prove_alike
from benchmarks.timing_routes import ROUTES, Route
from benchmarks.welch import Welch, cropped, welch

N = 6_000
SMOKE_N = 6
NOTHING_HELD = (0, 0)
"""The numbers of held events in the first two classes. All other classes are compared with the first class."""
CALIBRATION = 1
FAMILIES_A_CLASS = 2
"""The number of families per class. Families are founded in the order of the classes, then in reverse, so no class is older."""
WARM_UP = 0.03
"""The number of requests at the beginning that are not counted, as a share of the counted requests."""
LENGTHS_DIFFER_MAX = 0.001
"""The share by which the lengths of responses may differ. A time on a whole second is written with 7 bytes less."""
PROGRESS_EVERY_S = 15.0
US = 1e6


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of one class with the first class, for one route."""

    route: str
    held: int
    is_calibration: bool
    n: tuple[int, int]
    """The number of compared times, of the first class and of this class: all times without the slowest ones."""
    medians_us: tuple[float, float]
    """The medians of all times in µs, of the first class and of this class."""
    found: Welch


class Connections(msgspec.Struct, frozen=True):
    """The connections to the service, and to the second process, which filters the feed while it reads."""

    service: Connection
    naive: Connection


async def run(routes: Sequence[str], *, n: int, held: Sequence[int], seed: int, console: Console) -> list[Compared]:
    """Founds the families, sends the requests, compares the times."""
    rng = random.Random(seed)
    compared: list[Compared] = []
    async with stillnew() as service:
        classes = [*range(len(held)), *reversed(range(len(held)))]
        families = [(index, await found_timed(service.address, held=held[index])) for index in classes]
        everyone = [one for _, one in families]
        await prove_alike(everyone, address=service.address, database_url=service.database_url)
        console.print(f"{len(families)} families, {everyone[0].place} entries in each feed; n = {n:,} a class")
        async with beside(service, module="benchmarks.naive_filter") as naive:
            for name in routes:
                await find_ends(everyone, address=service.address)
                connections = Connections(await Connection.open(service.address), await Connection.open(naive.address))
                blocks = -(-n // FAMILIES_A_CLASS)
                times = await _ask_all(ROUTES[name], families, connections, blocks=blocks, rng=rng, console=console)
                connections.service.close()
                connections.naive.close()
                found = _compare(name, held, times)
                console.print(f"{ROUTES[name].what}: " + ", ".join(f"{one.held:,} held t {one.found.t:+.1f}" for one in found))
                compared += found
    return compared


async def _ask_all(
    route: Route, families: Sequence[tuple[int, TimedFamily]], connections: Connections, *,
    blocks: int, rng: random.Random, console: Console,
) -> list["array[float]"]:
    """Returns the times of each class, in seconds. In each block, every family gets one request, in a new random order.

    Raises:
        WrongAnswer: a response is wrong, or the responses of a block differ in length.
    """
    times: list[array[float]] = [array("d") for _ in range(1 + max(index for index, _ in families))]
    order = list(families)
    connection = connections.naive if route.is_control else connections.service
    unclocked = 1 + int(blocks * WARM_UP)
    printed_at = time.monotonic()
    gc.collect()
    gc.disable()
    try:
        for block in range(unclocked + blocks):
            rng.shuffle(order)
            length = 0
            for index, one in order:
                if route.before is not None:
                    await connections.naive.ask(route.before(one, block))
                asked = route.ask(one, block)
                sent_at = time.perf_counter()
                answer = await connection.ask(asked)
                took = time.perf_counter() - sent_at
                length = length or len(answer.body)
                is_as_long = abs(len(answer.body) - length) <= length * LENGTHS_DIFFER_MAX
                if answer.status != route.status or route.contains not in answer.body or not is_as_long:
                    raise WrongAnswer(answer)
                if block >= unclocked:
                    times[index].append(took)
            if time.monotonic() - printed_at > PROGRESS_EVERY_S:
                printed_at = time.monotonic()
                console.print(f"[dim]{route.what}: {block:,} of {unclocked + blocks:,} rounds[/]")
                gc.collect()
    finally:
        gc.enable()
    return times


def _compare(name: str, held: Sequence[int], times: Sequence["array[float]"]) -> list[Compared]:
    first = times[0]
    compared = []
    for index in range(1, len(held)):
        kept = cropped(first, times[index])
        compared.append(Compared(
            route=name, held=held[index], is_calibration=index == CALIBRATION, n=(len(kept[0]), len(kept[1])),
            medians_us=(statistics.median(first) * US, statistics.median(times[index]) * US), found=welch(*kept),
        ))  # fmt: skip
    return compared


def verdict(one: Compared, *, held: Sequence[int]) -> str:
    """Returns the verdict of a comparison, in a word or two."""
    if ROUTES[one.route].is_control and one.held == max(held):
        return "seen" if one.found.differs else "NOT SEEN"
    if one.is_calibration:
        return "NOT CALIBRATED" if one.found.differs else "alike"
    if ROUTES[one.route].is_control:
        return "seen" if one.found.differs else "too little to be seen"
    return "DIFFERS" if one.found.differs else "alike"


def exit_code(verdicts: Sequence[str]) -> int:
    """Returns 0 if no route differs, 1 if a route differs, 2 if the test has no power or the calibration failed."""
    if not {"NOT SEEN", "NOT CALIBRATED"}.isdisjoint(verdicts):
        return 2
    return 1 if "DIFFERS" in verdicts else 0


def show(compared: Sequence[Compared], *, held: Sequence[int], console: Console) -> None:
    """Prints the comparisons as a table. The column `seen from` is the smallest difference of means that the test would see."""
    table = Table(title="Times where events are held, beside times where none are", title_justify="left", pad_edge=False)
    for heading in ("route", "held", "t", "median, none", "median", "seen from", "n cropped", ""):
        table.add_column(heading, justify="left" if heading in ("route", "") else "right")
    last = ""
    for one in compared:
        if last and one.route != last:
            table.add_section()
        table.add_row(
            "" if one.route == last else ROUTES[one.route].what, f"{one.held:,}", f"{one.found.t:+.1f}",
            f"{one.medians_us[0]:,.0f} µs", f"{one.medians_us[1]:,.0f} µs", f"{one.found.least_seen * US:,.0f} µs",
            f"{one.n[0]:,} / {one.n[1]:,}", verdict(one, held=held),
        )  # fmt: skip
        last = one.route
    console.print(table)


def main() -> int:
    """Reads the arguments, runs the test, prints the verdict."""
    arguments = argparse.ArgumentParser(prog="benchmarks.timing", description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--n", type=int, default=N, help=f"askings a class; below {N:,} chance looks like a finding")
    arguments.add_argument("--held", default="1,50,1000", help="how many are held in the classes that are not empty")
    arguments.add_argument("--seed", type=int, default=1, help="of the order of asking")
    arguments.add_argument("--smoke", action="store_true", help="as few askings as can be, and no verdict: does it still work?")
    arguments.add_argument("route", nargs="*", choices=[*ROUTES, []], help="which ones, the control always; all if none is named")
    asked = arguments.parse_args()
    routes = [name for name in ROUTES if not asked.route or name in asked.route or ROUTES[name].is_control]
    held = (*NOTHING_HELD, *([20] if asked.smoke else map(int, asked.held.split(","))))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    try:
        compared = uvloop.run(run(routes, n=SMOKE_N if asked.smoke else asked.n, held=held, seed=asked.seed, console=console))
    except (WrongAnswer, ConnectionCut) as error:
        console.print(f"asked in vain: {error}")
        return 2
    show(compared, held=held, console=console)
    verdicts = [verdict(one, held=held) for one in compared]
    if "NOT SEEN" in verdicts:
        console.print("The control was not seen: this run has no power, and says nothing of any route.")
    return 0 if asked.smoke else exit_code(verdicts)


if __name__ == "__main__":
    sys.exit(main())
