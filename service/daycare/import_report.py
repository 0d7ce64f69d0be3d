"""Builds the report of an import for the parent: the count of each outcome, which rows were refused and why, and what to do.

Owns the shape of the response, and the sum: each row of a file is in exactly one of the counts. Decides nothing about a record.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from events.ids import ChildId, MemberId
from service.daycare.intake import Meant
from service.daycare.parsed_file import ParsedFile, RefusedRow

LISTED_MAX: Final = 100
REFUSED: Final = "refused"


class UnreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that cannot be read."""

    at: str
    detail: str


class ReferenceFound(msgspec.Struct, frozen=True, kw_only=True):
    """A child in a file, and the family's child that it is linked to; null if nobody has linked it yet."""

    reference: str
    shown_name: str | None
    child: ChildId | None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the import that the parent should know or can correct. `code` is stable, for programs."""

    code: str
    detail: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The report of an import; with `dry_run`, of what it would do.

    Where each row is about one child, `outcomes`, `ignored` and `unreadable_records` add up to `records`.
    """

    dry_run: bool
    member: MemberId | None
    """The member who wrote the events; null before the first import of a source."""
    records: int
    """Number of rows in the file."""
    records_of_children: int
    """Number of records: a row about two children is two of these. The outcomes add up to it."""
    outcomes: dict[str, int]
    """Outcome -> number of records of children. Includes `refused`."""
    ignored: dict[str, int]
    """Reason -> number of rows."""
    taken_back: int
    """Number of ignored records that had been recorded before, and are withdrawn."""
    media: int
    """Number of pictures and films that the file names. They are not fetched."""
    unreadable_records: int
    unreadable: tuple[UnreadRow, ...]
    """The first 100."""
    refused: tuple[RefusedRow, ...]
    """The first 100."""
    references: tuple[ReferenceFound, ...]
    notices: tuple[Notice, ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of an import, in records of children."""

    done: int
    of: int


def first_report(
    file: ParsedFile, *, is_dry: bool, member: MemberId | None, links: Mapping[str, Meant], notices: Sequence[Notice]
) -> Imported:
    """Returns the report of a file before any of it is recorded."""
    names = file.names
    return Imported(
        dry_run=is_dry,
        member=member,
        records=file.rows,
        records_of_children=len(file.placed) + file.refused_records,
        outcomes={},
        ignored={str(why): count for why, count in sorted(file.ignored.items())},
        taken_back=0,
        media=file.media,
        unreadable_records=len(file.unreadable),
        unreadable=tuple(UnreadRow(at=one.at, detail=one.detail) for one in file.unreadable[:LISTED_MAX]),
        refused=file.refused[:LISTED_MAX],
        references=tuple(
            ReferenceFound(reference=one, shown_name=names[one], child=links[one].child if one in links else None)
            for one in sorted(names)
        ),
        notices=tuple(notices),
    )


def final_report(
    report: Imported, file: ParsedFile, outcomes: Iterable[str], *, refused: Iterable[RefusedRow], taken_back: int
) -> Imported:
    """Returns the report of a file that was imported whole. `refused`: rows that the log refused, beside those of `file`."""
    counts = Counter(outcomes)
    counts[REFUSED] += file.refused_records
    return msgspec.structs.replace(
        report,
        outcomes={outcome: count for outcome, count in sorted(counts.items()) if count},
        taken_back=taken_back,
        refused=(*report.refused, *refused)[:LISTED_MAX],
    )
