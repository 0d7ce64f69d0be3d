"""Gives different ids to records of different children under one id: some spreadsheets count from 1 for each child.

Pure. The first child's record keeps the id, so that earlier imports stay as they are; another child's record gets the child's
reference appended to its id. If words and time show that it is the same record with a corrected child, it keeps the id.
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
    """The records that exist under an id, and under the id with the reference appended: recorded or waiting."""

    is_same_child: bool = False
    """Whether the record under the id is about the same child."""
    has_id_with_reference: bool = False
    """Whether there is a record under the id with the reference. Not looked up if `is_same_child`."""
    is_other_child: bool = False
    """Whether the record under the id is about the child of another reference."""
    has_same_words: bool = False
    """Whether the record under the id has the same words and the same time."""


def find_shared_ids(records: Iterable[Record]) -> set[str]:
    """Returns the ids that several children of one file share."""
    references: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        references[record.id].add(record.reference)
    return {own_id for own_id, found in references.items() if len(found) > 1}


def id_of(record: Record, use: IdUse, *, is_shared: bool) -> str:
    """Returns the id for a record. `is_shared`: the file has another child's record with the same id."""
    if use.is_same_child:
        return record.id
    if use.has_id_with_reference:
        return with_reference(record)
    if use.has_same_words and not is_shared:
        return record.id
    return with_reference(record) if use.is_other_child or is_shared else record.id


def with_reference(record: Record) -> str:
    """Returns the id of a record with the child's reference appended. Replaces the end by a digest if it would be too long."""
    whole = f"{record.id}#{record.reference}"
    if len(whole) <= ID_CHARACTERS_MAX:
        return whole
    return f"{record.id[: ID_CHARACTERS_MAX - DIGEST_CHARACTERS - 1]}#{sha256(whole.encode()).hexdigest()[:DIGEST_CHARACTERS]}"


def has_its_child(record: Record) -> bool:
    """Returns whether the id of a record ends with the child's reference already."""
    return record.id.endswith(f"#{record.reference}")
