"""Writes the figures of a run into results.md, between two marks. Does not change the text before and after the marks."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure, Report, number

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


class MarksMissing(ValueError):
    """The page lacks the first mark, or the second mark after it. Nothing was written."""


def write_figures(report: Report, *, at: Path) -> None:
    """Replaces the text between the marks of the page `at`.

    Raises:
        MarksMissing: the page lacks a mark.
    """
    page = at.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MarksMissing(f"{at.name} lacks {BEGIN} or {END}")
    at.write_text(f"{before}{BEGIN}\n{_surroundings(report)}\n\n{_table(report.figures)}\n{END}{after}")


def _surroundings(report: Report) -> str:
    machine = report.machine
    versions = ", ".join(f"{name} {machine[name]}" for name in ("litestar", "uvicorn", "asyncpg", "msgspec"))
    return (
        f"Measured {machine['measured_at']} on {machine['cores']} cores and {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, {versions}. The load average before it began was {machine['load_before']}."
    )


def _table(figures: Sequence[Figure]) -> str:
    lines = ["| workload | figure | value | limit | ratio | aim | |", "|---|---|--:|--:|--:|--:|---|"]
    last = ""
    for figure in figures:
        limit = "" if figure.limit is None else f"{number(figure.limit)} ({figure.limit_name})"
        aim = "" if figure.aim is None else f"{figure.aim} {figure.aimed:g}{' of limit' if figure.aims_at_ratio else ''}"
        verdict = {None: "", True: "met", False: "**missed**"}[figure.is_met]
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        named = figure.what if not figure.detail else f"{figure.what} ({figure.detail})"
        workload = "" if figure.workload == last else figure.workload
        lines.append(f"| {workload} | {named} | {number(figure.value)} {figure.unit} | {limit} | {ratio} | {aim} | {verdict} |")
        last = figure.workload
    return "\n".join(lines)
