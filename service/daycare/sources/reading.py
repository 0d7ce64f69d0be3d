"""Reads a source's file record by record. Each record is translated into our records, is ignored for a reason, or is unreadable.

Owns these three outcomes, and the loop over the records: an unreadable record does not stop the reading. Knows no source, no
family and no clock.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol

import msgspec

from events.errors import FieldInvalid
from events.json_checks import DETAIL_MAX, joined
from service.daycare.record import Record
from service.daycare.sources.dates import Order
from service.daycare.sources.times import zone_named

RECORDS_MAX: Final = 20_000
"""Bound on the records of one file: the records of one child in about three years (600 days of care with 33 entries each). A
longer history needs several files."""


class Why(StrEnum):
    """The reason why a record is ignored. The list of reasons is closed, so that a client can translate each reason."""

    STAFF_ONLY = "staff_only"
    SAFEGUARDING = "safeguarding"
    SENSITIVE = "sensitive"
    NOT_FOR_PARENTS = "not_for_parents"
    UNMARKED = "unmarked"
    """The file does not state whether parents may see the record. Such a record is treated as hidden from parents."""
    DRAFT = "draft"
    ASSESSMENT = "assessment"
    """The record grades the child against a framework. Not every member of a family should see such grades."""
    BY_PARENT = "by_parent"
    """A parent wrote the record for the daycare. It was not written for the family's other home."""
    NO_WORDS = "no_words"
    NO_CHILD = "no_child"
    ELSEWHERE = "elsewhere"
    """The record only refers to another record, which has its own id."""
    UNKNOWN_KIND = "unknown_kind"


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not imported, and the reason."""

    why: Why
    media: int = 0
    """Number of pictures and films of the record."""
    taken_back: tuple[Record, ...] = ()
    """Records with the record's ids and times, but without content, marked as gone. If an earlier import wrote a record with such
    an id, the import withdraws that record."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A record that cannot be read: its place in the file and the error, without the record's content."""

    at: str
    detail: str


Outcome = tuple[Record, ...] | Ignored | Unreadable
"""The outcome of one record of a source: one of our records for each child, or the reason why there are no records."""


class ImportHints(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a file that the importing parent states, because the file does not state them."""

    zone: str = "UTC"
    """The time zone of the file's local times, by its name in the tz database."""
    reference: str | None = None
    """The child's reference if the file names no child. It may be any text that is the same for each file about this child."""
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names by the source's ids of the children. If the file contains a name, that name is used."""
    dates: Order | None = None
    """The order of day and month in dates with slashes. None: the parent does not state the order."""
    as_parent: bool = False
    """Whether the file was downloaded with a parent's account. Then parents may see the records without visibility flags."""


NO_HINTS: Final = ImportHints()


class RawRecord(msgspec.Struct, frozen=True):
    """One record of a file before translation: its place in the file (`activities[3]`), and the decoded value."""

    at: str
    record: Any


class ReadRecord(msgspec.Struct, frozen=True):
    """One record after translation: its place in the file, the decoded value, and its outcome."""

    at: str
    record: Any
    outcome: Outcome


class OpenedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a decoded file, in the order of the file."""

    found: tuple[RawRecord, ...]
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names that the file contains outside of its records, by the children's references."""
    is_order_unproven: bool = False
    """Whether the file has dates with slashes, and no date proves whether the month or the day is first."""


class OpenFile(Protocol):
    """A function that decodes a file of one source."""

    def __call__(self, body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile: ...


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """The possible ids of a row that has no id in the file. Rows whose ids would be equal are numbered from 0."""

    row: Hashable
    """A value that identifies the row. Two rows with equal values are one record."""
    id_of: Callable[[int], str]
    """A function that returns the id of the row with a given number."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A system whose files can be imported."""

    name: str
    media_types: tuple[str, ...]
    needs_reference: bool = False
    """Whether the importing parent must name the child, because the files do not name the child."""
    open: OpenFile
    """A function that decodes a file. It refuses the whole file if this source does not write such files."""
    translate: Callable[[Any, ImportHints], tuple[Record, ...] | Ignored]
    """A pure function that translates one decoded record into our records. It raises FieldInvalid if the record is unreadable."""
    naming: Callable[[Any, ImportHints, str], Naming | None] | None = None
    """A function that returns the possible ids of a row about the child with this reference, or None if the row has an id.
    `translate` gives a row without an id the id with the number 0. `naming` is None if all rows of this source have ids."""
    when_unmarked: str = ""
    """The end of a sentence for the importing parent. It names the fields to request from the source, so that no record is
    ignored as UNMARKED."""

    def read(self, body: bytes, hints: ImportHints = NO_HINTS) -> Iterator[ReadRecord]:
        """Returns an iterator over the records of a file, each with its outcome, in the file's order.

        The file may contain the same record twice.

        Raises:
            Refused: The file cannot be read or has more than 20,000 records, or `hints` lacks a field that this source needs. The
                whole file is refused before the first outcome.
        """
        return self.read_opened(self.opened(body, hints), hints)

    def opened(self, body: bytes, hints: ImportHints) -> OpenedFile:
        """Decodes a file.

        Raises:
            Refused: The file is refused for one of the reasons that `read` lists.
        """
        zone_named(hints.zone)
        if self.needs_reference and not (hints.reference or "").strip():
            raise FieldInvalid("A file of this source does not say which child it is about.", at="reference")
        return self.open(body, hints)

    def read_opened(self, file: OpenedFile, hints: ImportHints) -> Iterator[ReadRecord]:
        """Returns an iterator over the records of a decoded file, each with its outcome, in the file's order."""
        if file.name_by_reference:
            hints = msgspec.structs.replace(hints, name_by_reference={**hints.name_by_reference, **file.name_by_reference})
        return (ReadRecord(found.at, found.record, self.outcome(found, hints)) for found in file.found)

    def outcome(self, found: RawRecord, hints: ImportHints) -> Outcome:
        """Returns the outcome of one record. If the record cannot be read, returns `Unreadable` and raises no error."""
        try:
            return self.translate(found.record, hints)
        except FieldInvalid as refusal:
            at = refusal.at or ""
            return Unreadable(at=joined(found.at, at) if at else found.at, detail=refusal.detail[:DETAIL_MAX])
