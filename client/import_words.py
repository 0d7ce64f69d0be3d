"""Says in words what became of an imported file: plain lines for a terminal.

Owns the words. Knows no service and no file.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from client.importing import Imported, Row

DRY: Final = {
    "recorded": "would be recorded",
    "already_recorded": "are recorded already",
    "amended": "would be amended",
    "withdrawn": "would be withdrawn",
    "outdated": "are older than what is recorded",
    "waiting": "would be waiting until a parent links the child",
    "refused": "would be refused",
}
DONE: Final = {
    "recorded": "recorded",
    "already_recorded": "already recorded",
    "amended": "amended",
    "withdrawn": "withdrawn",
    "outdated": "older than what is recorded",
    "waiting": "waiting until a parent links the child",
    "refused": "refused",
}


def came_to_nothing(said: Imported) -> bool:
    """Returns whether a file had records and none of them was, or would be, taken."""
    return said.records > 0 and not set(said.outcomes) - {"refused"}


def in_words(said: Imported) -> list[str]:
    """Returns what became of a file, line by line."""
    return [*_counts(said), *_rows(said), *_unlinked(said), *(f"Note: {notice.detail}" for notice in said.notices)]


def _counts(said: Imported) -> Iterator[str]:
    words = DRY if said.dry_run else DONE
    about = said.records - sum(said.ignored.values()) - said.unreadable_records
    rows = "1 record" if said.records == 1 else f"{said.records} records"
    yield rows if about == said.records_of_children else rows + _several(about, said.records_of_children)
    for outcome, count in said.outcomes.items():
        yield f"  {count:>6}  {words.get(outcome, outcome.replace('_', ' '))}"
    if said.unreadable_records:
        yield f"  {said.unreadable_records:>6}  cannot be read"
    for why, count in said.ignored.items():
        yield f"  {count:>6}  left out: {why.replace('_', ' ')}"
    if said.taken_back:
        would = "would be withdrawn now" if said.dry_run else "are withdrawn now"
        yield f"  {said.taken_back:>6}  of those left out were recorded before, and {would}"
    if said.media:
        yield f"  {said.media:>6}  pictures and films are named, and were not fetched"


def _several(records: int, of_children: int) -> str:
    return f"; {records} of them are about children, and count once for each child: {of_children}"


def _rows(said: Imported) -> Iterator[str]:
    yield from _listed(said.refused, said.outcomes.get("refused", 0), "would be refused" if said.dry_run else "refused")
    yield from _listed(said.unreadable, said.unreadable_records, "cannot be read")
    if any(row.at.startswith("rows[") for row in (*said.refused, *said.unreadable)):
        yield "  (rows[0] is the first row below the header.)"


def _listed(rows: Sequence[Row], count: int, what: str) -> Iterator[str]:
    for row in rows:
        yield f"  {row.at} {what}: {row.detail}"
    if len(rows) < count and rows:
        yield f"  … and more: {count} {what} in all"


def _unlinked(said: Imported) -> Iterator[str]:
    unknown = [one for one in said.references if one.child is None]
    if unknown:
        yield "Nobody has said yet whose these are. What is said of them waits until a parent links them:"
        for one in unknown:
            yield f"  {one.reference}" + (f"  ({one.shown_name})" if one.shown_name else "")
        yield "A file about one child is linked at once by --child ID."
