"""Accepts a daycare's records: finds the linked children, appends drafts to their logs, returns each record's outcome.

Owns the order of these steps, and the records that wait because their child is not linked. `translate` decides what a record
becomes, and the log what may be written. After an interruption, the same records sent again lead to the same result.
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
from service.daycare.append_requests import Made, Meant, Prior, RecordOutcome, SourcedRecord, like, offers_of, taken_by
from service.daycare.event_ids import EventIds, secrets_of
from service.daycare.keep_quiet import quiet_before
from service.daycare.prose.reader import NOTHING, Findings
from service.daycare.prose_queue import ProseQueue
from service.daycare.record import Record
from service.daycare.translate import Said, become, prose_of
from service.http.problems import NotFound
from service.log.ledger import LedgerKey, Overtaken
from service.log.log import Log
from service.postgres.queries import load

__all__ = ["QUERIES", "Intake", "Meant", "RecordOutcome", "SourcedRecord", "TooManyWaiting"]

QUERIES: Final = load(__package__, "daycare.sql")

READ_AT_ONCE: Final = 96
MADE_AT_ONCE: Final = 16
"""Records that are translated before other tasks get their turn."""
ATTEMPTS: Final = 5
WAITING_MAX: Final = 10_000
"""Records of one daycare that wait because their child is not linked."""
WAITS_AT_MOST: Final = timedelta(days=90)
FLOW_PAGE: Final = 200
NAMES_AGAIN: Final = frozenset({"already_recorded", "amended"})
"""Outcomes of records that were written before: the log returns no names for their receipts."""

_said_of = msgspec.json.Decoder(Said).decode
_record_of = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode


class TooManyWaiting(Refused):
    """More records of unlinked children would wait than may: parents have to link the children first."""

    code, status, title = "daycare.too_many_waiting", 409, "Too much waits"


class Intake:
    """The intake of one daycare."""

    def __init__(self, *, pool: asyncpg.Pool, log: Log, reading: ProseQueue, person: PersonId) -> None:
        self._pool = pool
        self._log = log
        self._reading = reading
        self._person = person
        self._foreseen: dict[LedgerKey, Said] = {}

    async def take(self, given: Sequence[SourcedRecord]) -> list[RecordOutcome]:
        """Accepts records. Returns their outcomes in the same order.

        Raises:
            LogBusy, LogUnavailable, NotesWaiting, Overtaken: some may be written; it is safe to send the same records again.
            TooManyWaiting: no record of an unlinked child was kept.
        """
        meant = await self.meant({one.record.reference for one in given})
        taken: dict[int, RecordOutcome] = {}
        for wave in _waves(given, meant):
            taken |= await self._write_all(wave, given, meant)
        await self._quiet_again(taken, given, meant)
        unknown = [number for number in range(len(given)) if number not in taken]
        if unknown:
            await self._wait([given[number] for number in unknown])
            taken |= dict.fromkeys(unknown, RecordOutcome(outcome="waiting"))
            # A parent may have linked the child meanwhile, and found no waiting record yet.
            for reference in await self.meant({given[number].record.reference for number in unknown}):
                await self.flow(reference)
        return [taken[number] for number in range(len(given))]

    async def _quiet_again(
        self, taken: dict[int, RecordOutcome], given: Sequence[SourcedRecord], meant: dict[str, Meant]
    ) -> None:
        """Repeats in the outcomes of known records before whom to keep quiet: the first receipt may be lost (law 20)."""
        again = [
            (number, (whom.family, whom.member, one.said))
            for number, one in taken.items()
            if one.outcome in NAMES_AGAIN and one.said is not None
            for whom in (meant[given[number].record.reference],)
            if not whom.is_imported  # the report of an import has no names
        ]
        if again:
            quiet = await quiet_before(self._pool, [record for _, record in again], now=self._log.now())
            for (number, _), names in zip(again, quiet, strict=True):
                together = tuple(sorted({*taken[number].keep_quiet, *names}))
                taken[number] = msgspec.structs.replace(taken[number], keep_quiet=together)

    async def meant(self, references: set[str]) -> dict[str, Meant]:
        """Returns the linked child of each reference. References that are not linked have no entry."""
        rows = await self._pool.fetch(QUERIES.links, self._person, list(references))
        return {
            row["reference"]: Meant(
                row["family_id"], row["member_id"], row["child_id"], row["is_imported"], called=tuple(row["called"])
            )
            for row in rows
            if row["child_id"] is not None
        }

    async def flow(self, reference: str) -> None:
        """Writes the records that waited for a child, in order of arrival."""
        while rows := await self._pool.fetch(QUERIES.waiting, self._person, reference, FLOW_PAGE):
            given = [SourcedRecord(source=row["source"], record=_record_of(row["body"])) for row in rows]
            meant = await self.meant({reference})
            if not meant:
                return
            for wave in _waves(given, meant):
                await self._write_all(wave, given, meant)
            gone = [(row["source"], row["record"], row["revised_at"]) for row in rows]
            await self._pool.execute(QUERIES.flowed, self._person, reference, *zip(*gone, strict=True))

    async def foresee(self, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> list[str]:
        """Returns the outcomes that records would have if these references were linked so, without writing any.

        Reads only what this daycare has recorded itself: another author's record may be held from the caller (law 21). Counts
        what was foreseen before as written: a record that a file contains twice is recorded once.
        """
        outcomes = dict.fromkeys(range(len(given)), "waiting")
        for wave in _waves(given, meant):
            made = await self._make(wave, given, meant, is_dry=True)
            outcomes |= {number: one.became.outcome for number, one in made.items()}
            for number, one in made.items():
                if one.became.said is not None:
                    self._foreseen[ledger_key(given[number], meant[given[number].record.reference])] = one.became.said
        return [outcomes[number] for number in range(len(given))]

    async def _write_all(
        self, numbers: list[int], given: Sequence[SourcedRecord], meant: dict[str, Meant]
    ) -> dict[int, RecordOutcome]:
        """Writes different records: those of some families while the notes of others are still being read."""
        by_family = sorted(numbers, key=lambda number: meant[given[number].record.reference].family.int)
        parts = [by_family[first : first + READ_AT_ONCE] for first in range(0, len(by_family), READ_AT_ONCE)]
        done = await asyncio.gather(*(self._write(part, given, meant) for part in parts), return_exceptions=True)
        taken: dict[int, RecordOutcome] = {}
        for one in done:
            if isinstance(one, BaseException):
                raise one
            taken |= one
        return taken

    async def _write(
        self, numbers: list[int], given: Sequence[SourcedRecord], meant: dict[str, Meant]
    ) -> dict[int, RecordOutcome]:
        """Appends different records to their families' logs."""
        taken: dict[int, RecordOutcome] = {}
        for _ in range(ATTEMPTS):
            made = await self._make(numbers, given, meant)
            taken |= {
                number: RecordOutcome(outcome=one.became.outcome, said=one.prior.said)
                for number, one in made.items()
                if one.became.said is None
            }
            offers = offers_of(made, given, meant)
            answers = await asyncio.gather(*(self._log.offer(offer) for _, offer in offers), return_exceptions=True)
            numbers = []
            for (offered, _), answer in zip(offers, answers, strict=True):
                if isinstance(answer, Overtaken):
                    numbers += offered
                elif isinstance(answer, NotFound):
                    continue  # the daycare has left that family meanwhile: its records of children there wait
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    taken |= taken_by(offered, made, answer[1])
            if not numbers:
                return taken
        raise Overtaken

    async def _make(
        self, numbers: Sequence[int], given: Sequence[SourcedRecord], meant: dict[str, Meant], *, is_dry: bool = False
    ) -> dict[int, Made]:
        """Returns what each record becomes, given what is recorded of it."""
        whom = {number: meant[given[number].record.reference] for number in numbers}
        secrets_by_family = await secrets_of(self._pool, {one.family for one in whom.values()}, makes=not is_dry)
        prior = await self._prior(numbers, given, whom, is_dry=is_dry)
        told = await self._told(numbers, given, meant, {number: one.said for number, one in prior.items()})
        made: dict[int, Made] = {}
        for turn, number in enumerate(numbers):
            one, by, before = given[number], whom[number], prior[number]
            secret = secrets_by_family[by.family]
            became = become(
                one.record,
                before.said,
                told=told.get(number, NOTHING),
                names=EventIds(secret, by.member, one.source, one.record.id),
                child=by.child,
                salt=secrets.token_bytes(16),
                is_shared=before.is_shared,
            )
            made[number] = Made(became, before, tuple(like(one, became, before, secret)))
            if turn % MADE_AT_ONCE == 0:
                await asyncio.sleep(0)
        return made

    async def _prior(
        self, numbers: Sequence[int], given: Sequence[SourcedRecord], whom: Mapping[int, Meant], *, is_dry: bool
    ) -> dict[int, Prior]:
        """Returns what is recorded of each record; for an importer's new record also what the source's other importers have."""
        keys = {number: ledger_key(given[number], one) for number, one in whom.items()}
        rows = await self._pool.fetch(QUERIES.said, *zip(*keys.values(), strict=True)) if keys else []
        own = {tuple(row)[:4]: Prior(row["revision"], _said_of(row["said"]), row["is_shared"]) for row in rows}
        own |= {key: Prior(said=self._foreseen[key]) for key in keys.values() if key in self._foreseen}
        new = [] if is_dry else [key for number, key in keys.items() if key not in own and whom[number].is_imported]
        beside: defaultdict[tuple[Any, ...], list[tuple[MemberId, int, Said, bool]]] = defaultdict(list)
        if new:
            for row in await self._pool.fetch(QUERIES.said_beside, *zip(*new, strict=True)):
                beside[tuple(row)[:4]].append((row["other_id"], row["revision"], _said_of(row["said"]), row["is_shared"]))
        return {number: own.get(key) or Prior(beside=tuple(beside.get(key, ()))) for number, key in keys.items()}

    async def _told(
        self, numbers: Sequence[int], given: Sequence[SourcedRecord], meant: dict[str, Meant], stands: Mapping[int, Said | None]
    ) -> dict[int, Findings]:
        """Returns the findings in the words of these records, for those with words to read."""
        proses = {
            number: prose
            for number in numbers
            for record in (given[number].record,)
            for whom in (meant[record.reference],)
            if (prose := prose_of(record, stands[number], child=whom.child, called=whom.called)) is not None
        }
        told = await self._reading.milestones(list(proses.values()), posted_by=self._person)
        return dict(zip(proses, told, strict=True))

    async def _wait(self, given: Sequence[SourcedRecord]) -> None:
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
    """Returns when a record was last stated: of two that wait under one id the later one counts."""
    return record.revised_at if record.is_dated or record.imported_at is None else record.imported_at


def ledger_key(given: SourcedRecord, whom: Meant) -> LedgerKey:
    """Returns the key of a record in the ledger."""
    return whom.family, whom.member, given.source, given.record.id


def waiting_key(given: SourcedRecord) -> unlinked_records.Key:
    """Returns the key of a waiting record."""
    return given.record.reference, given.source, given.record.id


def _waves(given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> list[list[int]]:
    """Returns the numbers of the records of linked children, in sets without repetition: later contents need earlier ones."""
    waves: list[list[int]] = []
    times: defaultdict[tuple[FamilyId, str, str], int] = defaultdict(int)
    for number, one in enumerate(given):
        whom = meant.get(one.record.reference)
        if whom is None:
            continue
        key = (whom.family, one.source, one.record.id)
        if times[key] == len(waves):
            waves.append([])
        waves[times[key]].append(number)
        times[key] += 1
    return waves
