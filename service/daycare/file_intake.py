"""The way in for the records of one file: as for what a daycare posts, and what a file needs beside that.

Owns what is looked up before anything is written: whether what would wait has room, and what is recorded under an id already.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from service.daycare import unlinked
from service.daycare.becomes import Said
from service.daycare.ingest import (
    QUERIES,
    WAITING_MAX,
    WAITS_AT_MOST,
    Given,
    Intake,
    Meant,
    TooManyWaiting,
    ledger_key,
    waiting_key,
)

_said_of: Final = msgspec.json.Decoder(Said).decode
_encode: Final = msgspec.json.Encoder().encode


class FileIntake(Intake):
    """The way in for one file of one importer."""

    async def require_room(self, given: Sequence[Given], meant: dict[str, Meant]) -> None:
        """Refuse records of which more would wait to be linked than are kept.

        Raises:
            TooManyWaiting: it says whose they are, and what to do.
        """
        new = {waiting_key(one): one.record.shown_name for one in given if one.record.reference not in meant}
        if not new:
            return
        found = await unlinked.would_wait(self._pool, self._person, new, since=self._log.now() - WAITS_AT_MOST)
        if sum(records for _, _, records in found) > WAITING_MAX:
            raise TooManyWaiting(unlinked.sentence(found, waiting_max=WAITING_MAX), at="child")

    async def standing(self, given: Sequence[Given], meant: dict[str, Meant]) -> dict[int, Said]:
        """Returns what is recorded under the ids of these records, by their number; nothing where there is nothing."""
        keys = {n: ledger_key(one, meant[one.record.reference]) for n, one in enumerate(given) if one.record.reference in meant}
        rows = await self._pool.fetch(QUERIES.said, *zip(*keys.values(), strict=True)) if keys else []
        said_by_key = {tuple(row)[:4]: _said_of(row["said"]) for row in rows} | self._foreseen
        return {number: said_by_key[key] for number, key in keys.items() if key in said_by_key}

    async def take_back(self, given: Sequence[Given], meant: dict[str, Meant], *, is_dry: bool) -> int:
        """Withdraw what the source leaves out now; returns how much of it was recorded.

        What waits under one of these ids is emptied, and nothing else waits for it: what is left out takes no place.
        """
        known = [one for one in given if one.record.reference in meant]
        was = await self.standing(known, meant)
        if is_dry:
            outcomes = await self.foresee(known, meant)
        else:
            unknown = [one for one in given if one.record.reference not in meant]
            rows = [(*waiting_key(one), one.record.revised_at, _encode(one.record)) for one in unknown]
            await unlinked.take_back(self._pool, self._person, rows)
            outcomes = [taken.outcome for taken in await self.take(known)]
        stood = [number in was and not was[number].is_gone for number in range(len(known))]
        return sum(outcome == "withdrawn" and stands for outcome, stands in zip(outcomes, stood, strict=True))
