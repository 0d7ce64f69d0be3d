"""Reads a source's file record by record. Each record is translated into our records, ignored for a reason, or unreadable.

Owns these outcomes, and the loop: an unreadable record does not stop the reading. Knows no source, no family and no clock.
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
"""Bound on the records of one file: about three years of one child (600 days of care with 33 entries each). A longer history
needs several files."""


class Why(StrEnum):
    """The reason why a record is ignored. The list is closed, so that a client can translate each reason."""

    STAFF_ONLY = "staff_only"
    SAFEGUARDING = "safeguarding"
    SENSITIVE = "sensitive"
    NOT_FOR_PARENTS = "not_for_parents"
    UNMARKED = "unmarked"
    """The file does not state whether parents may see the record, so the record is treated as hidden from parents."""
    DRAFT = "draft"
    ASSESSMENT = "assessment"
    """The record grades the child against a framework. Such grades are not for every member of a family."""
    BY_PARENT = "by_parent"
    """A parent wrote the record for the daycare, not for the other home of the family."""
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
    """The record's ids and times without content, marked as gone. If an earlier import wrote a record under such an id, the
    import withdraws that record."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A record that cannot be read: its place in the file and the error, without the record's content."""

    at: str
    detail: str


Outcome = tuple[Record, ...] | Ignored | Unreadable
"""The result of one record of a source: one of our records for each child, or the reason why there are none."""


class ImportHints(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a file that the importing parent states, because the file does not."""

    zone: str = "UTC"
    """The time zone of local times, by its name in the tz database."""
    reference: str | None = None
    """The child's reference if the file names no child: any text that is the same for each file about this child."""
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names by the source's ids of the children. Names in the file take precedence."""
    dates: Order | None = None
    """The order of day and month in dates with slashes. None: the parent does not state the order."""
    as_parent: bool = False
    """Whether the file was downloaded with a parent's account. Then records without visibility flags are visible to parents."""


NO_HINTS: Final = ImportHints()


class RawRecord(msgspec.Struct, frozen=True):
    """One record of a file before translation: its place (`activities[3]`), and the decoded value."""

    at: str
    record: Any


class ReadRecord(msgspec.Struct, frozen=True):
    """One record after translation: its place, the decoded value, and its outcome."""

    at: str
    record: Any
    outcome: Outcome


class OpenedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a decoded file, in the order of the file."""

    found: tuple[RawRecord, ...]
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names that the file contains outside the records."""
    is_order_unproven: bool = False
    """Whether the file has dates with slashes, and none of them proves that the month or the day is first."""


class OpenFile(Protocol):
    """A function that decodes a file of one source."""

    def __call__(self, body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile: ...


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """The possible ids of a row that has no id in the file. Rows that agree in all parts of the id are numbered 0, 1, 2, ..."""

    row: Hashable
    """A value that identifies the row: two rows with equal values are one record."""
    id_of: Callable[[int], str]
    """A function that returns the id for a number (0, 1, 2, ...)."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A system whose files can be imported."""

    name: str
    media_types: tuple[str, ...]
    needs_reference: bool = False
    """Whether the importing parent must name the child, because the files do not."""
    open: OpenFile
    """A function that decodes a file. Refuses the whole file if this source does not write such files."""
    translate: Callable[[Any, ImportHints], tuple[Record, ...] | Ignored]
    """A pure function that translates one decoded record into our records. Raises FieldInvalid if the record is unreadable."""
    naming: Callable[[Any, ImportHints, str], Naming | None] | None = None
    """A function that returns the possible ids of a row about the child with this reference, or None if the row has an id.
    `translate` gives a row without an id the id of number 0. None: all rows of this source have ids."""
    when_unmarked: str = ""
    """The end of a sentence for the importing parent. It names the fields to request from the source, so that records are not
    ignored as UNMARKED."""

    def read(self, body: bytes, hints: ImportHints = NO_HINTS) -> Iterator[ReadRecord]:
        """Returns every record of a file with its outcome, in the file's order. The file may contain the same record twice.

        Raises:
            Refused: The file cannot be read or has more than 20,000 records, or `hints` lacks a field that this source needs. The
                whole file is refused before the first outcome.
        """
        return self.read_opened(self.opened(body, hints), hints)

    def opened(self, body: bytes, hints: ImportHints) -> OpenedFile:
        """Decodes a file.

        Raises:
            Refused: For the same reasons as in `read`.
        """
        zone_named(hints.zone)
        if self.needs_reference and not (hints.reference or "").strip():
            raise FieldInvalid("A file of this source does not say which child it is about.", at="reference")
        return self.open(body, hints)

    def read_opened(self, file: OpenedFile, hints: ImportHints) -> Iterator[ReadRecord]:
        """Returns every record of a decoded file with its outcome, in the file's order."""
        if file.name_by_reference:
            hints = msgspec.structs.replace(hints, name_by_reference={**hints.name_by_reference, **file.name_by_reference})
        return (ReadRecord(found.at, found.record, self.outcome(found, hints)) for found in file.found)

    def outcome(self, found: RawRecord, hints: ImportHints) -> Outcome:
        """Returns the outcome of one record. For a record that cannot be read, returns `Unreadable` and raises nothing."""
        try:
            return self.translate(found.record, hints)
        except FieldInvalid as refusal:
            at = refusal.at or ""
            return Unreadable(at=joined(found.at, at) if at else found.at, detail=refusal.detail[:DETAIL_MAX])
