"""Makes different ids for records that have the same id but different children: some spreadsheets count from 1 for each child.

Pure. The record that was imported first keeps the id, so that earlier imports stay valid. A record of another child gets an id
with that child's reference appended. There is one exception, in a file that uses the id for one child only: a record with the
words and the time of the first record is the first record with a corrected child, and keeps the id.
"""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from service.daycare.record import Record
from service.daycare.sources.fields import ID_CHARACTERS_MAX

DIGEST_CHARACTERS: Final = 32


class IdUse(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about the existing records, written or waiting, that have the id of a new record."""

    is_same_child: bool = False
    """Whether an existing record with this id is about the child of the new record."""
    has_id_with_reference: bool = False
    """Whether a record exists whose id is this id with the new record's reference appended. Not looked up if `is_same_child`."""
    is_other_child: bool = False
    """Whether an existing record with this id is about the child of another reference."""
    has_same_words: bool = False
    """Whether an existing record with this id has the words and the time of the new record."""


def find_shared_ids(records: Iterable[Record]) -> set[str]:
    """Returns the ids that a file uses for records of several children."""
    references: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        references[record.id].add(record.reference)
    return {own_id for own_id, found in references.items() if len(found) > 1}


def id_of(record: Record, use: IdUse, *, is_shared: bool) -> str:
    """Returns the final id of a new record. `is_shared` states whether the file uses the record's id for another child, too."""
    if use.is_same_child:
        return record.id
    if use.has_id_with_reference:
        return with_reference(record)
    if use.has_same_words and not is_shared:
        return record.id
    return with_reference(record) if use.is_other_child or is_shared else record.id


def with_reference(record: Record) -> str:
    """Returns the id of a record with the child's reference appended. If the result is too long, a digest replaces its end."""
    whole = f"{record.id}#{record.reference}"
    if len(whole) <= ID_CHARACTERS_MAX:
        return whole
    return f"{record.id[: ID_CHARACTERS_MAX - DIGEST_CHARACTERS - 1]}#{sha256(whole.encode()).hexdigest()[:DIGEST_CHARACTERS]}"


def has_its_child(record: Record) -> bool:
    """Returns whether the id of a record ends with the child's reference already."""
    return record.id.endswith(f"#{record.reference}")
