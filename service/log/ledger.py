"""What outside systems' records have become, kept in the transaction that writes the events.

An entry says which revision of it was read before its drafts were made: if another writer has been faster, the whole offer is
`Overtaken` and nothing of it is written, so that it is made anew of what stands there now. Knows no source, and not what an
entry says.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from events.errors import Refused
from events.ids import FamilyId, MemberId
from service.postgres.queries import load
from service.postgres.together import Statement, of_rows

if TYPE_CHECKING:  # an offer holds entries
    from service.log.offer import Offer

QUERIES = load(__package__, "ledger.sql")

Key = tuple[FamilyId, MemberId, str, str]
"""Family, author, source, record."""


class Overtaken(Refused):
    """Another writer has changed what these drafts were made of. Nothing was written: make them again."""

    code, status, title = "ledger.overtaken", 503, "Somebody was faster"

    def __init__(self) -> None:
        super().__init__("Another writer was faster; send the same again.")


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record of an outside system, as it will stand once the offer's drafts are events."""

    source: str
    record: str
    expects: int
    """The revision that was read; 0 where there was none."""
    drafts: int
    """How many of the offer's drafts are of this record: they stand in the order of the entries."""
    said: bytes


async def overtaken(connection: Any, offers: Sequence["Offer"]) -> set[int]:
    """The offers, by their number, whose entries are not what was read any more. Call it once the families are locked."""
    asked = [key for offer in offers for key, _ in _keyed(offer)]
    if not asked:
        return set()
    found = await connection.fetch(QUERIES.revisions, *zip(*asked, strict=True))
    revision_by_key: dict[Key, int] = {(row[0], row[1], row[2], row[3]): row[4] for row in found}
    late = set()
    for number, offer in enumerate(offers):
        entries = _keyed(offer)
        if any(revision_by_key.get(key, 0) != entry.expects for key, entry in entries):
            late.add(number)
        else:
            revision_by_key.update({key: entry.expects + 1 for key, entry in entries})
    return late


def put(entries: Mapping[Key, Entry]) -> list[Statement]:
    """Say what writes entries over what stood there."""
    return of_rows(QUERIES.put, ((*key, entry.expects + 1, entry.said) for key, entry in entries.items()))


def kept(offer: "Offer", outcomes: Sequence[str]) -> dict[Key, Entry]:
    """The entries of an offer of whose drafts none was refused."""
    found, first = {}, 0
    for key, entry in _keyed(offer):
        if "refused" not in outcomes[first : first + entry.drafts]:
            found[key] = entry
        first += entry.drafts
    return found


def _keyed(offer: "Offer") -> list[tuple[Key, Entry]]:
    return [((offer.family, offer.author, entry.source, entry.record), entry) for entry in offer.entries]
