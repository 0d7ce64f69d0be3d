"""Builds the report of an import for the parent: the number of records by outcome, the refused rows, and notices.

Owns the shape of the response. Counts each row of a file exactly once. Decides nothing about a record.
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
    """A row that cannot be read: the row's place in the file, and the reason."""

    at: str
    detail: str


class ReferenceFound(msgspec.Struct, frozen=True, kw_only=True):
    """A child's reference in a file. `child` is the family's child that is linked to the reference, or null."""

    reference: str
    shown_name: str | None
    child: ChildId | None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the import that the parent should know or can correct.

    The values of `code` never change: programs compare them.
    """

    code: str
    detail: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The report of an import. A dry run responds with the report that the import would have.

    If each row is about one child, all counts in `outcomes` and `ignored`, and `unreadable_records`, add up to `records`.
    """

    dry_run: bool
    member: MemberId | None
    """The importer: the member who writes the events. Null in a dry run before the first import from the source."""
    records: int
    """Number of rows in the file."""
    records_of_children: int
    """Number of records: a row about two children counts as two records. The counts in `outcomes` add up to this number."""
    outcomes: dict[str, int]
    """Number of records by outcome, with the outcome `refused` included."""
    ignored: dict[str, int]
    """Number of ignored rows by reason."""
    taken_back: int
    """Number of records that earlier imports wrote and that this import withdraws, because the source leaves them out now."""
    media: int
    """Number of pictures and films that the file names. The service does not fetch these pictures and films."""
    unreadable_records: int
    unreadable: tuple[UnreadRow, ...]
    """The first 100 rows that cannot be read."""
    refused: tuple[RefusedRow, ...]
    """The first 100 refused rows."""
    references: tuple[ReferenceFound, ...]
    notices: tuple[Notice, ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of an import: the number of finished records, and the number of all records."""

    done: int
    of: int


def first_report(
    file: ParsedFile, *, is_dry: bool, member: MemberId | None, links: Mapping[str, Meant], notices: Sequence[Notice]
) -> Imported:
    """Returns the report of a file as it is before the first record is written."""
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
    """Returns the report of a complete import. `refused` are the rows that the log refused."""
    counts = Counter(outcomes)
    counts[REFUSED] += file.refused_records
    return msgspec.structs.replace(
        report,
        outcomes={outcome: count for outcome, count in sorted(counts.items()) if count},
        taken_back=taken_back,
        refused=(*report.refused, *refused)[:LISTED_MAX],
    )
