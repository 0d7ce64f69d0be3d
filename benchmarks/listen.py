"""Opens streams, reads `text/event-stream` as it arrives, and records when each event was received.

Owns the framing of a stream, as far as the figures need it. Stores no entry.
"""

import asyncio
import re
import time
from collections.abc import Collection

from benchmarks.connection import Address, Answer, Connection, ConnectionCut, WrongAnswer, request

# The first id in an entry of the service is the event's id. The first id in a message of the bare app is the draft's id.
FIRST_ID = re.compile(rb'"id":\s?"([0-9a-f-]{36})"')
OPEN_S_MAX = 20.0


class Listener:
    """One open stream. `heard_at` has the time (`time.perf_counter`) of each event's last byte, by the event's id."""

    def __init__(self, connection: Connection) -> None:
        self.heard_at: dict[bytes, float] = {}
        self.is_cut = False
        self._connection = connection
        self._rest = b""
        self._missing: set[bytes] = set()
        self._all_heard = asyncio.Event()
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.heard, connection.cut, connection.answered = self._hear, self._end, self._answered

    @classmethod
    async def open(cls, address: Address, path: str, *, token: str | None) -> "Listener":
        """Opens a stream, and waits for its first bytes. The stream then misses no later event.

        Raises:
            WrongAnswer: the server sent a whole response instead of a stream.
            ConnectionCut: the server closed the connection.
        """
        connection = await Connection.open(address)
        listener = cls(connection)
        connection.send(request("GET", path, token=token, more="Accept: text/event-stream\r\n"))
        await asyncio.wait_for(listener._begun, OPEN_S_MAX)
        return listener

    async def hears(self, events: Collection[bytes]) -> None:
        """Waits until all of these events were received."""
        self._missing = set(events) - self.heard_at.keys()
        self._all_heard.clear()
        if self._missing:
            await self._all_heard.wait()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.cut = None
        self._connection.close()

    def _hear(self, piece: bytes) -> None:
        now = time.perf_counter()
        # Lines end in CRLF in the bare app's streams, and in LF in the service's streams.
        *messages, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for message in messages:
            if (found := FIRST_ID.search(message)) is not None:
                self.heard_at[found[1]] = now
                self._missing.discard(found[1])
        if not self._missing:
            self._all_heard.set()
        if not self._begun.done():
            self._begun.set_result(None)

    def _end(self) -> None:
        self.is_cut = True
        if not self._begun.done():
            self._begun.set_exception(ConnectionCut("a stream was closed before it began"))

    def _answered(self, answer: Answer) -> None:
        self.is_cut = True
        if not self._begun.done():
            self._begun.set_exception(WrongAnswer(answer._replace(body=self._rest)))
