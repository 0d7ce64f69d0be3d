"""Reads a source's file record by record. Each is translated into our records, ignored for a reason, or unreadable.

Owns these outcomes, and the loop in which a bad record does not stop the others. Knows no source, no family and no clock.
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
"""About three years of one child: 600 days of care with 33 entries each. A longer history needs several files."""


class Why(StrEnum):
    """Why a record is left out. The list is closed, so that a client can translate each reason."""

    STAFF_ONLY = "staff_only"
    SAFEGUARDING = "safeguarding"
    SENSITIVE = "sensitive"
    NOT_FOR_PARENTS = "not_for_parents"
    UNMARKED = "unmarked"
    """The file does not state whether parents may see the record, so it is treated as hidden from them."""
    DRAFT = "draft"
    ASSESSMENT = "assessment"
    """The record grades the child against a framework, which is not for every member of a family."""
    BY_PARENT = "by_parent"
    """A parent wrote it, for the daycare and not for the other home."""
    NO_WORDS = "no_words"
    NO_CHILD = "no_child"
    ELSEWHERE = "elsewhere"
    """It only refers to a record that has an id of its own."""
    UNKNOWN_KIND = "unknown_kind"


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is left out, and why."""

    why: Why
    media: int = 0
    """How many pictures and films it has."""
    taken_back: tuple[Record, ...] = ()
    """Its ids and times without content, marked as gone. If one was imported before, when the record was still for parents, the
    import withdraws it; other ids are ignored."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A record that cannot be read: its place and the error, without any of its content."""

    at: str
    detail: str


Outcome = tuple[Record, ...] | Ignored | Unreadable
"""The result of one record: our records, one for each child that it names, or why there are none."""


class ImportHints(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that an importer states about a file because the file does not."""

    zone: str = "UTC"
    """The zone of local times, by its name in the tz database."""
    reference: str | None = None
    """The child of a file that names none: any name that stays the same from file to file."""
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names by the source's own ids. Names in the file take precedence."""
    dates: Order | None = None
    """The order of dates with slashes, if the importer states it."""
    as_parent: bool = False
    """The file was downloaded with a parent's own account, so records without visibility flags are visible to parents."""


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
    """The records of an opened file, in its order."""

    found: tuple[RawRecord, ...]
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names that the file holds beside the records."""
    is_order_unproven: bool = False
    """No date of the file proves whether the month or the day is first."""


class OpenFile(Protocol):
    """Opens a file of one source."""

    def __call__(self, body: bytes, hints: ImportHints = NO_HINTS) -> OpenedFile: ...


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """The possible ids of a row that has none in the file. Rows that agree in all parts of the id are numbered 0, 1, 2, ..."""

    row: Hashable
    """Identifies the row: two rows with equal values are one record."""
    id_of: Callable[[int], str]
    """Returns the id of the record with this number: 0, 1, 2, ..."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A system whose files can be imported."""

    name: str
    media_types: tuple[str, ...]
    needs_reference: bool = False
    """Whether the importer must name the child, because the files do not."""
    open: OpenFile
    """Decodes a file, and refuses the whole file if this source does not write such files."""
    translate: Callable[[Any, ImportHints], tuple[Record, ...] | Ignored]
    """Translates one decoded record into ours. Pure. Raises FieldInvalid if the record cannot be read."""
    naming: Callable[[Any, ImportHints, str], Naming | None] | None = None
    """For a source whose rows may lack an id: returns the possible ids of a row about the child of a reference; None if the row
    has an id. `translate` gives a row without one the id of number 0."""
    when_unmarked: str = ""
    """The end of a sentence for the importer: which fields to request from the source if records are left out as UNMARKED."""

    def read(self, body: bytes, hints: ImportHints = NO_HINTS) -> Iterator[ReadRecord]:
        """Returns every record of a file with its outcome, in the file's order. The same record may be there twice.

        Raises:
            Refused: The whole file is refused, before the first outcome: it cannot be read, holds more than 20,000 records, or
                `hints` lacks what this source needs.
        """
        return self.read_opened(self.opened(body, hints), hints)

    def opened(self, body: bytes, hints: ImportHints) -> OpenedFile:
        """Opens a file.

        Raises:
            Refused: As for `read`.
        """
        zone_named(hints.zone)
        if self.needs_reference and not (hints.reference or "").strip():
            raise FieldInvalid("A file of this source does not say which child it is about.", at="reference")
        return self.open(body, hints)

    def read_opened(self, file: OpenedFile, hints: ImportHints) -> Iterator[ReadRecord]:
        """Returns every record of an opened file with its outcome, in the file's order."""
        if file.name_by_reference:
            hints = msgspec.structs.replace(hints, name_by_reference={**hints.name_by_reference, **file.name_by_reference})
        return (ReadRecord(found.at, found.record, self.outcome(found, hints)) for found in file.found)

    def outcome(self, found: RawRecord, hints: ImportHints) -> Outcome:
        """Returns the outcome of one record. A record that cannot be read gives `Unreadable` and raises nothing."""
        try:
            return self.translate(found.record, hints)
        except FieldInvalid as refusal:
            at = refusal.at or ""
            return Unreadable(at=joined(found.at, at) if at else found.at, detail=refusal.detail[:DETAIL_MAX])
