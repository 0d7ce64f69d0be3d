"""What outside systems' records have become, kept in the transaction that writes the events.

An entry says which revision of it was read before its drafts were made: if another writer has been faster, the whole request is
`Overtaken` and nothing of it is written, so that it is made anew of what stands there now. Knows no source, and not what an
entry says.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from events.errors import Refused
from events.ids import FamilyId, MemberId
from service.log.append_request import AppendRequest
from service.log.ledger_entry import LedgerEntry, LedgerKey
from service.postgres.combine_statements import Statement, of_rows
from service.postgres.queries import load

QUERIES = load(__package__, "ledger.sql")

class Overtaken(Refused):
    """Another writer has changed what these drafts were made of. Nothing was written: make them again."""

    code, status, title = "ledger.overtaken", 503, "Somebody was faster"

    def __init__(self) -> None:
        super().__init__("Another writer was faster; send the same again.")


async def overtaken(connection: Any, requests: Sequence[AppendRequest]) -> set[int]:
    """The requests, by their number, whose entries are not what was read any more. Call it once the families are locked."""
    asked = [key for request in requests for key, _ in keyed(request)]
    if not asked:
        return set()
    found = await connection.fetch(QUERIES.revisions, *zip(*asked, strict=True))
    revision_by_key: dict[LedgerKey, int] = {(row[0], row[1], row[2], row[3]): row[4] for row in found}
    beside = await _beside(connection, requests)
    late = set()
    for number, request in enumerate(requests):
        entries = keyed(request)
        if any(revision_by_key.get(key, 0) != entry.expects or _is_joined(key, entry, beside) for key, entry in entries):
            late.add(number)
            continue
        for (family, member, source, record), entry in entries:
            revision_by_key[family, member, source, record] = entry.expects + 1
            beside[family, source, record][member] = entry.expects + 1
    return late


Beside = defaultdict[tuple[FamilyId, str, str], dict[MemberId, int]]
"""Family, source and record -> the revisions of the importers that have it."""


async def _beside(connection: Any, requests: Sequence[AppendRequest]) -> Beside:
    """Returns what importers have of the records that are new to one of them."""
    found: Beside = defaultdict(dict)
    asked = {(key[0], key[2], key[3]) for request in requests for key, entry in keyed(request) if entry.beside is not None}
    if asked:
        for row in await connection.fetch(QUERIES.revisions_of_importers, *zip(*asked, strict=True)):
            found[row[0], row[1], row[2]][row[3]] = row[4]
    return found


def _is_joined(key: LedgerKey, entry: LedgerEntry, beside: Beside) -> bool:
    """Whether another importer has brought the same record since, or changed it."""
    family, member, source, record = key
    if entry.beside is None:
        return False
    now = {other: revision for other, revision in beside[family, source, record].items() if other != member}
    return now != dict(entry.beside)


def put(entries: Mapping[LedgerKey, LedgerEntry]) -> list[Statement]:
    """Say what writes entries over what stood there."""
    return of_rows(QUERIES.put, ((*key, entry.expects + 1, entry.said) for key, entry in entries.items()))


def kept(request: AppendRequest, outcomes: Sequence[str]) -> dict[LedgerKey, LedgerEntry]:
    """The entries of a request of whose drafts none was refused."""
    found, first = {}, 0
    for key, entry in keyed(request):
        if "refused" not in outcomes[first : first + entry.drafts]:
            found[key] = entry
        first += entry.drafts
    return found


def keyed(request: AppendRequest) -> list[tuple[LedgerKey, LedgerEntry]]:
    """Returns the entries of a request with their keys."""
    return [((request.family, request.author, entry.source, entry.record), entry) for entry in request.entries]
