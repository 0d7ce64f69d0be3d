"""What becomes of each record of a source's file: records of ours, ignored for a reason, or unreadable by itself.

Owns these outcomes, and the loop in which one bad record stops no other. Knows no source, no family and no clock.
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
"""A child's three years at forty entries a day of care, 600 days. A longer history comes in several files."""


class Why(StrEnum):
    """Why a record is left out. The list is closed: whoever reads a report of an import can be told each in their language."""

    STAFF_ONLY = "staff_only"
    SAFEGUARDING = "safeguarding"
    SENSITIVE = "sensitive"
    NOT_FOR_PARENTS = "not_for_parents"
    UNMARKED = "unmarked"
    """The file does not say whether parents may see it: it is taken for what they may not."""
    DRAFT = "draft"
    ASSESSMENT = "assessment"
    """A child graded against a framework: not for everybody who sees a family's log."""
    BY_PARENT = "by_parent"
    """A parent wrote it there, for the daycare and not for the other home."""
    NO_WORDS = "no_words"
    NO_CHILD = "no_child"
    ELSEWHERE = "elsewhere"
    """It only points at a record that stands under its own id."""
    UNKNOWN_KIND = "unknown_kind"


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is left out."""

    why: Why
    media: int = 0
    """How many pictures and films go with it."""
    taken_back: tuple[Record, ...] = ()
    """Its ids and times without any content, marked as gone. Whoever recorded one of these ids before, when it was still to
    be told, takes that back; to everybody else they say nothing."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A record that cannot be read: where, and what is wrong. Says nothing of what stands there."""

    at: str
    detail: str


Outcome = tuple[Record, ...] | Ignored | Unreadable
"""What one record came to: records of ours (one for each child that it names), or why there are none."""


class ImportHints(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever imports a file says of it, because the file does not."""

    zone: str = "UTC"
    """The zone of local times, by its name in the tz database."""
    reference: str | None = None
    """Which child it is about, where it is about one and does not say so: any name that stays the same from file to file."""
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    """Children's names by the source's own ids of them. What the file itself says goes before these."""
    dates: Order | None = None
    """What stands first in dates with slashes, where the importer says so."""
    as_parent: bool = False
    """Whether the file was asked for with a parent's own account: what has no mark is then something that parents may see."""


NOTHING_GIVEN: Final = ImportHints()


class Found(msgspec.Struct, frozen=True):
    """One record as it stands in a file: its place (`activities[3]`), and what was decoded there."""

    at: str
    record: Any


class Read(msgspec.Struct, frozen=True):
    """What one record came to, with its place and what was decoded there."""

    at: str
    record: Any
    outcome: Outcome


class File(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds. `name_by_reference`: children's names that it brings beside the records."""

    found: tuple[Found, ...]
    name_by_reference: Mapping[str, str] = MappingProxyType({})
    is_order_unproven: bool = False
    """Nothing in the file proves whether its dates begin with the month or with the day."""


class OpenFile(Protocol):
    """Opens a file of one source."""

    def __call__(self, body: bytes, given: ImportHints = NOTHING_GIVEN) -> File: ...


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """The ids that a row without one can have. Rows that share what is not corrected later are told apart by a number."""

    row: Hashable
    """All that makes two rows different. Rows that are the same are one record."""
    id_of: Callable[[int], str]
    """Returns the id of the record with this number: 0, 1, 2, ..."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A system whose files can be imported."""

    name: str
    media_types: tuple[str, ...]
    needs_reference: bool = False
    """Its files do not name the child."""
    open: OpenFile
    """Reads a file strictly: refuses it whole where it is not what this source writes."""
    translate: Callable[[Any, ImportHints], tuple[Record, ...] | Ignored]
    """Turns one decoded record into records of ours. Pure; raises FieldInvalid where the record cannot be read."""
    naming: Callable[[Any, ImportHints, str], Naming | None] | None = None
    """Of a source whose rows may have no id: returns the ids that a row's record about a child (its reference) can have; None
    where the row has an id. `translate` gives a row without one the id of number 0."""
    when_unmarked: str = ""
    """Which fields to ask the source for, where records are left out as UNMARKED: the end of a sentence."""

    def read(self, body: bytes, given: ImportHints = NOTHING_GIVEN) -> Iterator[Read]:
        """Returns what each record of a file comes to, in the file's order. The same record may be there twice.

        Raises:
            Refused: the file is refused whole, before the first outcome: it cannot be read, holds more than 20,000 records, or
                `given` lacks what this source needs.
        """
        return self.read_opened(self.opened(body, given), given)

    def opened(self, body: bytes, given: ImportHints) -> File:
        """Open a file.

        Raises:
            Refused: as `read`.
        """
        zone_named(given.zone)
        if self.needs_reference and not (given.reference or "").strip():
            raise FieldInvalid("A file of this source does not say which child it is about.", at="reference")
        return self.open(body, given)

    def read_opened(self, file: File, given: ImportHints) -> Iterator[Read]:
        """Returns what each record of an opened file comes to, in the file's order."""
        if file.name_by_reference:
            given = msgspec.structs.replace(given, name_by_reference={**given.name_by_reference, **file.name_by_reference})
        return (Read(found.at, found.record, self.outcome(found, given)) for found in file.found)

    def outcome(self, found: Found, given: ImportHints) -> Outcome:
        """What one record comes to. One that cannot be read is told by its place, and is no exception."""
        try:
            return self.translate(found.record, given)
        except FieldInvalid as refusal:
            at = refusal.at or ""
            return Unreadable(at=joined(found.at, at) if at else found.at, detail=refusal.detail[:DETAIL_MAX])
