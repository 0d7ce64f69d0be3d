"""Reads test feeds and single records as an import does, and counts their outcomes."""

from collections import Counter
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from events.ids import ChildId
from service.daycare.prose.reader import NOTHING, Findings, findings_in
from service.daycare.record import Record
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import NO_HINTS, Ignored, ImportHints, Outcome, RawRecord, Unreadable
from service.daycare.translate import RecordState, prose_of


def read(source: str, body: bytes, given: ImportHints = NO_HINTS) -> list[Outcome]:
    return [one.outcome for one in SOURCES[source].read(body, given)]


def outcome(source: str, record: Any, given: ImportHints = NO_HINTS) -> Outcome:
    return SOURCES[source].outcome(RawRecord("it", record), given)


def translated(source: str, record: Any, given: ImportHints = NO_HINTS) -> tuple[Record, ...]:
    found = outcome(source, record, given)
    assert isinstance(found, tuple), found
    return found


def only(source: str, record: Any, given: ImportHints = NO_HINTS) -> Record:
    (alone,) = translated(source, record, given)
    return alone


def text(source: str, record: Any, given: ImportHints = NO_HINTS) -> str | None:
    return only(source, record, given).text


def verdict(source: str, record: Any, given: ImportHints = NO_HINTS) -> str:
    """Returns the reason why a record is ignored (such as `no_words`), the field that is unreadable, or `translated`."""
    return named(outcome(source, record, given))


def named(found: Outcome) -> str:
    match found:
        case Ignored():
            return found.why.value
        case Unreadable():
            return found.at
        case _:
            return "translated"


def tally(found: list[Outcome]) -> dict[str, int]:
    return dict(Counter("unreadable" if isinstance(one, Unreadable) else named(one) for one in found))


def records(found: list[Outcome]) -> list[Record]:
    return [record for one in found if isinstance(one, tuple) for record in one]


def findings_of(record: Record, before: RecordState | None = None) -> Findings:
    """Returns the milestones that are found in a record. `before` is the ledger's state of the record."""
    prose = prose_of(record, before, child=ChildId(UUID(int=1)))
    return NOTHING if prose is None else findings_in(prose.text, names=prose.names)


def found_in(record: Record, before: RecordState | None = None) -> tuple[str, ...]:
    """Returns the milestones that are found for certain in a record."""
    return findings_of(record, before).found


def found_in_all_words(record: Record) -> tuple[str, ...]:
    """Returns the milestones that are found for certain if the whole text of a record is read as prose."""
    return found_in(replace(record, prose=None))
