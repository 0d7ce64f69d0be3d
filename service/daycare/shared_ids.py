"""Tells records apart that have one id and are about different children: a spreadsheet that counts from 1 for each child.

Pure. The first child's record keeps the id as it is, so that earlier imports stay what they are; another child's gets the child's
reference behind it. Where child, words and time say that it is the same record whose child was put right, it keeps the id.
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
    """What is recorded, or waits, under the id of a record and under the id with the reference behind it."""

    is_own: bool = False
    """What is there under the id is about the same child."""
    is_apart: bool = False
    """Something is there under the id with the reference. Not looked up where `is_own`."""
    is_others: bool = False
    """What is there under the id is about a child whom another reference means."""
    is_same: bool = False
    """What is there under the id has the same words and the same time."""


def shared_in(records: Iterable[Record]) -> set[str]:
    """Returns the ids that several children of one file share."""
    references: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        references[record.id].add(record.reference)
    return {own_id for own_id, named in references.items() if len(named) > 1}


def id_of(record: Record, there: There, *, is_shared: bool) -> str:
    """Returns the id under which a record is recorded. `is_shared`: another child's record of the file has the same."""
    if there.is_own:
        return record.id
    if there.is_apart:
        return apart(record)
    if there.is_same and not is_shared:
        return record.id
    return apart(record) if there.is_others or is_shared else record.id


def apart(record: Record) -> str:
    """Returns the id with the reference of the child behind it."""
    whole = f"{record.id}#{record.reference}"
    if len(whole) <= ID_CHARACTERS_MAX:
        return whole
    return f"{record.id[: ID_CHARACTERS_MAX - DIGEST_CHARACTERS - 1]}#{sha256(whole.encode()).hexdigest()[:DIGEST_CHARACTERS]}"


def has_its_child(record: Record) -> bool:
    """Returns whether the id of a record has the child's reference in it already."""
    return record.id.endswith(f"#{record.reference}")
