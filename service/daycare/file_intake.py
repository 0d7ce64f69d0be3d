"""Accepts the records of one file, like records that a daycare posts, and adds the look-ups that only a file needs.

Owns the reads before the first write: whether there is room for records that would wait, and what is recorded under an id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from events.ids import ChildId, FamilyId, MemberId
from service.daycare import unlinked_records
from service.daycare.intake import (
    FLOW_PAGE,
    QUERIES,
    WAITING_MAX,
    WAITS_AT_MOST,
    Intake,
    Meant,
    SourcedRecord,
    TooManyWaiting,
    ledger_key,
    stated_at,
    waiting_key,
)
from service.daycare.parsed_file import Placed
from service.daycare.record import Record
from service.daycare.row_ids import Holds, Unnamed, numbers_of
from service.daycare.shared_ids import There, apart, has_its_child, id_of, shared_in
from service.daycare.sources.reading import Naming
from service.daycare.translate import Said, has_words
from service.log.ledger import LedgerKey

NamingOf = Callable[[Any, str], Naming | None]
Groups = defaultdict[str, list[tuple[int, Unnamed]]]
"""Id of number 0 -> the rows that share it, each with its index in the file."""

LOOKED_UP_AT_ONCE: Final = 500
NUMBERS_MAX: Final = 400
"""Upper bound of look-ups for one child, activity and time."""

_said_of: Final = msgspec.json.Decoder(Said).decode
_record_of: Final = msgspec.json.Decoder(Record).decode
_encode: Final = msgspec.json.Encoder().encode


class FileIntake(Intake):
    """The intake of one importer's file."""

    async def require_room(self, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> None:
        """Refuses records if more would wait for a link than may.

        Raises:
            TooManyWaiting: its detail lists the references, and what to do.
        """
        new = {waiting_key(one): one.record.shown_name for one in given if one.record.reference not in meant}
        if not new:
            return
        found = await unlinked_records.would_wait(self._pool, self._person, new, since=self._log.now() - WAITS_AT_MOST)
        if sum(records for _, _, records in found) > WAITING_MAX:
            raise TooManyWaiting(unlinked_records.sentence(found, waiting_max=WAITING_MAX), at="child")

    async def identified(
        self, placed: Sequence[Placed], naming: NamingOf, meant: dict[str, Meant], *, source: str
    ) -> tuple[Placed, ...]:
        """Returns the records with their final ids. A row without an id gets that of the record it matches, or a new one."""
        groups = await asyncio.to_thread(_groups, placed, naming)
        there = await self._there(groups, placed, meant, source=source)
        return await asyncio.to_thread(_numbered, placed, groups, there)

    async def told_apart(
        self, placed: Sequence[Placed], meant: dict[str, Meant], *, source: str, author: tuple[FamilyId, MemberId]
    ) -> tuple[Placed, ...]:
        """Returns the records with ids that no two children share. `author` writes them all, also the unlinked ones."""
        shared = shared_in(one.record for one in placed)
        found = list(placed)
        for first in range(0, len(placed), LOOKED_UP_AT_ONCE):
            part = [index for index in range(first, min(first + LOOKED_UP_AT_ONCE, len(placed)))
                    if not has_its_child(placed[index].record)]  # fmt: skip
            records = [placed[index].record for index in part]
            there = await self._there_for(records, meant, source, author) if records else []
            for index, record, what in zip(part, records, there, strict=True):
                own_id = id_of(record, what, is_shared=record.id in shared)
                if own_id != record.id:
                    found[index] = msgspec.structs.replace(placed[index], record=msgspec.structs.replace(record, id=own_id))
        return tuple(found)

    async def _there_for(
        self, records: Sequence[Record], meant: dict[str, Meant], source: str, author: tuple[FamilyId, MemberId]
    ) -> list[There]:
        said = await self._said({number: (*author, source, record.id) for number, record in enumerate(records)})
        waiting: defaultdict[str, list[Record]] = defaultdict(list)
        for row in await self._pool.fetch(
            unlinked_records.QUERIES.waiting_by_id, self._person, source, [one.id for one in records]
        ):
            waiting[row["record"]].append(_record_of(row["body"]))
        linked = await self._pool.fetch(
            unlinked_records.QUERIES.links_to, self._person, list({one.child for one in said.values()})
        )
        references: defaultdict[ChildId, set[str]] = defaultdict(set)
        for row in linked:
            references[row["child_id"]].add(row["reference"])
        for reference, whom in meant.items():
            references[whom.child].add(reference)
        there = [
            _recorded(record, said[number], meant.get(record.reference), references)
            if number in said
            else _waiting(record, waiting[record.id])
            for number, record in enumerate(records)
        ]
        others = [number for number, what in enumerate(there) if not what.is_own]
        with_child = (msgspec.structs.replace(records[number], id=apart(records[number])) for number in others)
        is_apart = (
            await self._holding([SourcedRecord(source=source, record=record) for record in with_child], meant) if others else {}
        )
        for index, number in enumerate(others):
            there[number] = msgspec.structs.replace(there[number], is_apart=index in is_apart)
        return there

    async def _there(
        self, groups: Groups, placed: Sequence[Placed], meant: dict[str, Meant], *, source: str
    ) -> dict[str, dict[int, Holds]]:
        """Returns the existing records of each group, recorded or waiting, by number. Numbers have no gap."""
        there: dict[str, dict[int, Holds]] = {base: {} for base in groups}
        asked = {base: range(len(group) + 1) for base, group in groups.items()}
        while asked:
            wanted = [(base, number) for base, numbers in asked.items() for number in numbers]
            for first in range(0, len(wanted), LOOKED_UP_AT_ONCE):
                part = wanted[first : first + LOOKED_UP_AT_ONCE]
                given = [_candidate(placed, groups[base][0], number, source) for base, number in part]
                for index, holds in (await self._holding(given, meant)).items():
                    base, number = part[index]
                    there[base][number] = holds
            asked = {
                base: range(numbers.stop, 2 * numbers.stop)
                for base, numbers in asked.items()
                if numbers.stop - 1 in there[base] and numbers.stop < NUMBERS_MAX
            }
        return there

    async def _holding(self, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> dict[int, Holds]:
        """Returns the existing ones of these records, recorded or waiting, by number, each with a check of its words."""
        waiting = await self._pool.fetch(
            unlinked_records.QUERIES.waiting_bodies, self._person, *zip(*map(waiting_key, given), strict=True)
        )
        body_by_key = {(row["reference"], row["source"], row["record"]): row["body"] for row in waiting}
        found: dict[int, Holds] = {}
        for number, one in enumerate(given):
            if (body := body_by_key.get(waiting_key(one))) is not None:
                found[number] = partial(_waits_with, _record_of(body))
        return found | {number: partial(has_words, said) for number, said in (await self.standing(given, meant)).items()}

    async def standing(self, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> dict[int, Said]:
        """Returns what is recorded under the ids of these records, by number. New records have no entry."""
        keys = {n: ledger_key(one, meant[one.record.reference]) for n, one in enumerate(given) if one.record.reference in meant}
        return await self._said(keys)

    async def _said(self, keys: dict[int, LedgerKey]) -> dict[int, Said]:
        rows = await self._pool.fetch(QUERIES.said, *zip(*keys.values(), strict=True)) if keys else []
        said_by_key = {tuple(row)[:4]: _said_of(row["said"]) for row in rows} | self._foreseen
        return {number: said_by_key[key] for number, key in keys.items() if key in said_by_key}

    async def foresee_flow(self, reference: str, meant: dict[str, Meant]) -> None:
        """Foresees the records that wait for a child: once it is linked, they are written before the file."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(QUERIES.waiting, self._person, reference, WAITING_MAX)
            while rows := await cursor.fetch(FLOW_PAGE):
                await self.foresee([SourcedRecord(source=row["source"], record=_record_of(row["body"])) for row in rows], meant)

    async def take_back(self, given: Sequence[SourcedRecord], meant: dict[str, Meant], *, is_dry: bool) -> int:
        """Withdraws what the source leaves out now. Returns how many of these records were recorded.

        Waiting records under these ids are emptied. Others are not added, because they would take room.
        """
        known = [one for one in given if one.record.reference in meant]
        was = await self.standing(known, meant)
        if is_dry:
            outcomes = await self.foresee(known, meant)
        else:
            unknown = [one for one in given if one.record.reference not in meant]
            rows = [(*waiting_key(one), stated_at(one.record), _encode(one.record)) for one in unknown]
            await unlinked_records.take_back(self._pool, self._person, rows)
            outcomes = [taken.outcome for taken in await self.take(known)]
        stood = [number in was and not was[number].is_gone for number in range(len(known))]
        return sum(outcome == "withdrawn" and stands for outcome, stands in zip(outcomes, stood, strict=True))


def _groups(placed: Sequence[Placed], naming: NamingOf) -> Groups:
    groups: Groups = defaultdict(list)
    for index, one in enumerate(placed):
        if (named := naming(one.row, one.record.reference)) is not None:
            groups[one.record.id].append((index, Unnamed(named, one.record.text)))
    return groups


def _numbered(placed: Sequence[Placed], groups: Groups, there: dict[str, dict[int, Holds]]) -> tuple[Placed, ...]:
    found = list(placed)
    for base, group in groups.items():
        numbers = numbers_of([unnamed for _, unnamed in group], there[base])
        for (index, unnamed), number in zip(group, numbers, strict=True):
            record = msgspec.structs.replace(placed[index].record, id=unnamed.naming.id_of(number))
            found[index] = msgspec.structs.replace(placed[index], record=record)
    return tuple(found)


def _candidate(placed: Sequence[Placed], one: tuple[int, Unnamed], number: int, source: str) -> SourcedRecord:
    index, unnamed = one
    return SourcedRecord(source=source, record=msgspec.structs.replace(placed[index].record, id=unnamed.naming.id_of(number)))


def _waits_with(record: Record, words: str | None) -> bool:
    return not record.is_gone and record.text == words


def _recorded(record: Record, said: Said, whom: Meant | None, references: dict[ChildId, set[str]]) -> There:
    return There(
        is_own=whom is not None and said.child == whom.child,
        is_others=bool(references.get(said.child, set()) - {record.reference}),
        is_same=has_words(said, record.text) and said.occurred_at == record.occurred_at,
    )


def _waiting(record: Record, waiting: Sequence[Record]) -> There:
    return There(
        is_own=any(one.reference == record.reference for one in waiting),
        is_others=any(one.reference != record.reference for one in waiting),
        is_same=any(one.text == record.text and one.occurred_at == record.occurred_at for one in waiting),
    )
