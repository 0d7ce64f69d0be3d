"""Writes the records of one file in parts, and yields the progress.

Owns the order: first writes the records of the file, then withdraws the records that the source leaves out now. Knows no route.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from service.daycare.append_requests import latest
from service.daycare.file_intake import FileIntake
from service.daycare.import_report import Done, Imported, final_report
from service.daycare.intake import Meant, SourcedRecord
from service.daycare.parsed_file import ParsedFile, RefusedRow
from service.daycare.record import Record
from service.log.append_request import Problem
from service.runtime import Runtime

AT_ONCE: Final = 200


class Import:
    """The import of one file."""

    def __init__(self, file: ParsedFile, report: Imported, *, source: str, intake: FileIntake, links: dict[str, Meant]) -> None:
        self._file = file
        self.said = report
        self._source = source
        self._intake = intake
        self._links = links
        given = self._given([one.record for one in file.placed])
        counts = {id(one) for one in latest(given)}
        self._placed = [one for one, row in zip(file.placed, given, strict=True) if id(row) in counts]
        """The records of the file, without outdated contents of a record."""

    async def run(self, runtime: Runtime) -> AsyncIterator[Imported | Done]:
        """Imports the file in parts. Yields the progress after each part, and the report of the whole file as the last value."""
        placed, gone = self._placed, self._file.taken_back
        outcomes = ["outdated"] * (len(self._file.placed) - len(placed))
        refused: list[RefusedRow] = []
        taken_back = 0
        async with runtime.imports:
            for first in range(0, len(placed), AT_ONCE):
                part = placed[first : first + AT_ONCE]
                for one, (outcome, problem) in zip(part, await self._take([one.record for one in part]), strict=True):
                    outcomes.append(outcome)
                    if problem is not None:
                        refused.append(RefusedRow(at=one.at, code=problem.code, detail=problem.detail))
                yield Done(done=first + len(part), of=len(placed) + len(gone))
            for first in range(0, len(gone), AT_ONCE):
                given = self._given(gone[first : first + AT_ONCE])
                taken_back += await self._intake.take_back(given, self._links, is_dry=self.said.dry_run)
                yield Done(done=len(placed) + first + len(given), of=len(placed) + len(gone))
        yield final_report(self.said, self._file, outcomes, refused=refused, taken_back=taken_back)

    async def _take(self, records: Sequence[Record]) -> list[tuple[str, Problem | None]]:
        given = self._given(records)
        if self.said.dry_run:
            return [(outcome, None) for outcome in await self._intake.foresee(given, self._links)]
        return [(one.outcome, one.problem) for one in await self._intake.take(given)]

    def _given(self, records: Sequence[Record]) -> list[SourcedRecord]:
        return [SourcedRecord(source=self._source, record=record) for record in records]
