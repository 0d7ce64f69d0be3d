"""Accepts a daycare's records: finds the linked children, appends drafts to the families' logs, returns each record's outcome.

Owns the order of these steps, and the storage of waiting records: records whose child no parent has linked yet. `translate` turns
a record into drafts, and the log accepts or refuses the drafts. After an interruption, the client sends the same records again.
The result is then the same as without the interruption.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from events.errors import Refused
from events.ids import FamilyId, MemberId, PersonId
from service.daycare import unlinked_records
from service.daycare.append_requests import (
    Meant,
    Prior,
    RecordOutcome,
    SourcedRecord,
    TranslatedRecord,
    append_requests_of,
    equal_records,
    outcomes_of,
)
from service.daycare.event_ids import EventIds, secrets_of
from service.daycare.keep_quiet import quiet_before
from service.daycare.prose.reader import NOTHING, Findings
from service.daycare.prose_queue import ProseQueue
from service.daycare.record import Record
from service.daycare.translate import RecordState, prose_of, translate
from service.http.problems import NotFound
from service.log.append_request import LedgerKey, Overtaken
from service.log.log import Log
from service.postgres.queries import load

__all__ = ["QUERIES", "Intake", "Meant", "RecordOutcome", "SourcedRecord", "TooManyWaiting"]

QUERIES: Final = load(__package__, "daycare.sql")

READ_AT_ONCE: Final = 96
MADE_AT_ONCE: Final = 16
"""Number of records that are translated before the event loop runs other tasks."""
ATTEMPTS: Final = 5
WAITING_MAX: Final = 10_000
"""Bound on the waiting records of one daycare."""
WAITS_AT_MOST: Final = timedelta(days=90)
WAITING_PAGE: Final = 200
NAMES_AGAIN: Final = frozenset({"already_recorded", "amended"})
"""The outcomes of records that were written before. For such a record, the log's receipts may lack names in `keep_quiet`."""

_state_of = msgspec.json.Decoder(RecordState).decode
_record_of = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode


class TooManyWaiting(Refused):
    """The daycare would have too many waiting records: records whose child no parent has linked yet."""

    code, status, title = "daycare.too_many_waiting", 409, "Too much waits"


class Intake:
    """The intake of one daycare's records."""

    def __init__(self, *, pool: asyncpg.Pool, log: Log, reading: ProseQueue, person: PersonId) -> None:
        self._pool = pool
        self._log = log
        self._reading = reading
        self._person = person
        self._foreseen: dict[LedgerKey, RecordState] = {}

    async def take(self, given: Sequence[SourcedRecord]) -> list[RecordOutcome]:
        """Writes the records of linked children, and stores other records as waiting. Returns outcomes in the order of `given`.

        Raises:
            LogBusy, LogUnavailable, NotesWaiting, Overtaken: some records may be written. The caller may send all records again.
            TooManyWaiting: the records of unlinked children were not stored. The other records were written.
        """
        links = await self.meant({one.record.reference for one in given})
        outcomes: dict[int, RecordOutcome] = {}
        for wave in _waves(given, links):
            outcomes |= await self._write_all(wave, given, links)
        await self._repeat_keep_quiet(outcomes, given, links)
        unlinked = [number for number in range(len(given)) if number not in outcomes]
        if unlinked:
            await self._keep_waiting([given[number] for number in unlinked])
            outcomes |= dict.fromkeys(unlinked, RecordOutcome(outcome="waiting"))
            # A parent may have linked a child after the first look-up, but before its records were stored.
            for reference in await self.meant({given[number].record.reference for number in unlinked}):
                await self.write_waiting(reference)
        return [outcomes[number] for number in range(len(given))]

    async def _repeat_keep_quiet(
        self, outcomes: dict[int, RecordOutcome], given: Sequence[SourcedRecord], links: dict[str, Meant]
    ) -> None:
        """Adds `keep_quiet` to the outcomes of records that were written before: their first response may be lost (law 20)."""
        known = [
            (number, (link.family, link.member, one.state))
            for number, one in outcomes.items()
            if one.outcome in NAMES_AGAIN and one.state is not None
            for link in (links[given[number].record.reference],)
            if not link.is_imported  # the report of an import has no names
        ]
        if known:
            quiet = await quiet_before(self._pool, [record for _, record in known], now=self._log.now())
            for (number, _), names in zip(known, quiet, strict=True):
                all_names = tuple(sorted({*outcomes[number].keep_quiet, *names}))
                outcomes[number] = msgspec.structs.replace(outcomes[number], keep_quiet=all_names)

    async def meant(self, references: set[str]) -> dict[str, Meant]:
        """Returns the linked child of each reference. An unlinked reference has no entry."""
        rows = await self._pool.fetch(QUERIES.links, self._person, list(references))
        return {
            row["reference"]: Meant(
                row["family_id"], row["member_id"], row["child_id"], row["is_imported"], called=tuple(row["called"])
            )
            for row in rows
            if row["child_id"] is not None
        }

    async def write_waiting(self, reference: str) -> None:
        """Writes the waiting records of a reference, in order of arrival, if the reference is linked to a child."""
        while rows := await self._pool.fetch(QUERIES.waiting, self._person, reference, WAITING_PAGE):
            given = [SourcedRecord(source=row["source"], record=_record_of(row["body"])) for row in rows]
            links = await self.meant({reference})
            if not links:
                return
            for wave in _waves(given, links):
                await self._write_all(wave, given, links)
            gone = [(row["source"], row["record"], row["revised_at"]) for row in rows]
            await self._pool.execute(QUERIES.drop_written, self._person, reference, *zip(*gone, strict=True))

    async def foresee(self, given: Sequence[SourcedRecord], links: dict[str, Meant]) -> list[str]:
        """Returns the outcome that each record would have with these links. Writes nothing.

        Compares a record only with the records of this daycare, because a record of another author may be held from the caller
        (law 21). Treats the records of earlier calls of this method as written, because a file may contain a record twice.
        """
        outcomes = dict.fromkeys(range(len(given)), "waiting")
        for wave in _waves(given, links):
            translated = await self._translate(wave, given, links, is_dry=True)
            outcomes |= {number: one.translation.outcome for number, one in translated.items()}
            for number, one in translated.items():
                if one.translation.state is not None:
                    self._foreseen[ledger_key(given[number], links[given[number].record.reference])] = one.translation.state
        return [outcomes[number] for number in range(len(given))]

    async def _write_all(
        self, numbers: list[int], given: Sequence[SourcedRecord], links: dict[str, Meant]
    ) -> dict[int, RecordOutcome]:
        """Writes records with distinct ids in concurrent parts: one part is written while the notes of another part are read."""
        by_family = sorted(numbers, key=lambda number: links[given[number].record.reference].family.int)
        parts = [by_family[first : first + READ_AT_ONCE] for first in range(0, len(by_family), READ_AT_ONCE)]
        done = await asyncio.gather(*(self._write(part, given, links) for part in parts), return_exceptions=True)
        outcomes: dict[int, RecordOutcome] = {}
        for one in done:
            if isinstance(one, BaseException):
                raise one
            outcomes |= one
        return outcomes

    async def _write(
        self, numbers: list[int], given: Sequence[SourcedRecord], links: dict[str, Meant]
    ) -> dict[int, RecordOutcome]:
        """Appends records with distinct ids to the logs. Translates a record again if another writer changed the record."""
        outcomes: dict[int, RecordOutcome] = {}
        for _ in range(ATTEMPTS):
            translated = await self._translate(numbers, given, links)
            outcomes |= {
                number: RecordOutcome(outcome=one.translation.outcome, state=one.prior.state)
                for number, one in translated.items()
                if one.translation.state is None
            }
            requests = append_requests_of(translated, given, links)
            results = await asyncio.gather(*(self._log.append(request) for _, request in requests), return_exceptions=True)
            numbers = []
            for (appended, _), result in zip(requests, results, strict=True):
                if isinstance(result, Overtaken):
                    numbers += appended
                elif isinstance(result, NotFound):
                    continue  # the daycare has left that family meanwhile: these records become waiting records
                elif isinstance(result, BaseException):
                    raise result
                else:
                    outcomes |= outcomes_of(appended, translated, result[1])
            if not numbers:
                return outcomes
        raise Overtaken

    async def _translate(
        self, numbers: Sequence[int], given: Sequence[SourcedRecord], links: dict[str, Meant], *, is_dry: bool = False
    ) -> dict[int, TranslatedRecord]:
        """Returns the translation of each record, by the record's index in `given`."""
        link_by_number = {number: links[given[number].record.reference] for number in numbers}
        secrets_by_family = await secrets_of(self._pool, {one.family for one in link_by_number.values()}, makes=not is_dry)
        prior = await self._prior(numbers, given, link_by_number, is_dry=is_dry)
        findings = await self._findings(numbers, given, links, {number: one.state for number, one in prior.items()})
        translated: dict[int, TranslatedRecord] = {}
        for index, number in enumerate(numbers):
            one, link, before = given[number], link_by_number[number], prior[number]
            secret = secrets_by_family[link.family]
            translation = translate(
                one.record,
                before.state,
                findings=findings.get(number, NOTHING),
                event_ids=EventIds(secret, link.member, one.source, one.record.id),
                child=link.child,
                salt=secrets.token_bytes(16),
                is_shared=before.is_shared,
            )
            translated[number] = TranslatedRecord(translation, before, tuple(equal_records(one, translation, before, secret)))
            if index % MADE_AT_ONCE == 0:
                await asyncio.sleep(0)
        return translated

    async def _prior(
        self, numbers: Sequence[int], given: Sequence[SourcedRecord], link_by_number: Mapping[int, Meant], *, is_dry: bool
    ) -> dict[int, Prior]:
        """Returns the recorded state of each record, by index. For a new imported record, adds the states at other importers."""
        keys = {number: ledger_key(given[number], one) for number, one in link_by_number.items()}
        rows = await self._pool.fetch(QUERIES.said, *zip(*keys.values(), strict=True)) if keys else []
        own = {tuple(row)[:4]: Prior(row["revision"], _state_of(row["said"]), row["is_shared"]) for row in rows}
        own |= {key: Prior(state=self._foreseen[key]) for key in keys.values() if key in self._foreseen}
        new = [] if is_dry else [key for number, key in keys.items() if key not in own and link_by_number[number].is_imported]
        others: defaultdict[tuple[Any, ...], list[tuple[MemberId, int, RecordState, bool]]] = defaultdict(list)
        if new:
            for row in await self._pool.fetch(QUERIES.said_by_others, *zip(*new, strict=True)):
                others[tuple(row)[:4]].append((row["other_id"], row["revision"], _state_of(row["said"]), row["is_shared"]))
        return {number: own.get(key) or Prior(others=tuple(others.get(key, ()))) for number, key in keys.items()}

    async def _findings(
        self,
        numbers: Sequence[int],
        given: Sequence[SourcedRecord],
        links: dict[str, Meant],
        states: Mapping[int, RecordState | None],
    ) -> dict[int, Findings]:
        """Returns the milestones in the words of the records, by index. Records without words to search have no entry."""
        proses = {
            number: prose
            for number in numbers
            for record in (given[number].record,)
            for link in (links[record.reference],)
            if (prose := prose_of(record, states[number], child=link.child, called=link.called)) is not None
        }
        findings = await self._reading.milestones(list(proses.values()), posted_by=self._person)
        return dict(zip(proses, findings, strict=True))

    async def _keep_waiting(self, given: Sequence[SourcedRecord]) -> None:
        now: datetime = self._log.now()
        rows: dict[tuple[str, str, str], tuple[Any, ...]] = {}
        for one in given:
            key, since = waiting_key(one), stated_at(one.record)
            if key not in rows or rows[key][4] <= since:
                rows[key] = (self._person, *key, since, now, one.record.shown_name, _encode(one.record))
        await self._pool.execute(QUERIES.forget_waiting, self._person, now - WAITS_AT_MOST)
        total = await self._pool.fetchval(QUERIES.count_waiting, self._person) + len(rows)
        if total > WAITING_MAX and total - await unlinked_records.count_again(self._pool, self._person, rows) > WAITING_MAX:
            raise TooManyWaiting(f"{WAITING_MAX} records of children whom nobody has linked wait already.")
        await self._pool.execute(QUERIES.wait, *zip(*rows.values(), strict=True))


def stated_at(record: Record) -> datetime:
    """Returns the date of change of a record, or the time of the import if an imported record has no such date."""
    return record.revised_at if record.is_dated or record.imported_at is None else record.imported_at


def ledger_key(given: SourcedRecord, link: Meant) -> LedgerKey:
    """Returns the key under which the ledger stores the state of a record."""
    return link.family, link.member, given.source, given.record.id


def waiting_key(given: SourcedRecord) -> unlinked_records.Key:
    """Returns the key under which a waiting record is stored."""
    return given.record.reference, given.source, given.record.id


def _waves(given: Sequence[SourcedRecord], links: dict[str, Meant]) -> list[list[int]]:
    """Returns the indexes of the records of linked children, in parts. A part contains at most one content of each record."""
    waves: list[list[int]] = []
    times: defaultdict[tuple[FamilyId, str, str], int] = defaultdict(int)
    for number, one in enumerate(given):
        link = links.get(one.record.reference)
        if link is None:
            continue
        key = (link.family, one.source, one.record.id)
        if times[key] == len(waves):
            waves.append([])
        waves[times[key]].append(number)
        times[key] += 1
    return waves
