"""Draws the part of the output about Ben, who keeps surprises: the held entries, their release, and the sitter's card.

Owns the words and the tables of this part. `glimpse` has read the data from the devices right before and after the release.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from client import FeedEntry
from client.handover_page import Card
from demo.cast import CHILD_NAMES, PARENTS, PLAYERS, Twin, Who, other_parent
from demo.first_steps import MILESTONE, TWIN
from demo.history import History
from demo.picture import BRIEF_BELOW, COLOURS, QUIET, cell
from demo.play import Played
from demo.timelines import Row, day_of, side_by_side
from demo.wishes import IN_WORDS, WAITS

ROWS_SHOWN: Final = 6
KNOWN_SHOWN: Final = 2
WAITING, OTHER = PLAYERS[WAITS].name, PLAYERS[other_parent(WAITS)].name
CHILD: Final = CHILD_NAMES[TWIN]


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The data of this part of the output.

    `released`: the entries about the first steps that came into Ben's feed after the moment of `played.before`.
    """

    history: History
    played: Played
    released: Sequence[FeedEntry]
    child_by_twin: Mapping[Twin, UUID]
    names: Mapping[UUID, str]
    safety_note: str


def about(entries: Sequence[FeedEntry], *, child: UUID, milestone: str) -> list[FeedEntry]:
    """Returns the entries about one child's milestone, and the entries that refer to these."""
    found: dict[str, FeedEntry] = {}
    for entry in entries:
        body = entry.event.get("event", {})
        is_on_it = (body.get("child"), body.get("milestone")) == (str(child), milestone)
        if is_on_it or found.keys() & {body.get("about"), body.get("target"), body.get("observation")}:
            found[entry.event["id"]] = entry
    return list(found.values())


def drawn(envelope: Envelope, *, width: int) -> RenderableType:
    """Draws the story in order of time, from Ben's choice to the release."""
    history = envelope.history
    saw_at, released_at = history.own_first.draft.occurred_at, history.own_first.leaves_at
    blank = (
        f"The blank is this picture's, to keep the lines level. {WAITING}'s own screen has none: {_lines(envelope)} lines one "
        f"below the other, and places 1 to {envelope.played.before.place} of a feed with no number missing."
    )
    moment = (
        f"{saw_at:%A}, {saw_at:%H:%M}: {WAITING} sees it, by a lake without a network, and tells his phone. "
        f"{released_at:%H:%M}: the network is back, and {WAITING}'s feed goes on."
    )
    tip = f"By age alone, whatever happened, everybody is told what to make safe: “{envelope.safety_note}”"
    return Group(
        Rule(Text(f"What {WAITING} is not told", style="bold"), style=QUIET),
        Padding(Text(f"In the first week {WAITING} chose: “{IN_WORDS}” The others write down what they see, as ever."), (1, 2)),
        Padding(_before_and_after(envelope, width=width), (0, 0, 1, 2)),
        Padding(Text(blank, style=QUIET), (0, 2, 1, 2)),
        Padding(_card_of_the_sitter(envelope, width=width), (0, 2, 1, 2)),
        Padding(Text(f"{_keep_quiet(envelope)}{tip}", style=QUIET), (0, 2, 1, 2)),
        Padding(Text(moment), (0, 2, 1, 2)),
        Padding(_feed(envelope.released, envelope.names), (0, 2, 1, 2)),
        Padding(Text(_before_you(envelope), style="italic"), (0, 2, 1, 2)),
    )


def _keep_quiet(envelope: Envelope) -> str:
    """Returns a sentence about the sitter's receipt for the first steps, or an empty text if the receipt names no member."""
    sentences = [
        f"{envelope.names[author]} wrote it down on {_at(entry):%A}, and was answered: keep quiet before {', '.join(quiet)}. "
        for entry in envelope.released
        if (author := UUID(entry.event["author"])) in envelope.names and envelope.names[author] == PLAYERS[Who.SITTER].name
        if (quiet := envelope.played.tally.keep_quiet.get(UUID(entry.event["id"]), ()))
    ]
    return "".join(sentences[:1])


def _rows(envelope: Envelope) -> list[Row]:
    """Returns rows with three columns: Ada's timeline, Ben's timeline before the release, and Ben's timeline after it."""
    waits, other = PARENTS.index(WAITS), PARENTS.index(other_parent(WAITS))
    before, after = envelope.played.before.timelines, envelope.played.after.timelines
    return side_by_side([before[other], before[waits], after[waits]], child=envelope.child_by_twin[TWIN])


def _lines(envelope: Envelope) -> int:
    """Returns the number of this child's milestones in Ben's timeline before the release."""
    return sum(row.entries[1] is not None for row in _rows(envelope))


def _before_and_after(envelope: Envelope, *, width: int) -> Table:
    is_brief = width < BRIEF_BELOW
    table = Table(box=None, width=width - 2, padding=(0, 1, 0, 0), pad_edge=False, header_style="none")
    table.add_column(Text(CHILD, style="bold"), ratio=1)
    colours = [COLOURS[PARENTS.index(who)] for who in (other_parent(WAITS), WAITS, WAITS)]
    for header, colour in zip((f"{OTHER}, all along", f"{WAITING}, before", f"{WAITING}, after"), colours, strict=True):
        table.add_column(Text(header, style=f"bold {colour}"), width=19 if is_brief else 25)
    for row in _rows(envelope)[-ROWS_SHOWN:]:
        cells = [
            Text() if entry is None else cell(entry, colour, envelope.names, is_brief=True, gap="\n  " if is_brief else " ")
            for entry, colour in zip(row.entries, colours, strict=True)
        ]
        table.add_row(Text(row.title, style="bold" if row.milestone == MILESTONE else "none"), *cells)
    return table


def _card_of_the_sitter(envelope: Envelope, *, width: int) -> Panel:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(style=QUIET, no_wrap=True)
    table.add_column(ratio=1)
    cards = sorted(envelope.played.before.cards, key=lambda card: (not card.not_to_mention, card.child_name))
    for card in cards:
        table.add_row(card.child_name, "do not mention", Text(_listed(card, len(card.not_to_mention)), style="bold"))
        table.add_row("", "speak freely of", _listed(card, KNOWN_SHOWN, knows=True))
        table.add_row("", "say", f"“{card.phrase}”")
    if any(card.notes_too for card in cards):
        table.add_row("", "notes, pictures", f"{WAITING} waits for those as well")
    sitter = PLAYERS[Who.SITTER].name
    title = Text(f"{sitter}'s card: before you meet {' or '.join(dict.fromkeys(card.name for card in cards))}", style="bold")
    return Panel(table, title=title, title_align="left", box=box.ROUNDED, border_style=QUIET, width=width - 4, padding=(0, 1))


def _listed(card: Card, most: int, *, knows: bool = False) -> str:
    titles = [line.title for line in (card.knows if knows else card.not_to_mention)]
    rest = len(titles) - most
    return "; ".join(titles[:most]) + (f"; and {rest} more" if rest > 0 else "") or "nothing"


def _feed(entries: Sequence[FeedEntry], names: Mapping[UUID, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=QUIET, expand=True)
    table.add_column("place", justify="right")
    table.add_column("")
    table.add_column("", ratio=1)
    table.add_column("released", style=QUIET, no_wrap=True)
    for entry in entries:
        name = names.get(UUID(entry.event["author"]), "somebody")
        table.add_row(f"{entry.place}", Text(name, style="bold"), _in_words(entry), entry.released or "")
    return table


def _in_words(entry: FeedEntry) -> str:
    body = entry.event["event"]
    words = body.get("note") or body.get("feelings") or body.get("words") or body.get("text")
    quoted = f": “{words}”" if words else ""
    match body["type"]:
        case "MilestoneObserved" | "ParentFirstSaw":
            return f"saw it on {_at(entry):%a} {day_of(_at(entry))}{quoted}"
        case "Cheered":
            return f"cheers{quoted}"
        case "Amended":
            return "puts a word of it right"
        case _:
            return f"adds a word{quoted}"


def _at(entry: FeedEntry) -> datetime:
    return datetime.fromisoformat(entry.event["occurred_at"]).astimezone()


def _before_you(envelope: Envelope) -> str:
    """Returns a sentence like `The first time you saw it: Saturday, 14 Nov. Nana saw it on Sunday, 8 Nov.`"""
    own = next(row for row in _rows(envelope) if row.milestone == MILESTONE).entries[2]
    if own is None or own.first_saw is None or own.before_you is None:
        return ""
    mine, theirs = own.first_saw.occurred_at.astimezone(), own.before_you.occurred_at.astimezone()
    who = envelope.names.get(own.before_you.author, "Somebody")
    return f"The first time you saw it: {mine:%A}, {day_of(mine)}. {who} saw it on {theirs:%A}, {day_of(theirs)}."
