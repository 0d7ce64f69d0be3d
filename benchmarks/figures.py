"""Defines the figures of the workloads, with limits and aims. Prints the figures as a table, and stores them as JSON.

Owns the shapes, the percentiles and the table. Measures nothing.
"""

import statistics
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class Aim(StrEnum):
    """The direction in which a figure is better."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measured number (the median of `runs`), with the limit that it is compared with, and the aim."""

    workload: str
    what: str
    unit: str
    value: float
    runs: tuple[float, ...] = ()
    limit_name: str | None = None
    limit: float | None = None
    """The value that the figure is compared with: a median, measured in the same run of the benchmarks on the same machine."""
    ratio: float | None = None
    """The value divided by the limit. If both were measured in each round, the ratio is the median of the rounds' ratios."""
    aim: Aim | None = None
    aimed: float | None = None
    aims_at_ratio: bool = False
    detail: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the aim was reached, or None if the figure has no aim."""
        judged = self.ratio if self.aims_at_ratio else self.value
        if self.aim is None or self.aimed is None or judged is None:
            return None
        match self.aim:
            case Aim.AT_LEAST:
                return judged >= self.aimed
            case Aim.AT_MOST:
                return judged <= self.aimed


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run of the benchmarks, with the machine and the sizes of the workloads."""

    machine: dict[str, str | int | float]
    size: dict[str, object]
    figures: tuple[Figure, ...]
    is_met_by_figure: dict[str, bool]


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the nearest-rank percentile; `share` is 0.99 for p99.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ms(seconds: float) -> float:
    return seconds * 1_000


def against_limit(
    *, workload: str, what: str, unit: str, runs: Sequence[float], limit_name: str, limit_runs: Sequence[float],
    aimed_ratio: float | None = None, detail: str = "",
) -> Figure:
    """Returns a figure with a limit that was measured in the same rounds: round i gave `runs[i]` and `limit_runs[i]`."""
    ratios = [run / limit for run, limit in zip(runs, limit_runs, strict=True)]
    return Figure(
        workload=workload, what=what, unit=unit, value=statistics.median(runs), runs=tuple(runs), limit_name=limit_name,
        limit=statistics.median(limit_runs), ratio=statistics.median(ratios), aims_at_ratio=aimed_ratio is not None,
        aim=None if aimed_ratio is None else Aim.AT_LEAST, aimed=aimed_ratio, detail=detail,
    )


def at_most(*, workload: str, what: str, unit: str, runs: Sequence[float], aimed: float | None, detail: str = "",
            limit_name: str | None = None, limit: float | None = None) -> Figure:
    """Returns a figure that should be at most `aimed`. The limit is only for comparison."""
    value = statistics.median(runs)
    return Figure(
        workload=workload, what=what, unit=unit, value=value, runs=tuple(runs), limit_name=limit_name, limit=limit,
        ratio=None if not limit else value / limit, aim=None if aimed is None else Aim.AT_MOST, aimed=aimed, detail=detail,
    )


def fact(*, workload: str, what: str, unit: str, runs: Sequence[float], detail: str = "") -> Figure:
    """Returns a figure without aim or limit."""
    return Figure(workload=workload, what=what, unit=unit, value=statistics.median(runs), runs=tuple(runs), detail=detail)


def show(report: Report, *, console: Console) -> None:
    """Prints the figures of a report as a table."""
    table = Table(title="Stillnew, and the limits of its parts", title_justify="left", pad_edge=False)
    for heading in ("workload", "figure", "value", "limit", "ratio", "aim", ""):
        table.add_column(heading, justify="right" if heading in ("value", "limit", "ratio", "aim") else "left")
    last = ""
    for figure in report.figures:
        if last and figure.workload != last:
            table.add_section()
        aim = "" if figure.aim is None else f"{figure.aim} {figure.aimed:g}{' of limit' if figure.aims_at_ratio else ''}"
        verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[figure.is_met]
        limit = "" if figure.limit is None else f"{number(figure.limit)}\n{figure.limit_name}"
        named = figure.what if not figure.detail else f"{figure.what}\n[dim]{figure.detail}[/]"
        table.add_row(
            "" if figure.workload == last else figure.workload, named, f"{number(figure.value)} {figure.unit}", limit,
            "" if figure.ratio is None else f"{figure.ratio:.2f}", aim, verdict,
        )
        last = figure.workload
    console.print(table)


def number(value: float) -> str:
    """Formats a number: without decimals from 100 on, else with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def store(report: Report, *, at: Path) -> None:
    """Writes the report as JSON."""
    at.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
