"""Sorts the rows of an imported file into records, refused rows, ignored rows and unreadable rows.

Pure: knows no family, no database and no clock. Counts every row of a file once, so that the counts of a report add up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from events.errors import FieldInvalid, Refused, TimeOutOfRange
from service.daycare.record import Record
from service.daycare.sources.reading import Ignored, ReadRecord, Unreadable, Why
from service.log.admit import require_sane


class Placed(msgspec.Struct, frozen=True):
    """A record, the place of its row in the file, and the decoded row."""

    at: str
    record: Record
    row: Any


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be read, but is refused, for example because the log would refuse its record."""

    at: str
    code: str
    detail: str


class ParsedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The sorted rows of a file. `rows` is the number of all rows."""

    rows: int
    placed: tuple[Placed, ...]
    refused: tuple[RefusedRow, ...]
    refused_records: int
    """Number of records in the refused rows: a row about two children has two records."""
    ignored: Mapping[Why, int]
    taken_back: tuple[Record, ...]
    """Records that the source leaves out now. If an earlier import wrote such a record, this import withdraws the record."""
    unreadable: tuple[Unreadable, ...]
    media: int
    has_local_times: bool = False
    """Whether the time of a record depends on the time zone that the parent states."""
    is_order_unproven: bool = False
    """Whether dates of the file are ambiguous: the first number may be the month or the day."""

    @property
    def names(self) -> dict[str, str | None]:
        """The child's name in the source for each child of the file. The key is the child's reference."""
        return {one.record.reference: one.record.shown_name for one in self.placed}


def parse(read: Iterable[ReadRecord], *, latest: datetime, of_one_id_max: int | None = None) -> ParsedFile:
    """Sorts the rows of a file.

    A row with a time after `latest` is refused, because the log would refuse the record. `of_one_id_max` is the number of rows
    that may have the same id. None: any number of rows may have the same id.
    """
    rows = media = refused_records = 0
    placed: list[Placed] = []
    refused: list[RefusedRow] = []
    taken_back: list[Record] = []
    unreadable: list[Unreadable] = []
    ignored: Counter[Why] = Counter()
    rows_by_id: Counter[str] = Counter()
    for one in read:
        rows += 1
        match one.outcome:
            case Unreadable():
                unreadable.append(one.outcome)
            case Ignored():
                ignored[one.outcome.why] += 1
                media += one.outcome.media
                taken_back += [gone for gone in one.outcome.taken_back if refusal_of(gone, latest=latest) is None]
            case records:
                refusal = next(filter(None, (refusal_of(record, latest=latest) for record in records)), None)
                rows_by_id.update(record.id for record in records)
                if of_one_id_max is not None and any(rows_by_id[record.id] > of_one_id_max for record in records):
                    refusal = FieldInvalid(f"A file has at most {of_one_id_max} rows of one child, one activity and one time.")
                if refusal is not None:
                    refused.append(RefusedRow(at=one.at, code=refusal.code, detail=refusal.detail))
                    refused_records += len(records)
                    continue
                media += sum(len(record.media) for record in records)
                placed += [Placed(one.at, record, one.record) for record in records]
    return ParsedFile(
        rows=rows, placed=tuple(placed), refused=tuple(refused), refused_records=refused_records, ignored=ignored,
        taken_back=tuple(taken_back), unreadable=tuple(unreadable), media=media,
    )  # fmt: skip


def imported_at(file: ParsedFile, now: datetime) -> ParsedFile:
    """Returns the file with `now` as the time of import in each record."""
    placed = [msgspec.structs.replace(one, record=msgspec.structs.replace(one.record, imported_at=now)) for one in file.placed]
    gone = [msgspec.structs.replace(one, imported_at=now) for one in file.taken_back]
    return msgspec.structs.replace(file, placed=tuple(placed), taken_back=tuple(gone))


def refusal_of(record: Record, *, latest: datetime) -> Refused | None:
    """Returns the error with which the log would refuse the times of a record; None if the times are valid."""
    times = ("it happened", record.occurred_at), ("it was entered", record.recorded_at), ("it was changed", record.revised_at)
    for what, time in times:
        try:
            require_sane(time, at="")
        except TimeOutOfRange as refusal:
            return refusal
        if time > latest:
            return TimeOutOfRange(f"A time lies at most a day ahead of now; this row says that {what} later than that.")
    return None
