"""Formats the result of an import as lines of text for a terminal.

Owns the words. Does not know the service or the file.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from client.importing import Imported, Row

WORDS_OF_DRY_RUN: Final = {
    "recorded": "would be recorded",
    "already_recorded": "are recorded already",
    "amended": "would be amended",
    "withdrawn": "would be withdrawn",
    "outdated": "are older than what is recorded",
    "waiting": "would be waiting until a parent links the child",
    "refused": "would be refused",
}
WORDS: Final = {
    "recorded": "recorded",
    "already_recorded": "already recorded",
    "amended": "amended",
    "withdrawn": "withdrawn",
    "outdated": "older than what is recorded",
    "waiting": "waiting until a parent links the child",
    "refused": "refused",
}


def nothing_was_accepted(result: Imported) -> bool:
    """Returns whether the file has records and none of them was accepted (or would be, in a dry run)."""
    return result.records > 0 and not set(result.outcomes) - {"refused"}


def summary_lines(result: Imported) -> list[str]:
    """Returns the lines of text that describe the result of an import."""
    return [*_counts(result), *_rows(result), *_unlinked(result), *(f"Note: {notice.detail}" for notice in result.notices)]


def _counts(result: Imported) -> Iterator[str]:
    words_by_outcome = WORDS_OF_DRY_RUN if result.dry_run else WORDS
    about = result.records - sum(result.ignored.values()) - result.unreadable_records
    rows = "1 record" if result.records == 1 else f"{result.records} records"
    yield rows if about == result.records_of_children else rows + _of_children(about, result.records_of_children)
    for outcome, count in result.outcomes.items():
        yield f"  {count:>6}  {words_by_outcome.get(outcome, outcome.replace('_', ' '))}"
    if result.unreadable_records:
        yield f"  {result.unreadable_records:>6}  cannot be read"
    for why, count in result.ignored.items():
        yield f"  {count:>6}  left out: {why.replace('_', ' ')}"
    if result.taken_back:
        would = "would be withdrawn now" if result.dry_run else "are withdrawn now"
        yield f"  {result.taken_back:>6}  of those left out were recorded before, and {would}"
    if result.media:
        yield f"  {result.media:>6}  pictures and films are named, and were not fetched"


def _of_children(records: int, of_children: int) -> str:
    return f"; {records} of them are about children, and count once for each child: {of_children}"


def _rows(result: Imported) -> Iterator[str]:
    yield from _listed(result.refused, result.outcomes.get("refused", 0), "would be refused" if result.dry_run else "refused")
    yield from _listed(result.unreadable, result.unreadable_records, "cannot be read")
    if any(row.at.startswith("rows[") for row in (*result.refused, *result.unreadable)):
        yield "  (rows[0] is the first row below the header.)"


def _listed(rows: Sequence[Row], count: int, what: str) -> Iterator[str]:
    for row in rows:
        yield f"  {row.at} {what}: {row.detail}"
    if len(rows) < count and rows:
        yield f"  … and more: {count} {what} in all"


def _unlinked(result: Imported) -> Iterator[str]:
    unknown = [one for one in result.references if one.child is None]
    if unknown:
        yield "Nobody has said yet whose these are. What is said of them waits until a parent links them:"
        for one in unknown:
            yield f"  {one.reference}" + (f"  ({one.shown_name})" if one.shown_name else "")
        yield "A file about one child is linked at once by --child ID."
