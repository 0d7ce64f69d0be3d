"""Reads feeds as an import does, and counts what they came to."""

from collections import Counter
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from events.ids import ChildId
from service.daycare.prose.reader import NOTHING, Findings, told_in
from service.daycare.record import Record
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import NOTHING_GIVEN, Found, Ignored, ImportHints, Outcome, Unreadable
from service.daycare.translate import RecordState, prose_of


def read(source: str, body: bytes, given: ImportHints = NOTHING_GIVEN) -> list[Outcome]:
    return [one.outcome for one in SOURCES[source].read(body, given)]


def outcome(source: str, record: Any, given: ImportHints = NOTHING_GIVEN) -> Outcome:
    return SOURCES[source].outcome(Found("it", record), given)


def told(source: str, record: Any, given: ImportHints = NOTHING_GIVEN) -> tuple[Record, ...]:
    found = outcome(source, record, given)
    assert isinstance(found, tuple), found
    return found


def only(source: str, record: Any, given: ImportHints = NOTHING_GIVEN) -> Record:
    (alone,) = told(source, record, given)
    return alone


def text(source: str, record: Any, given: ImportHints = NOTHING_GIVEN) -> str | None:
    return only(source, record, given).text


def verdict(source: str, record: Any, given: ImportHints = NOTHING_GIVEN) -> str:
    """`no_words` for what is ignored, the place for what is unreadable, `told` for what is told."""
    return named(outcome(source, record, given))


def named(found: Outcome) -> str:
    match found:
        case Ignored():
            return found.why.value
        case Unreadable():
            return found.at
        case _:
            return "told"


def tally(found: list[Outcome]) -> dict[str, int]:
    return dict(Counter("unreadable" if isinstance(one, Unreadable) else named(one) for one in found))


def records(found: list[Outcome]) -> list[Record]:
    return [record for one in found if isinstance(one, tuple) for record in one]


def told_of(record: Record, before: RecordState | None = None) -> Findings:
    """What is told of in what is read of a record, after what was said of it before."""
    prose = prose_of(record, before, child=ChildId(UUID(int=1)))
    return NOTHING if prose is None else told_in(prose.text, names=prose.names)


def found_in(record: Record, before: RecordState | None = None) -> tuple[str, ...]:
    """The milestones that are found for certain."""
    return told_of(record, before).found


def found_in_all_words(record: Record) -> tuple[str, ...]:
    """The milestones that would be found if all of its words were read."""
    return found_in(replace(record, prose=None))
