"""Accepts the records of one imported file in the same way as posted records, and adds the look-ups that only a file needs.

Owns the checks before the first write: whether the file would add too many waiting records, and which ids exist already.
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
    QUERIES,
    WAITING_MAX,
    WAITING_PAGE,
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
from service.daycare.row_ids import HasWords, Unnamed, numbers_of
from service.daycare.shared_ids import IdUse, find_shared_ids, has_its_child, id_of, with_reference
from service.daycare.sources.reading import Naming
from service.daycare.translate import RecordState, has_words
from service.log.append_request import LedgerKey

NamingOf = Callable[[Any, str], Naming | None]
Groups = defaultdict[str, list[tuple[int, Unnamed]]]
"""The groups of rows without ids. A group's key is the id of its record number 0. Each row has its index in the file."""

LOOKED_UP_AT_ONCE: Final = 500
NUMBERS_MAX: Final = 400
"""The search for existing records of one group (one child, activity and time) ends at this record number."""

_state_of: Final = msgspec.json.Decoder(RecordState).decode
_record_of: Final = msgspec.json.Decoder(Record).decode
_encode: Final = msgspec.json.Encoder().encode


class FileIntake(Intake):
    """The intake of one imported file."""

    async def require_room(self, given: Sequence[SourcedRecord], links: dict[str, Meant]) -> None:
        """Checks that the importer would have at most `WAITING_MAX` waiting records after the import.

        Raises:
            TooManyWaiting: the importer would have more. The detail lists the references and states what a parent can do.
        """
        new = {waiting_key(one): one.record.shown_name for one in given if one.record.reference not in links}
        if not new:
            return
        found = await unlinked_records.would_wait(self._pool, self._person, new, since=self._log.now() - WAITS_AT_MOST)
        if sum(records for _, _, records in found) > WAITING_MAX:
            raise TooManyWaiting(unlinked_records.sentence(found, waiting_max=WAITING_MAX), at="child")

    async def identified(
        self, placed: Sequence[Placed], naming: NamingOf, links: dict[str, Meant], *, source: str
    ) -> tuple[Placed, ...]:
        """Returns the records with their final ids. A row without an id gets the id of its existing record, or else a new id."""
        groups = await asyncio.to_thread(_groups, placed, naming)
        existing = await self._existing(groups, placed, links, source=source)
        return await asyncio.to_thread(_numbered, placed, groups, existing)

    async def with_separate_ids(
        self, placed: Sequence[Placed], links: dict[str, Meant], *, source: str, author: tuple[FamilyId, MemberId]
    ) -> tuple[Placed, ...]:
        """Returns the records with different ids for different children. `author` is the family and the importer of the file."""
        shared = find_shared_ids(one.record for one in placed)
        found = list(placed)
        for first in range(0, len(placed), LOOKED_UP_AT_ONCE):
            part = [index for index in range(first, min(first + LOOKED_UP_AT_ONCE, len(placed)))
                    if not has_its_child(placed[index].record)]  # fmt: skip
            records = [placed[index].record for index in part]
            uses = await self._uses_of_ids(records, links, source, author) if records else []
            for index, record, use in zip(part, records, uses, strict=True):
                own_id = id_of(record, use, is_shared=record.id in shared)
                if own_id != record.id:
                    found[index] = msgspec.structs.replace(placed[index], record=msgspec.structs.replace(record, id=own_id))
        return tuple(found)

    async def _uses_of_ids(
        self, records: Sequence[Record], links: dict[str, Meant], source: str, author: tuple[FamilyId, MemberId]
    ) -> list[IdUse]:
        states = await self._states({number: (*author, source, record.id) for number, record in enumerate(records)})
        waiting: defaultdict[str, list[Record]] = defaultdict(list)
        for row in await self._pool.fetch(
            unlinked_records.QUERIES.waiting_by_id, self._person, source, [one.id for one in records]
        ):
            waiting[row["record"]].append(_record_of(row["body"]))
        linked = await self._pool.fetch(
            unlinked_records.QUERIES.links_to, self._person, list({one.child for one in states.values()})
        )
        references: defaultdict[ChildId, set[str]] = defaultdict(set)
        for row in linked:
            references[row["child_id"]].add(row["reference"])
        for reference, link in links.items():
            references[link.child].add(reference)
        uses = [
            _use_by_recorded(record, states[number], links.get(record.reference), references)
            if number in states
            else _use_by_waiting(record, waiting[record.id])
            for number, record in enumerate(records)
        ]
        others = [number for number, use in enumerate(uses) if not use.is_same_child]
        with_child = (msgspec.structs.replace(records[number], id=with_reference(records[number])) for number in others)
        with_id_and_reference = (
            await self._find([SourcedRecord(source=source, record=record) for record in with_child], links) if others else {}
        )
        for index, number in enumerate(others):
            uses[number] = msgspec.structs.replace(uses[number], has_id_with_reference=index in with_id_and_reference)
        return uses

    async def _existing(
        self, groups: Groups, placed: Sequence[Placed], links: dict[str, Meant], *, source: str
    ) -> dict[str, dict[int, HasWords]]:
        """Returns the existing records of each group, written or waiting, by the group's key and the record's number.

        Each record is returned as a function that compares its words with other words. The numbers of a group have no gap.
        """
        existing: dict[str, dict[int, HasWords]] = {base: {} for base in groups}
        ranges = {base: range(len(group) + 1) for base, group in groups.items()}
        while ranges:
            wanted = [(base, number) for base, numbers in ranges.items() for number in numbers]
            for first in range(0, len(wanted), LOOKED_UP_AT_ONCE):
                part = wanted[first : first + LOOKED_UP_AT_ONCE]
                given = [_candidate(placed, groups[base][0], number, source) for base, number in part]
                for index, check in (await self._find(given, links)).items():
                    base, number = part[index]
                    existing[base][number] = check
            ranges = {
                base: range(numbers.stop, 2 * numbers.stop)
                for base, numbers in ranges.items()
                if numbers.stop - 1 in existing[base] and numbers.stop < NUMBERS_MAX
            }
        return existing

    async def _find(self, given: Sequence[SourcedRecord], links: dict[str, Meant]) -> dict[int, HasWords]:
        """Returns those of the given records that exist already, written or waiting, by their index in `given`.

        Each record is returned as a function that compares the record's words with other words.
        """
        waiting = await self._pool.fetch(
            unlinked_records.QUERIES.waiting_bodies, self._person, *zip(*map(waiting_key, given), strict=True)
        )
        body_by_key = {(row["reference"], row["source"], row["record"]): row["body"] for row in waiting}
        found: dict[int, HasWords] = {}
        for number, one in enumerate(given):
            if (body := body_by_key.get(waiting_key(one))) is not None:
                found[number] = partial(_waits_with, _record_of(body))
        return found | {number: partial(has_words, state) for number, state in (await self.recorded(given, links)).items()}

    async def recorded(self, given: Sequence[SourcedRecord], links: dict[str, Meant]) -> dict[int, RecordState]:
        """Returns the recorded states of the given records, by their index in `given`. New and unlinked records have no entry."""
        keys = {n: ledger_key(one, links[one.record.reference]) for n, one in enumerate(given) if one.record.reference in links}
        return await self._states(keys)

    async def _states(self, keys: dict[int, LedgerKey]) -> dict[int, RecordState]:
        rows = await self._pool.fetch(QUERIES.said, *zip(*keys.values(), strict=True)) if keys else []
        state_by_key = {tuple(row)[:4]: _state_of(row["said"]) for row in rows} | self._foreseen
        return {number: state_by_key[key] for number, key in keys.items() if key in state_by_key}

    async def foresee_waiting(self, reference: str, links: dict[str, Meant]) -> None:
        """Calls `foresee` with the waiting records of a reference. An import writes these records before those of the file."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(QUERIES.waiting, self._person, reference, WAITING_MAX)
            while rows := await cursor.fetch(WAITING_PAGE):
                await self.foresee([SourcedRecord(source=row["source"], record=_record_of(row["body"])) for row in rows], links)

    async def take_back(self, given: Sequence[SourcedRecord], links: dict[str, Meant], *, is_dry: bool) -> int:
        """Withdraws records that the source leaves out now. Returns the number of withdrawn records that were in the log.

        Removes the content of waiting records. In a dry run, changes nothing and returns the number that would be withdrawn.
        """
        known = [one for one in given if one.record.reference in links]
        before = await self.recorded(known, links)
        if is_dry:
            outcomes = await self.foresee(known, links)
        else:
            unlinked = [one for one in given if one.record.reference not in links]
            rows = [(*waiting_key(one), stated_at(one.record), _encode(one.record)) for one in unlinked]
            await unlinked_records.take_back(self._pool, self._person, rows)
            outcomes = [one.outcome for one in await self.take(known)]
        was_recorded = [number in before and not before[number].is_gone for number in range(len(known))]
        return sum(outcome == "withdrawn" and is_known for outcome, is_known in zip(outcomes, was_recorded, strict=True))


def _groups(placed: Sequence[Placed], naming: NamingOf) -> Groups:
    groups: Groups = defaultdict(list)
    for index, one in enumerate(placed):
        if (named := naming(one.row, one.record.reference)) is not None:
            groups[one.record.id].append((index, Unnamed(named, one.record.text)))
    return groups


def _numbered(placed: Sequence[Placed], groups: Groups, existing: dict[str, dict[int, HasWords]]) -> tuple[Placed, ...]:
    found = list(placed)
    for base, group in groups.items():
        numbers = numbers_of([unnamed for _, unnamed in group], existing[base])
        for (index, unnamed), number in zip(group, numbers, strict=True):
            record = msgspec.structs.replace(placed[index].record, id=unnamed.naming.id_of(number))
            found[index] = msgspec.structs.replace(placed[index], record=record)
    return tuple(found)


def _candidate(placed: Sequence[Placed], one: tuple[int, Unnamed], number: int, source: str) -> SourcedRecord:
    index, unnamed = one
    return SourcedRecord(source=source, record=msgspec.structs.replace(placed[index].record, id=unnamed.naming.id_of(number)))


def _waits_with(record: Record, words: str | None) -> bool:
    return not record.is_gone and record.text == words


def _use_by_recorded(record: Record, state: RecordState, link: Meant | None, references: dict[ChildId, set[str]]) -> IdUse:
    return IdUse(
        is_same_child=link is not None and state.child == link.child,
        is_other_child=bool(references.get(state.child, set()) - {record.reference}),
        has_same_words=has_words(state, record.text) and state.occurred_at == record.occurred_at,
    )


def _use_by_waiting(record: Record, waiting: Sequence[Record]) -> IdUse:
    return IdUse(
        is_same_child=any(one.reference == record.reference for one in waiting),
        is_other_child=any(one.reference != record.reference for one in waiting),
        has_same_words=any(one.text == record.text and one.occurred_at == record.occurred_at for one in waiting),
    )
