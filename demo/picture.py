"""Draws the output: both parents' timelines side by side, without scores.

Owns colours, marks and widths, for 80 to 104 columns. `timelines` makes the phrases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from demo.history import History
from demo.play import Tally
from demo.timelines import How, Row, TimelineEntry, before_you, day_of, seen_on_two_days

WIDTH_MAX: Final = 104
WIDTH_MIN: Final = 80
BRIEF_BELOW: Final = 98
"""The number of columns below which the output has `3 d` instead of `3 days earlier`."""
CELL: Final = 33
CELL_BRIEF: Final = 25
"""The width of a cell in a narrow terminal, for remarks like `Acorns, same day`. `CELL` is for `Acorns, 13 days earlier`."""

MARK_BY_HOW: Final[Mapping[How, str]] = {"in_person": "●", "live_video": "◐", "clip": "○"}
STILL_NEW: Final = "✧"
COLOURS: Final = ("dark_cyan", "dark_orange3")
QUIET: Final = "bright_black"


@dataclass(frozen=True, kw_only=True)
class Held:
    """Counts of entries on the phones at the end of the year: Ada's entries, Ben's released entries, and Ben's hints."""

    entries: int
    released: int
    hints: int


def width_of(console: Console) -> int:
    """Returns the number of columns of the output."""
    return max(WIDTH_MIN, min(WIDTH_MAX, console.width)) if console.is_terminal else 100


def heading(*, parents: Sequence[str], children: Sequence[str]) -> RenderableType:
    """Draws the title and the explanation of the output."""
    first, second = parents
    return Group(
        Rule(Text(f"{' and '.join(children)}, and the first time you saw it", style="bold"), style=QUIET),
        Padding(
            Text(
                f"{first} and {second} live in two homes and share one log. Each has a timeline of their own: not when it first "
                "happened, but when it first happened for them."
            ),
            (1, 2),
        ),
    )


def of_child(name: str, rows: Sequence[Row], *, parents: Sequence[str], names: Mapping[UUID, str], width: int) -> RenderableType:
    """Draws one child's table: a row for each milestone, a column for each parent."""
    is_brief = width < BRIEF_BELOW
    table = Table(box=None, width=width - 2, padding=(0, 1, 0, 0), pad_edge=False, header_style="none")
    table.add_column(Text(name, style="bold"), width=4, no_wrap=True, style=QUIET, overflow="ellipsis")
    table.add_column("", ratio=1)
    for parent, colour in zip(parents, COLOURS, strict=True):
        table.add_column(Text(f"{parent} saw it", style=f"bold {colour}"), width=CELL_BRIEF if is_brief else CELL)
    month, gap = "", " " if is_brief else "  "
    for row in rows:
        begins = f"{row.begins.astimezone():%b}"
        cells = [
            cell(entry, colour, names, is_brief=is_brief, gap=gap) for entry, colour in zip(row.entries, COLOURS, strict=True)
        ]
        table.add_row("" if begins == month else begins, row.title, *cells)
        month = begins
    return Padding(table, (0, 0, 1, 2))


def cell(entry: TimelineEntry | None, colour: str, names: Mapping[UUID, str], *, is_brief: bool, gap: str) -> Text:
    """Returns one parent's cell, such as `● 3 Oct   Nana, 3 days earlier`. `gap` separates the date from the remark.

    If the parent saw the milestone in person later than in a video, the cell has a second line with that date.
    """
    if entry is None:
        return Text("·", style=QUIET)
    remark = before_you(entry, names=names, is_brief=is_brief)
    if entry.first_saw is None:
        return Text.assemble((f"{STILL_NEW} still new", "bold yellow"), (f"{gap}{remark or ''}", QUIET))
    first, met = entry.first_saw, entry.first_in_person
    cell = Text.assemble((f"{MARK_BY_HOW[first.how]} ", colour), f"{day_of(first.occurred_at, first.precision):<6}")
    if remark is not None:
        cell.append(f"{gap}{remark}", QUIET)
    if first.how != "in_person" and met is not None:
        cell.append(f"\n{MARK_BY_HOW['in_person']} ", colour)
        cell.append(f"{day_of(met.occurred_at, met.precision):<6}{gap}in person", QUIET)
    return cell


def legend() -> RenderableType:
    """Draws the meaning of the marks."""
    marks = Text.assemble(
        *("●  in person    ◐  over live video    ", (STILL_NEW, "bold yellow"), "  still new: you have yet to see it"),
    )
    beside = Text("Beside a date: who saw it before you, and how long before.", style=QUIET)
    return Padding(Group(marks, beside), (0, 2, 1, 2))


def sentence(children: Mapping[str, Sequence[Row]], *, parents: Sequence[str]) -> RenderableType:
    """Draws a sentence about one milestone that both parents saw on different days."""
    for name, rows in children.items():
        row = seen_on_two_days(rows)
        if row is None:
            continue
        firsts = [entry.first_saw for entry in row.entries if entry is not None and entry.first_saw is not None]
        (one, one_at), (other, other_at) = sorted(
            zip(parents, (first.occurred_at for first in firsts), strict=True), key=lambda pair: pair[1]
        )
        title = row.title[0].lower() + row.title[1:]
        text = f"{name}, “{title}”: {one} saw it on {day_of(one_at)}. On {day_of(other_at)} it was new again, for {other}."
        return Padding(Text(text, style="italic"), (0, 2, 1, 2))
    return Text()


def numbers(history: History, tally: Tally, held: Held, *, seconds: float) -> RenderableType:
    """Draws counts of events, duplicates, corrections and entries. No count is about a child."""
    rows = (
        (f"{tally.recorded}", "events recorded, by five devices, over HTTP"),
        (f"{tally.duplicates}", "duplicates ignored: lost answers, pages read twice"),
        (f"{history.corrections}", "corrections: the first words stay, the picture follows the last"),
        (f"{tally.longest_wait}", "lines waited on Ben's phone for three weeks without a network, and found their places"),
        (
            f"{history.daycare_rows}",
            f"rows of the daycare's feed read, {history.daycare_rows_passed_over} of them naps, meals, or for staff alone",
        ),
        (f"{held.entries}", "entries on Ada's phone, and the same bytes on her tablet"),
        (f"{held.released}", "entries waited for Ben until he had seen it himself, and then came once each"),
        (f"{held.hints}", "hints on Ben's phone: something new in thinking, and not a word more"),
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column(style=QUIET)
    for row in rows:
        table.add_row(*row)
    return Group(Rule(style=QUIET), Padding(table, (1, 2)), Padding(Text(f"It took {seconds:.0f} seconds.", style=QUIET), (0, 2)))
