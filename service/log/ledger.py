"""Finds requests that were made from outdated ledger entries.

The ledger states which records of outside systems became which events. An entry of a request states which revision of the stored
entry was read before the drafts were made. If another writer has been faster, the whole request is `Overtaken` and nothing of it
is written: its caller makes it again from the present entry. Knows no source, and not the content of an entry.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from events.ids import FamilyId, MemberId
from service.log.append_request import AppendRequest, LedgerEntry, LedgerKey
from service.postgres.queries import load

QUERIES = load(__package__, "ledger.sql")


async def overtaken(connection: Any, requests: Sequence[AppendRequest]) -> set[int]:
    """Returns `id()` of each request with an entry that has changed since it was read. Lock the families first."""
    asked = [key for request in requests for key, _ in keyed(request)]
    if not asked:
        return set()
    found = await connection.fetch(QUERIES.revisions, *zip(*asked, strict=True))
    revision_by_key: dict[LedgerKey, int] = {(row[0], row[1], row[2], row[3]): row[4] for row in found}
    beside = await _beside(connection, requests)
    late = set()
    for request in requests:
        entries = keyed(request)
        if any(revision_by_key.get(key, 0) != entry.expects or _is_joined(key, entry, beside) for key, entry in entries):
            late.add(id(request))
            continue
        for (family, member, source, record), entry in entries:
            revision_by_key[family, member, source, record] = entry.expects + 1
            beside[family, source, record][member] = entry.expects + 1
    return late


Beside = defaultdict[tuple[FamilyId, str, str], dict[MemberId, int]]
"""Family, source and record -> each importer that has the record, and the revision of its entry."""


async def _beside(connection: Any, requests: Sequence[AppendRequest]) -> Beside:
    """Returns, for each record that is new to the importer of a request, the present revisions of all importers that have it."""
    found: Beside = defaultdict(dict)
    asked = {(key[0], key[2], key[3]) for request in requests for key, entry in keyed(request) if entry.beside is not None}
    if asked:
        for row in await connection.fetch(QUERIES.revisions_of_importers, *zip(*asked, strict=True)):
            found[row[0], row[1], row[2]][row[3]] = row[4]
    return found


def _is_joined(key: LedgerKey, entry: LedgerEntry, beside: Beside) -> bool:
    """Returns whether another importer has brought or changed the same record since the entry was read."""
    family, member, source, record = key
    if entry.beside is None:
        return False
    now = {other: revision for other, revision in beside[family, source, record].items() if other != member}
    return now != dict(entry.beside)


def keyed(request: AppendRequest) -> list[tuple[LedgerKey, LedgerEntry]]:
    """Returns the ledger entries of a request, each with its key."""
    return [((request.family, request.author, entry.source, entry.record), entry) for entry in request.entries]
