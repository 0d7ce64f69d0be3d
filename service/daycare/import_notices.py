"""Makes the notices of an import report about facts that the file does not state, but that the importing parent can state.

These facts are the time zone, the order of day and month, and whether parents may see the records. Owns the sentences and the
codes of the notices. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from events.event import Precision
from service.daycare.import_report import Notice
from service.daycare.parsed_file import ParsedFile
from service.daycare.sources.reading import ImportHints, RawRecord, ReadRecord, Source, Why

ELSEWHERE: Final = "Pacific/Kiritimati"
"""A time zone whose offset is never that of UTC. If a record has another time in this zone, its time is a local time."""


def depends_on_zone(source: Source, read: Iterable[ReadRecord], given: ImportHints) -> bool:
    """Returns whether another time zone would change the time of a record. Compares only times with a precision of minutes."""
    elsewhere = msgspec.structs.replace(given, zone=ELSEWHERE)
    return any(_differs(one, source.outcome(RawRecord(one.at, one.record), elsewhere)) for one in read)


def _differs(here: ReadRecord, elsewhere: object) -> bool:
    if not isinstance(here.outcome, tuple) or not isinstance(elsewhere, tuple):
        return False
    return any(
        one.occurred_at != other.occurred_at
        for one, other in zip(here.outcome, elsewhere, strict=True)
        if one.precision is Precision.MINUTE
    )


def notices_of(file: ParsedFile, source: Source) -> Iterator[Notice]:
    """Yields the notices about a file. Yields each notice at most once."""
    if file.has_local_times:
        yield Notice(
            code="zone",
            detail="This file has local times. They are taken for UTC, because no zone was given. Give one with `zone`, for "
            "example --zone Europe/Berlin.",
        )
    if file.is_order_unproven:
        yield Notice(
            code="dates",
            detail="Dates such as 5/6/2026 are read as month/day/year, and no row of this file proves it. Where the day stands "
            "first, say so with `dates=day_first` (--dates day_first).",
        )
    if count := file.ignored.get(Why.UNMARKED, 0):
        yield Notice(
            code="unmarked",
            detail=f"{count} of the records do not say whether parents may see them, and are left out. If the file was asked for "
            "with a parent's own account, which is shown nothing else, say so with `as_parent` (--as-parent). Otherwise "
            f"{source.when_unmarked}.",
        )
