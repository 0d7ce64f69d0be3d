"""Searches notes for milestones in a separate process, because the search keeps a core busy, and the text may be hostile.

Owns the order: a few notes of each daycare in turn, so that the slow notes of one daycare delay the other daycares little. The
process starts with the first note, and ends with the service, even if the service is killed.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import structlog

from events.errors import Refused
from events.ids import PersonId
from service.daycare.prose.reader import Findings
from service.daycare.translate import Prose

AT_ONCE_CHARACTERS: Final = 16_000
"""Bound on the characters in one request to the process. A search of 16,000 characters takes a hundredth of a second. With the
worst possible text, it takes some seconds."""
WAITING_CHARACTERS_MAX: Final = 4 * 1024 * 1024
"""Bound on the queued characters of one daycare: twice as many characters as one call can contain."""
WITHIN_S: Final = 20.0
"""Seconds that one request to the process may take. If a request takes longer, the process is killed and started again."""
ATTEMPTS: Final = 2
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Findings]).decode

logger = structlog.get_logger()


class NotesWaiting(Refused):
    """Notes could not be searched in time. Some records of the call may be written; the client sends the same call again."""

    code, status, title = "daycare.busy", 503, "Too much is being read"


class ProseQueue:
    """The process that searches notes, and the queue of notes for this process."""

    def __init__(self, *, waiting_characters_max: int = WAITING_CHARACTERS_MAX, within_s: float = WITHIN_S) -> None:
        self._waiting_characters_max = waiting_characters_max
        self._within_s = within_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._turn_by_person: defaultdict[PersonId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._characters: defaultdict[PersonId, int] = defaultdict(int)
        """Number of characters that are queued or being searched, by daycare."""

    @property
    def daycare_count(self) -> int:
        """The number of daycares whose notes are queued or being searched."""
        return len(self._characters.keys() | self._turn_by_person.keys())

    async def milestones(self, notes: Sequence[Prose], *, posted_by: PersonId) -> list[Findings]:
        """Returns the findings of each note, in the order of the notes.

        Raises:
            NotesWaiting: the daycare has too many queued characters, or `ATTEMPTS` attempts to search a part of the notes failed.
        """
        if not notes:
            return []
        findings: list[Findings] = []
        async with self._turn_of(posted_by, sum(1 + len(note.text) for note in notes)):
            for part in _parts(notes):
                async with self._turn:
                    findings += await self._read(part)
        return findings

    async def stop(self) -> None:
        """Ends the process after it has finished its present request."""
        async with self._turn:
            await self._end()

    @asynccontextmanager
    async def _turn_of(self, person: PersonId, characters: int) -> AsyncIterator[None]:
        before = self._characters.get(person, 0)
        if before + characters > self._waiting_characters_max:
            raise NotesWaiting("Your earlier calls are still being read; send this one again in a moment.")
        self._characters[person] += characters
        try:
            async with self._turn_by_person[person]:
                yield
        finally:
            self._characters[person] -= characters
            if not self._characters[person]:
                del self._characters[person], self._turn_by_person[person]

    async def _read(self, notes: Sequence[Prose]) -> list[Findings]:
        request = _encode(notes) + b"\n"
        for _ in range(ATTEMPTS):
            try:
                async with asyncio.timeout(self._within_s):
                    return _decode(await self._answer(request))
            except (OSError, TimeoutError, msgspec.DecodeError) as error:
                status = await self._end()
                logger.warning("notes were not read", code="daycare.reading", error=type(error).__name__, status=status)
            except BaseException:  # the caller was cancelled: the next caller would read the response of this request
                await self._end()
                raise
        raise NotesWaiting("The notes could not be read; send the same again in a moment.")

    async def _answer(self, request: bytes) -> bytes:
        if self._process is None:
            self._process = await _started()
        process = self._process
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        process.stdin.write(request)
        drained = asyncio.ensure_future(process.stdin.drain())
        answer = await process.stdout.readline()
        await drained
        return answer

    async def _end(self) -> int | None:
        """Ends the process, if there is one. Returns its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            process.kill()
        return await process.wait()


async def _started() -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.daycare.prose_process"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # stderr would show the notes of a line that cannot be read
        limit=ANSWER_BYTES_MAX,
        env={name: value for name, value in os.environ.items() if name == "PATH" or name.startswith(("PYTHON", "LANG", "LC_"))},
        start_new_session=True,  # an interrupt signal of the service does not reach the process, which finishes its line
    )


def _parts(notes: Sequence[Prose]) -> Iterator[list[Prose]]:
    part: list[Prose] = []
    characters = 0
    for note in notes:
        if part and characters + len(note.text) > AT_ONCE_CHARACTERS:
            yield part
            part, characters = [], 0
        part.append(note)
        characters += len(note.text)
    if part:
        yield part
