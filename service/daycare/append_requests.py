"""Makes append requests from translated records, and reads the outcome of each record from the log's receipts. Pure.

Owns the size of an append request, and the search for events of other importers that state the same as a new record.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from events.ids import ChildId, FamilyId, MemberId
from service.daycare.event_ids import EventIds
from service.daycare.record import Record
from service.daycare.translate import RecordState, Translation, states_the_same
from service.log.append_request import AppendRequest, LedgerEntry, Like, Problem, Receipt

DRAFTS_A_REQUEST: Final = 8
"""Bound on the drafts of one append request. The log needs about a millisecond for 8 drafts, and can then take other requests."""

_encode = msgspec.json.Encoder().encode


class SourcedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record with the name of its source."""

    source: str
    record: Record


class Meant(msgspec.Struct, frozen=True):
    """A linked child, the child's family, and the member of that family who writes the records: the daycare or the importer."""

    family: FamilyId
    member: MemberId
    child: ChildId
    is_imported: bool = False
    """Whether the member is an importer: the author of the events that a parent's imports make."""
    called: tuple[str, ...] = ()
    """The child's names in the family: the child's name, and the nicknames that parents gave."""


class Prior(msgspec.Struct, frozen=True):
    """The recorded state of a record before this call. The defaults describe a new record."""

    revision: int = 0
    state: RecordState | None = None
    is_shared: bool = False
    """Whether the record has no events of its own, but shares the events of another importer."""
    others: tuple[tuple[MemberId, int, RecordState, bool], ...] = ()
    """The states of the same record at other importers of the source: (importer, revision, state, is_shared). Empty unless the
    record is new."""


class TranslatedRecord(msgspec.Struct, frozen=True):
    """The translation of a record, and the recorded state before this call."""

    translation: Translation
    prior: Prior
    equal: tuple[Like, ...] = ()


class RecordOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one record. The receipt of a post and the report of an import show this outcome."""

    outcome: str
    """One of the values of `translate.Outcome`, or `waiting`, or `refused`."""
    keep_quiet: tuple[str, ...] = ()
    problem: Problem | None = None
    state: RecordState | None = None
    """The state of the record after this call. If the record was refused, this is the state that it would have. None: the record
    waits."""


def latest(given: Sequence[SourcedRecord]) -> list[SourcedRecord]:
    """Returns the records of a file without outdated contents. Of two contents of one record, returns only the later content.

    The later content has the later date of change. If the file has no dates of change, the content in the later row is the later
    content. If both contents were written, each import would change the record back and forth.
    """
    last: dict[tuple[str, str], tuple[datetime, int]] = {}
    for number, one in enumerate(given):
        key, at = (one.record.id, one.record.reference), one.record.revised_at
        if key not in last or not one.record.is_dated or at >= last[key][0]:
            last[key] = at, number
    counts = {key: given[number].record for key, (_, number) in last.items()}
    return [one for one in given if one.record == counts[one.record.id, one.record.reference]]


def equal_records(given: SourcedRecord, translation: Translation, prior: Prior, secret: bytes) -> Iterator[Like]:
    """Yields the events of other importers that state the same as a new record."""
    if translation.state is None or not translation.drafts:
        return
    for other, _, state, is_shared in prior.others:
        if not is_shared and states_the_same(given.record, translation.state, state):
            event_ids = EventIds(secret, other, given.source, given.record.id)
            events = (event_ids.event(state.generation, part, is_keyed=state.is_keyed) for part in range(state.events))
            yield Like(author=other, events=tuple(events))


def append_requests_of(
    translated: dict[int, TranslatedRecord], given: Sequence[SourcedRecord], links: dict[str, Meant]
) -> list[tuple[list[int], AppendRequest]]:
    """Returns append requests, each with the indexes of its records in `given`. A request is for one family and one author."""
    by_author: defaultdict[tuple[FamilyId, MemberId, bool], list[int]] = defaultdict(list)
    for number, one in translated.items():
        if one.translation.state is not None:
            link = links[given[number].record.reference]
            by_author[link.family, link.member, link.is_imported].append(number)
    requests = []
    for (family, author, is_imported), numbers in by_author.items():
        for part in _parts(numbers, translated):
            drafts = tuple(draft for number in part for draft in translated[number].translation.drafts)
            entries = tuple(_entry(given[number], translated[number], is_imported=is_imported) for number in part)
            requests.append((part, AppendRequest(family=family, author=author, drafts=drafts, entries=entries, may_wait=True)))
    return requests


def _parts(numbers: list[int], translated: dict[int, TranslatedRecord]) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    count = 0
    for number in numbers:
        drafts = len(translated[number].translation.drafts)
        if parts[-1] and count + drafts > DRAFTS_A_REQUEST:
            parts.append([])
            count = 0
        parts[-1].append(number)
        count += drafts
    return parts


def _entry(given: SourcedRecord, translated: TranslatedRecord, *, is_imported: bool) -> LedgerEntry:
    translation, prior = translated.translation, translated.prior
    assert translation.state is not None, "only a record that changes is appended"
    is_new = is_imported and prior.state is None
    return LedgerEntry(
        source=given.source,
        record=given.record.id,
        expects=prior.revision,
        drafts=len(translation.drafts),
        said=_encode(translation.state),
        beside=tuple((other, revision) for other, revision, *_ in prior.others) if is_new else None,
        like=translated.equal,
        ends_share=prior.is_shared and translation.outcome != "already_recorded",
    )


def outcomes_of(
    numbers: Sequence[int], translated: dict[int, TranslatedRecord], receipts: Sequence[Receipt]
) -> dict[int, RecordOutcome]:
    """Returns the outcome of each record of one append request, by the record's index in the call."""
    outcomes, first = {}, 0
    for number in numbers:
        translation = translated[number].translation
        own = receipts[first : first + len(translation.drafts)]
        first += len(translation.drafts)
        problem = next((receipt.problem for receipt in own if receipt.problem is not None), None)
        quiet = sorted({name for receipt in own for name in receipt.keep_quiet})
        outcome = "refused" if problem is not None else translation.outcome
        outcomes[number] = RecordOutcome(outcome=outcome, keep_quiet=tuple(quiet), problem=problem, state=translation.state)
    return outcomes
