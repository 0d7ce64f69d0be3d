"""Reads the worked histories of docs/surprise.md: fenced blocks with one line for each event.

Owns the notation of the histories. A line that cannot be read is an error, so that no line of a block is left untested. Knows
nothing of the rule.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from events.catalogue import CATALOGUE, Domain

PAGE: Final = Path(__file__).parents[2] / "docs" / "surprise.md"
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PEOPLE: Final = ("Ada", "Ben", "Sam", "Gran", "Sunflowers")
CHILDREN: Final = ("Mia", "Noah")
OWN: Final = {"tram": "own.0193a2b4-0000-7000-8000-000000000000"}
REASONS: Final = ("own_first", "opened", "told", "time", "sorted")

_LINE = re.compile(r" *(?P<number>\d+)  (?P<day>[A-Z][a-z]{2})  (?P<deed>.*?)(?: +-> (?P<outcome>.*))?")
_MARK = re.compile(r" \(([^()]*)\)$")


@dataclass(frozen=True)
class Outcome:
    """The effects of a line: the members to whom it is delivered or from whom it is held, and the lines that it releases."""

    told: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    hints: frozenset[tuple[str, str, str]] = frozenset()
    """The hints because of the line, each as the member, the child and the domain."""
    gets: frozenset[tuple[str, tuple[int, ...], str | None]] = frozenset()
    """The earlier lines that are delivered now: the member, the lines, and the mark of release; no mark for history."""
    quiet: frozenset[str] = frozenset()
    refused: str | None = None


@dataclass(frozen=True)
class Line:
    """One event of a history. `said` has the fields of the event: another line is named by its number, a child by its name."""

    number: int
    day: str
    who: str
    kind: str
    said: Mapping[str, Any]
    marks: tuple[str, ...]
    outcome: Outcome

    @property
    def recorded(self) -> str:
        """The day on which the event was recorded."""
        return next((mark.removeprefix("recorded ") for mark in self.marks if mark.startswith("recorded ")), self.day)

    @property
    def audience(self) -> str | None:
        """The audience of the event; None means the default audience of its type."""
        return next((mark.removeprefix("for ") for mark in self.marks if mark in ("for me", "for household", "for family")), None)

    @property
    def is_joining(self) -> bool:
        """Whether the line is a choice that an invited member makes while accepting the invite."""
        return "while joining" in self.marks


@dataclass
class History:
    """One worked history of the page."""

    title: str
    here: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    reads: dict[str, tuple[int | str, ...]] = field(default_factory=dict)
    """Whole feeds by member: the numbers of lines, and "hint"."""

    @property
    def says_quiet(self) -> bool:
        """Whether the history lists the members in `keep_quiet` of its receipts."""
        return any(line.outcome.quiet for line in self.lines)


class NotUnderstood(ValueError):
    """The error for a line of the page that does not follow the notation."""


def histories(page: str) -> list[History]:
    """Returns all worked histories of a page, each with the heading before it."""
    found = []
    for section in re.split(r"^#+ ", page, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        blocks = re.findall(r"^```history\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        found += [_history(title, block.splitlines()) for block in blocks]
    return found


def _history(title: str, block: list[str]) -> History:
    first, *rest = block
    if not first.startswith("here: "):
        raise NotUnderstood(f"{title}: {first}")
    history = History(title, _names(first.removeprefix("here: ")))
    for text in rest:
        if (reads := re.fullmatch(r"([A-Z][a-z]+) reads ((?:\d+|hint)(?:, (?:\d+|hint))*)", text)) is not None:
            items = tuple(item if item == "hint" else int(item) for item in reads[2].split(", "))
            history.reads[_names(reads[1])[0]] = items
        elif (line := _LINE.fullmatch(text)) is not None and not history.reads:
            history.lines.append(_line(line, history))
        else:
            raise NotUnderstood(f"{title}: {text}")
    return history


def _line(found: re.Match[str], history: History) -> Line:
    number, day, deed = int(found["number"]), found["day"], found["deed"]
    marks = []
    while (mark := _MARK.search(deed)) is not None:
        deed = deed[: mark.start()]
        marks.append(mark[1])
    who, _, what = deed.partition(" ")
    if number != len(history.lines) + 1 or day not in DAYS or who not in PEOPLE:
        raise NotUnderstood(f"{history.title}: {found[0]}")
    kind, said = _deed(what, {mark for mark in marks if not _is_of_any(mark)})
    return Line(number, day, who, kind, said, tuple(marks), _outcome(found["outcome"]))


def _is_of_any(mark: str) -> bool:
    """Checks whether a mark is allowed in every line, whatever the type of the line's event."""
    return mark in ("for me", "for household", "for family", "while joining") or mark.removeprefix("recorded ") in DAYS


def _deed(what: str, marks: set[str]) -> tuple[str, dict[str, Any]]:
    for pattern, kind, read in _DEEDS:
        if (found := re.fullmatch(pattern, what)) is not None:
            said = {name: value for name, value in read(found.groupdict()).items() if value is not None}
            if kind == "SurpriseChosen":
                said |= _of_a_choice(marks)
            if marks:
                raise NotUnderstood(f"{what}: {marks}")
            return kind, said
    raise NotUnderstood(what)


def _of_a_choice(marks: set[str]) -> dict[str, Any]:
    """Removes the marks of a choice from `marks` and returns them as fields of the choice."""
    said: dict[str, Any] = {}
    for mark in sorted(marks):
        if mark == "everyday notes too":
            said["hold_unsorted"] = True
        elif (days := re.fullmatch(r"for at most (\d+) days", mark)) is not None:
            said["at_most_days"] = int(days[1])
        else:
            continue
        marks.remove(mark)
    return said


def _milestone(word: str) -> str:
    """Returns the key of a milestone from its word on the page: the last part of a key of the catalogue, or a name in `OWN`."""
    if word in OWN:
        return OWN[word]
    found = [key for key in CATALOGUE.by_key if key.partition(".")[2] == word]
    if len(found) != 1:
        raise NotUnderstood(word)
    return found[0]


def _scope(word: str) -> str:
    if word == "all":
        return word
    return f"domain:{word}" if word in set(Domain) else f"milestone:{_milestone(word)}"


Groups = dict[str, str]
_DEEDS: Final[tuple[tuple[str, str, Callable[[Groups], dict[str, Any]]], ...]] = (
    (r"chooses (?P<mode>keep|hint|tell) for (?P<scope>\S+)(?: of (?P<child>Mia|Noah))?", "SurpriseChosen",
     lambda it: {"mode": it["mode"], "scope": _scope(it["scope"]), "child": it["child"]}),
    (r"opens (?P<scope>\S+)(?: of (?P<child>Mia|Noah))?", "EnvelopeOpened",
     lambda it: {"scope": _scope(it["scope"]), "child": it["child"]}),
    (r"sees (?P<child>Mia|Noah) (?P<milestone>\S+)", "MilestoneObserved",
     lambda it: {"child": it["child"], "milestone": _milestone(it["milestone"])}),
    (r"first sees (?P<child>Mia|Noah) (?P<milestone>\S+)", "ParentFirstSaw",
     lambda it: {"child": it["child"], "milestone": _milestone(it["milestone"]), "how": "in_person"}),
    (r"cheers (?P<about>\d+)", "Cheered", lambda it: {"about": int(it["about"])}),
    (r'writes "(?P<text>[^"]+)"(?: about (?P<about>\d+))?', "NoteWritten",
     lambda it: {"child": "Mia", "text": it["text"], "about": int(it["about"]) if it["about"] else None}),
    (r"attaches a clip to (?P<target>\d+)", "ClipAttached", lambda it: {"target": int(it["target"])}),
    (r"amends (?P<target>\d+) to (?P<milestone>\S+)", "Amended",
     lambda it: {"target": int(it["target"]), "changes": {"milestone": _milestone(it["milestone"])}}),
    (r"withdraws (?P<target>\d+)", "Withdrawn", lambda it: {"target": int(it["target"])}),
    (r"sorts (?P<target>\d+) as (?P<child>Mia|Noah) (?P<milestone>\S+)", "Sorted",
     lambda it: {"target": int(it["target"]), "child": it["child"], "milestone": _milestone(it["milestone"])}),
    (r"sorts (?P<target>\d+) as nothing", "Sorted", lambda it: {"target": int(it["target"]), "child": "Mia"}),
    (r'names (?P<own>\S+) "(?P<title>[^"]+)" in (?P<domain>\S+)', "MilestoneNamed",
     lambda it: {"milestone": OWN[it["own"]], "title": it["title"], "domain": Domain(it["domain"]).value}),
    (r"joins", "MemberJoined", lambda it: {}),
    (r"has waited long enough", "TimePassed", lambda it: {}),
)  # fmt: skip


def _outcome(text: str | None) -> Outcome:
    told: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    hints, gets, refused = [], [], None
    for clause in text.split("; ") if text else []:
        if clause.startswith("told "):
            told = _names(clause.removeprefix("told "))
        elif clause.startswith("held "):
            held = _names(clause.removeprefix("held "))
        elif clause.startswith("quiet "):
            quiet = _names(clause.removeprefix("quiet "))
        elif clause.startswith("refused "):
            refused = clause.removeprefix("refused ")
        elif (hint := re.fullmatch(r"hint ([A-Z][a-z]+): (Mia|Noah) (\w+)", clause)) is not None:
            hints.append((_names(hint[1])[0], hint[2], Domain(hint[3]).value))
        elif (freed := re.fullmatch(r"([A-Z][a-z]+) gets ((?:\d+, )*\d+) \((\w+)\)", clause)) is not None:
            if freed[3] not in (*REASONS, "history"):
                raise NotUnderstood(clause)
            numbers = tuple(int(number) for number in freed[2].split(", "))
            gets.append((_names(freed[1])[0], numbers, None if freed[3] == "history" else freed[3]))
        else:
            raise NotUnderstood(clause)
    return Outcome(frozenset(told), frozenset(held), frozenset(hints), frozenset(gets), frozenset(quiet), refused)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(", "))
    if unknown := [name for name in names if name not in PEOPLE]:
        raise NotUnderstood(", ".join(unknown))
    return names
