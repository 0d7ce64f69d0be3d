"""What outside systems' records have become, kept in the transaction that writes the events.

An entry says which revision of it was read before its drafts were made: if another writer has been faster, the whole offer is
`Overtaken` and nothing of it is written, so that it is made anew of what stands there now. Knows no source, and not what an
entry says.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from events.errors import Refused
from events.ids import EventId, FamilyId, MemberId
from service.postgres.combine_statements import Statement, of_rows
from service.postgres.queries import load

if TYPE_CHECKING:  # an offer holds entries
    from service.log.append_request import AppendRequest

QUERIES = load(__package__, "ledger.sql")

LedgerKey = tuple[FamilyId, MemberId, str, str]
"""Family, author, source, record."""


class Overtaken(Refused):
    """Another writer has changed what these drafts were made of. Nothing was written: make them again."""

    code, status, title = "ledger.overtaken", 503, "Somebody was faster"

    def __init__(self) -> None:
        super().__init__("Another writer was faster; send the same again.")


class Like(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another importer's record that says the same as a new one, by its events."""

    author: MemberId
    events: tuple[EventId, ...]
    """One for each of the entry's drafts, in their order."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record of an outside system, as it will stand once the offer's drafts are events."""

    source: str
    record: str
    expects: int
    """The revision that was read; 0 where there was none."""
    drafts: int
    """How many of the offer's drafts are of this record: they stand in the order of the entries."""
    said: bytes
    beside: tuple[tuple[MemberId, int], ...] | None = None
    """Of a new record of an importer: which other importers of the source had it, at which revision, when that was read."""
    like: tuple[Like, ...] = ()
    """Of these, those whose events say the same: no drafts need to be written beside them."""
    ends_share: bool = False
    """What this says is no longer what another importer's events say."""


async def overtaken(connection: Any, offers: Sequence["AppendRequest"]) -> set[int]:
    """The offers, by their number, whose entries are not what was read any more. Call it once the families are locked."""
    asked = [key for offer in offers for key, _ in keyed(offer)]
    if not asked:
        return set()
    found = await connection.fetch(QUERIES.revisions, *zip(*asked, strict=True))
    revision_by_key: dict[LedgerKey, int] = {(row[0], row[1], row[2], row[3]): row[4] for row in found}
    beside = await _beside(connection, offers)
    late = set()
    for number, offer in enumerate(offers):
        entries = keyed(offer)
        if any(revision_by_key.get(key, 0) != entry.expects or _is_joined(key, entry, beside) for key, entry in entries):
            late.add(number)
            continue
        for (family, member, source, record), entry in entries:
            revision_by_key[family, member, source, record] = entry.expects + 1
            beside[family, source, record][member] = entry.expects + 1
    return late


Beside = defaultdict[tuple[FamilyId, str, str], dict[MemberId, int]]
"""Family, source and record -> the revisions of the importers that have it."""


async def _beside(connection: Any, offers: Sequence["AppendRequest"]) -> Beside:
    """Returns what importers have of the records that are new to one of them."""
    found: Beside = defaultdict(dict)
    asked = {(key[0], key[2], key[3]) for offer in offers for key, entry in keyed(offer) if entry.beside is not None}
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


def kept(offer: "AppendRequest", outcomes: Sequence[str]) -> dict[LedgerKey, LedgerEntry]:
    """The entries of an offer of whose drafts none was refused."""
    found, first = {}, 0
    for key, entry in keyed(offer):
        if "refused" not in outcomes[first : first + entry.drafts]:
            found[key] = entry
        first += entry.drafts
    return found


def keyed(offer: "AppendRequest") -> list[tuple[LedgerKey, LedgerEntry]]:
    """Returns the entries of an offer with their keys."""
    return [((offer.family, offer.author, entry.source, entry.record), entry) for entry in offer.entries]
