"""Makes append requests from what a daycare's records become, and reads each record's outcome from the log's receipts. Pure.

Owns the size of a request, and the search for events of other importers that state the same as a new record.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from events.ids import ChildId, FamilyId, MemberId
from service.daycare.event_ids import EventIds
from service.daycare.record import Record
from service.daycare.translate import Became, Said, says_the_same
from service.log.append_request import AppendRequest
from service.log.ledger import LedgerEntry, Like
from service.log.receipts import Problem, Receipt

DRAFTS_AN_OFFER: Final = 8
"""The log takes other requests after each of these: about a millisecond."""

_encode = msgspec.json.Encoder().encode


class SourcedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its source."""

    source: str
    record: Record


class Meant(msgspec.Struct, frozen=True):
    """A linked child: its family, and the member who writes for the daycare there."""

    family: FamilyId
    member: MemberId
    child: ChildId
    is_imported: bool = False
    """Whether that member writes what a parent imports."""
    called: tuple[str, ...] = ()
    """The child's names in the family: its name, and the nicknames that parents gave."""


class Prior(msgspec.Struct, frozen=True):
    """What was recorded of a record before this call."""

    revision: int = 0
    said: Said | None = None
    is_shared: bool = False
    """Whether the events that state it are another importer's."""
    beside: tuple[tuple[MemberId, int, Said, bool], ...] = ()
    """What other importers of the source recorded of a new record: member, revision, state, whether it is shared."""


class Made(msgspec.Struct, frozen=True):
    """What a record becomes, with the earlier state that this was decided from."""

    became: Became
    prior: Prior
    like: tuple[Like, ...] = ()


class RecordOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one record."""

    outcome: str
    """One of `translate.Outcome`, or `waiting`, or `refused`."""
    keep_quiet: tuple[str, ...] = ()
    problem: Problem | None = None
    said: Said | None = None
    """What is recorded of it after this call."""


def latest(given: Sequence[SourcedRecord]) -> list[SourcedRecord]:
    """Returns the records of a file, without the rows that a later row about the same record contradicts.

    The later row is the one that the source changed last; without dates of change, the one further down. If both were kept, each
    import would change the record to and fro.
    """
    last: dict[tuple[str, str], tuple[datetime, int]] = {}
    for number, one in enumerate(given):
        key, at = (one.record.id, one.record.reference), one.record.revised_at
        if key not in last or not one.record.is_dated or at >= last[key][0]:
            last[key] = at, number
    counts = {key: given[number].record for key, (_, number) in last.items()}
    return [one for one in given if one.record == counts[one.record.id, one.record.reference]]


def like(given: SourcedRecord, became: Became, prior: Prior, secret: bytes) -> Iterator[Like]:
    """Yields the events of other importers that state the same as a new record."""
    if became.said is None or not became.drafts:
        return
    for other, _, said, is_shared in prior.beside:
        if not is_shared and says_the_same(given.record, became.said, said):
            names = EventIds(secret, other, given.source, given.record.id)
            events = (names.event(said.generation, part, is_keyed=said.is_keyed) for part in range(said.events))
            yield Like(author=other, events=tuple(events))


def offers_of(
    made: dict[int, Made], given: Sequence[SourcedRecord], meant: dict[str, Meant]
) -> list[tuple[list[int], AppendRequest]]:
    """Returns the append requests, at least one for each family, each with the numbers of its records."""
    by_author: defaultdict[tuple[FamilyId, MemberId, bool], list[int]] = defaultdict(list)
    for number, one in made.items():
        if one.became.said is not None:
            whom = meant[given[number].record.reference]
            by_author[whom.family, whom.member, whom.is_imported].append(number)
    offers = []
    for (family, author, is_imported), numbers in by_author.items():
        for part in _parts(numbers, made):
            drafts = tuple(draft for number in part for draft in made[number].became.drafts)
            entries = tuple(_entry(given[number], made[number], is_imported=is_imported) for number in part)
            offers.append((part, AppendRequest(family=family, author=author, drafts=drafts, entries=entries, may_wait=True)))
    return offers


def _parts(numbers: list[int], made: dict[int, Made]) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    count = 0
    for number in numbers:
        drafts = len(made[number].became.drafts)
        if parts[-1] and count + drafts > DRAFTS_AN_OFFER:
            parts.append([])
            count = 0
        parts[-1].append(number)
        count += drafts
    return parts


def _entry(given: SourcedRecord, made: Made, *, is_imported: bool) -> LedgerEntry:
    became, prior = made.became, made.prior
    assert became.said is not None, "only what changes is offered"
    is_new = is_imported and prior.said is None
    return LedgerEntry(
        source=given.source,
        record=given.record.id,
        expects=prior.revision,
        drafts=len(became.drafts),
        said=_encode(became.said),
        beside=tuple((other, revision) for other, revision, *_ in prior.beside) if is_new else None,
        like=made.like,
        ends_share=prior.is_shared and became.outcome != "already_recorded",
    )


def taken_by(numbers: Sequence[int], made: dict[int, Made], receipts: Sequence[Receipt]) -> dict[int, RecordOutcome]:
    taken, first = {}, 0
    for number in numbers:
        became = made[number].became
        own = receipts[first : first + len(became.drafts)]
        first += len(became.drafts)
        problem = next((receipt.problem for receipt in own if receipt.problem is not None), None)
        quiet = sorted({name for receipt in own for name in receipt.keep_quiet})
        outcome = "refused" if problem is not None else became.outcome
        taken[number] = RecordOutcome(outcome=outcome, keep_quiet=tuple(quiet), problem=problem, said=became.said)
    return taken
