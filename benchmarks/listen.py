"""Held streams: opens them, reads `text/event-stream` as it arrives, and notes when each event was heard.

Owns the framing of a stream, as far as a figure needs it. Keeps no entry.
"""

import asyncio
import re
import time
from collections.abc import Collection

from benchmarks.line import Address, Answer, Line, LineCut, WrongAnswer, request

# In an entry of the service the first id is the event's; in what the bare app tells it is the draft's.
FIRST_ID = re.compile(rb'"id":\s?"([0-9a-f-]{36})"')
OPEN_S_MAX = 20.0


class Listener:
    """One held stream. `heard_at` has the moment of `time.perf_counter` at which each event's last byte was here."""

    def __init__(self, line: Line) -> None:
        self.heard_at: dict[bytes, float] = {}
        self.is_cut = False
        self._line = line
        self._rest = b""
        self._missing: set[bytes] = set()
        self._all_heard = asyncio.Event()
        self._spoke: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.heard, line.cut, line.answered = self._hear, self._end, self._turned_away

    @classmethod
    async def open(cls, address: Address, path: str, *, token: str | None) -> "Listener":
        """Open a stream, and wait for its first bytes: from then on nothing is missed.

        Raises:
            WrongAnswer: the server answered with an end.
            LineCut: the server closed the connection.
        """
        line = await Line.open(address)
        listener = cls(line)
        line.send(request("GET", path, token=token, more="Accept: text/event-stream\r\n"))
        await asyncio.wait_for(listener._spoke, OPEN_S_MAX)
        return listener

    async def hears(self, events: Collection[bytes]) -> None:
        """Wait until all of these events were heard."""
        self._missing = set(events) - self.heard_at.keys()
        self._all_heard.clear()
        if self._missing:
            await self._all_heard.wait()

    def close(self) -> None:
        """Hang up."""
        self._line.cut = None
        self._line.close()

    def _hear(self, piece: bytes) -> None:
        now = time.perf_counter()
        # The separator of the framework's own streams is CRLF, that of the service LF.
        *messages, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for message in messages:
            if (found := FIRST_ID.search(message)) is not None:
                self.heard_at[found[1]] = now
                self._missing.discard(found[1])
        if not self._missing:
            self._all_heard.set()
        if not self._spoke.done():
            self._spoke.set_result(None)

    def _end(self) -> None:
        self.is_cut = True
        if not self._spoke.done():
            self._spoke.set_exception(LineCut("a stream was closed before it spoke"))

    def _turned_away(self, answer: Answer) -> None:
        self.is_cut = True
        if not self._spoke.done():
            self._spoke.set_exception(WrongAnswer(answer._replace(body=self._rest)))
