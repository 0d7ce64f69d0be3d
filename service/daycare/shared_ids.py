"""Gives different ids to records of different children under one id: some spreadsheets count from 1 for each child.

Pure. The first child's record keeps the id, so that earlier imports stay as they are; another child's record gets the child's
reference appended to it. If words and time show that it is the same record with a corrected child, it keeps the id.
"""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from service.daycare.record import Record
from service.daycare.sources.fields import ID_CHARACTERS_MAX

DIGEST_CHARACTERS: Final = 32


class There(msgspec.Struct, frozen=True, kw_only=True):
    """The records that exist under an id, and under the id with the reference appended: recorded or waiting."""

    is_own: bool = False
    """Whether the record under the id is about the same child."""
    is_apart: bool = False
    """Whether there is a record under the id with the reference. Not looked up if `is_own`."""
    is_others: bool = False
    """Whether the record under the id is about the child of another reference."""
    is_same: bool = False
    """Whether the record under the id has the same words and the same time."""


def shared_in(records: Iterable[Record]) -> set[str]:
    """Returns the ids that several children of one file share."""
    references: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        references[record.id].add(record.reference)
    return {own_id for own_id, named in references.items() if len(named) > 1}


def id_of(record: Record, there: There, *, is_shared: bool) -> str:
    """Returns the id for a record. `is_shared`: the file has another child's record with the same id."""
    if there.is_own:
        return record.id
    if there.is_apart:
        return apart(record)
    if there.is_same and not is_shared:
        return record.id
    return apart(record) if there.is_others or is_shared else record.id


def apart(record: Record) -> str:
    """Returns the id of a record with the child's reference appended. Replaces the end by a digest if it would be too long."""
    whole = f"{record.id}#{record.reference}"
    if len(whole) <= ID_CHARACTERS_MAX:
        return whole
    return f"{record.id[: ID_CHARACTERS_MAX - DIGEST_CHARACTERS - 1]}#{sha256(whole.encode()).hexdigest()[:DIGEST_CHARACTERS]}"


def has_its_child(record: Record) -> bool:
    """Returns whether the id of a record ends with the child's reference already."""
    return record.id.endswith(f"#{record.reference}")
