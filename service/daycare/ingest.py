"""Takes a daycare's records in: finds the children that it means, offers drafts to their logs, says what became of each.

Owns the order of things, and what waits where no child is known. What a record becomes `becomes` decides; what may be written the
log does. Whatever is cut off in between, the same records again come to the same end.
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
from events.ids import ChildId, FamilyId, MemberId, PersonId
from service.daycare import unlinked
from service.daycare.becomes import Became, Said, become, prose_of
from service.daycare.reading import Reading
from service.daycare.record import Record
from service.errors import NotFound
from service.log.ledger import Entry, Key, Overtaken
from service.log.log import Log
from service.log.offer import Offer
from service.log.receipts import Problem, Receipt
from service.postgres.queries import load

QUERIES: Final = load(__package__, "daycare.sql")

DRAFTS_AN_OFFER: Final = 8
"""Others have their turn after each: about a millisecond."""
READ_AT_ONCE: Final = 96
MADE_AT_ONCE: Final = 16
"""Others have their turn after so many, too."""
ATTEMPTS: Final = 5
WAITING_MAX: Final = 10_000
"""Records of one daycare, of children whom nobody has linked."""
WAITS_AT_MOST: Final = timedelta(days=90)
FLOW_PAGE: Final = 200

_said_of = msgspec.json.Decoder(Said).decode
_record_of = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode


class TooManyWaiting(Refused):
    """More records of unknown children wait than are kept: parents have to link them first."""

    code, status, title = "daycare.too_many_waiting", 409, "Too much waits"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A record, and the source that it is of."""

    source: str
    record: Record


class Meant(msgspec.Struct, frozen=True):
    """Whom a daycare means by a reference."""

    family: FamilyId
    member: MemberId
    child: ChildId


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a record."""

    outcome: str
    """Of `becomes.Outcome`, or `waiting`, or `refused`."""
    keep_quiet: tuple[str, ...] = ()
    problem: Problem | None = None


class Intake:
    """The way in for one daycare."""

    def __init__(self, *, pool: asyncpg.Pool, log: Log, reading: Reading, person: PersonId) -> None:
        self._pool = pool
        self._log = log
        self._reading = reading
        self._person = person
        self._foreseen: dict[Key, Said] = {}

    async def take(self, given: Sequence[Given]) -> list[Taken]:
        """Take records in; what became of each, in their order.

        Raises:
            LogBusy, LogUnavailable, NotesWaiting, Overtaken: some may be written; the same records again do no harm.
            TooManyWaiting: nothing of unknown children was kept.
        """
        meant = await self.meant({one.record.reference for one in given})
        taken: dict[int, Taken] = {}
        for wave in _waves(given, meant):
            taken |= await self._write_all(wave, given, meant)
        unknown = [number for number in range(len(given)) if number not in taken]
        if unknown:
            await self._wait([given[number] for number in unknown])
            taken |= dict.fromkeys(unknown, Taken(outcome="waiting"))
            # Linked while this was on its way: whoever linked may have looked before there was anything.
            for reference in await self.meant({given[number].record.reference for number in unknown}):
                await self.flow(reference)
        return [taken[number] for number in range(len(given))]

    async def meant(self, references: set[str]) -> dict[str, Meant]:
        """Whom these references mean, of those that are linked."""
        rows = await self._pool.fetch(QUERIES.links, self._person, list(references))
        return {row[0]: Meant(row[1], row[2], row[3]) for row in rows if row[3] is not None}

    async def flow(self, reference: str) -> None:
        """Write what has waited for a child, in the order in which it came."""
        while rows := await self._pool.fetch(QUERIES.waiting, self._person, reference, FLOW_PAGE):
            given = [Given(source=row["source"], record=_record_of(row["body"])) for row in rows]
            meant = await self.meant({reference})
            if not meant:
                return
            for wave in _waves(given, meant):
                await self._write_all(wave, given, meant)
            gone = [(row["source"], row["record"], row["revised_at"]) for row in rows]
            await self._pool.execute(QUERIES.flowed, self._person, reference, *zip(*gone, strict=True))

    async def foresee(self, given: Sequence[Given], meant: dict[str, Meant]) -> list[str]:
        """Returns what would become of records if these references meant these children, without writing any.

        What was foreseen before counts as written: a record that a file holds twice is recorded once.
        """
        outcomes = dict.fromkeys(range(len(given)), "waiting")
        for wave in _waves(given, meant):
            made = await self._make(wave, given, meant)
            outcomes |= {number: became.outcome for number, (became, _) in made.items()}
            for number, (became, _) in made.items():
                if became.said is not None:
                    self._foreseen[ledger_key(given[number], meant[given[number].record.reference])] = became.said
        return [outcomes[number] for number in range(len(given))]

    async def _write_all(self, numbers: list[int], given: Sequence[Given], meant: dict[str, Meant]) -> dict[int, Taken]:
        """Write some records, of which no two are one: those of some families while those of others are still being read."""
        by_family = sorted(numbers, key=lambda number: meant[given[number].record.reference].family.int)
        parts = [by_family[first : first + READ_AT_ONCE] for first in range(0, len(by_family), READ_AT_ONCE)]
        done = await asyncio.gather(*(self._write(part, given, meant) for part in parts), return_exceptions=True)
        taken: dict[int, Taken] = {}
        for one in done:
            if isinstance(one, BaseException):
                raise one
            taken |= one
        return taken

    async def _write(self, numbers: list[int], given: Sequence[Given], meant: dict[str, Meant]) -> dict[int, Taken]:
        """Offer some records, of which no two are one, to their families' logs."""
        taken: dict[int, Taken] = {}
        for _ in range(ATTEMPTS):
            made = await self._make(numbers, given, meant)
            taken |= {number: Taken(outcome=became.outcome) for number, (became, _) in made.items() if became.said is None}
            offers = _offers(made, given, meant)
            answers = await asyncio.gather(*(self._log.offer(offer) for _, offer in offers), return_exceptions=True)
            numbers = []
            for (offered, _), answer in zip(offers, answers, strict=True):
                if isinstance(answer, Overtaken):
                    numbers += offered
                elif isinstance(answer, NotFound):
                    continue  # the daycare has left that family meanwhile: what it says of its children there waits
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    taken |= _taken(offered, made, answer[1])
            if not numbers:
                return taken
        raise Overtaken

    async def _make(
        self, numbers: Sequence[int], given: Sequence[Given], meant: dict[str, Meant]
    ) -> dict[int, tuple[Became, int]]:
        """What each record becomes, and the revision of the ledger that this was made of."""
        keys = [ledger_key(given[number], meant[given[number].record.reference]) for number in numbers]
        rows = await self._pool.fetch(QUERIES.said, *zip(*keys, strict=True)) if keys else []
        before = {tuple(row)[:4]: (row["revision"], _said_of(row["said"])) for row in rows}
        before |= {key: (0, self._foreseen[key]) for key in keys if key in self._foreseen}

        stands = {number: before.get(key, (0, None)) for number, key in zip(numbers, keys, strict=True)}
        found = await self._found(numbers, given, meant, {number: said for number, (_, said) in stands.items()})
        made: dict[int, tuple[Became, int]] = {}
        for turn, number in enumerate(numbers):
            one, whom, (revision, said) = given[number], meant[given[number].record.reference], stands[number]
            salt = secrets.token_bytes(16)
            made[number] = (
                become(one.record, said, found=found.get(number, ()),
                       author=whom.member, source=one.source, child=whom.child, salt=salt),
                revision,
            )  # fmt: skip
            if turn % MADE_AT_ONCE == 0:
                await asyncio.sleep(0)
        return made

    async def _found(
        self, numbers: Sequence[int], given: Sequence[Given], meant: dict[str, Meant], stands: Mapping[int, Said | None]
    ) -> dict[int, tuple[str, ...]]:
        """The milestones in the words of those records that have to be read."""
        proses = {
            number: prose
            for number in numbers
            for record in (given[number].record,)
            if (prose := prose_of(record, stands[number], child=meant[record.reference].child)) is not None
        }
        told = await self._reading.milestones(list(proses.values()), posted_by=self._person)
        return dict(zip(proses, told, strict=True))

    async def _wait(self, given: Sequence[Given]) -> None:
        now: datetime = self._log.now()
        rows: dict[tuple[str, str, str], tuple[Any, ...]] = {}
        for one in given:
            key = waiting_key(one)
            if key not in rows or rows[key][4] <= one.record.revised_at:
                rows[key] = (self._person, *key, one.record.revised_at, now, one.record.shown_name, _encode(one.record))
        await self._pool.execute(QUERIES.forget_waiting, self._person, now - WAITS_AT_MOST)
        total = await self._pool.fetchval(QUERIES.count_waiting, self._person) + len(rows)
        if total > WAITING_MAX and total - await unlinked.count_again(self._pool, self._person, rows) > WAITING_MAX:
            raise TooManyWaiting(f"{WAITING_MAX} records of children whom nobody has linked wait already.")
        await self._pool.execute(QUERIES.wait, *zip(*rows.values(), strict=True))


def ledger_key(given: Given, whom: Meant) -> Key:
    """Returns the key under which the ledger has a record."""
    return whom.family, whom.member, given.source, given.record.id


def waiting_key(given: Given) -> unlinked.Key:
    """Returns the key under which a record waits."""
    return given.record.reference, given.source, given.record.id


def _waves(given: Sequence[Given], meant: dict[str, Meant]) -> list[list[int]]:
    """The numbers of the records whose child is known, in sets in which none stands twice: a later form needs the earlier."""
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


def _offers(
    made: dict[int, tuple[Became, int]], given: Sequence[Given], meant: dict[str, Meant]
) -> list[tuple[list[int], Offer]]:
    """One offer a family, or several where it is long; with the numbers of the records in each."""
    by_author: defaultdict[tuple[FamilyId, MemberId], list[int]] = defaultdict(list)
    for number, (became, _) in made.items():
        if became.said is not None:
            whom = meant[given[number].record.reference]
            by_author[whom.family, whom.member].append(number)
    offers = []
    for (family, author), numbers in by_author.items():
        for part in _parts(numbers, made):
            drafts = tuple(draft for number in part for draft in made[number][0].drafts)
            entries = tuple(_entry(given[number], *made[number]) for number in part)
            offers.append((part, Offer(family=family, author=author, drafts=drafts, entries=entries, may_wait=True)))
    return offers


def _parts(numbers: list[int], made: dict[int, tuple[Became, int]]) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    count = 0
    for number in numbers:
        drafts = len(made[number][0].drafts)
        if parts[-1] and count + drafts > DRAFTS_AN_OFFER:
            parts.append([])
            count = 0
        parts[-1].append(number)
        count += drafts
    return parts


def _entry(given: Given, became: Became, revision: int) -> Entry:
    assert became.said is not None, "only what changes is offered"
    return Entry(
        source=given.source, record=given.record.id, expects=revision, drafts=len(became.drafts), said=_encode(became.said)
    )


def _taken(numbers: Sequence[int], made: dict[int, tuple[Became, int]], receipts: Sequence[Receipt]) -> dict[int, Taken]:
    taken, first = {}, 0
    for number in numbers:
        became = made[number][0]
        own = receipts[first : first + len(became.drafts)]
        first += len(became.drafts)
        problem = next((receipt.problem for receipt in own if receipt.problem is not None), None)
        quiet = sorted({name for receipt in own for name in receipt.keep_quiet})
        outcome = "refused" if problem is not None else became.outcome
        taken[number] = Taken(outcome=outcome, keep_quiet=tuple(quiet), problem=problem)
    return taken
