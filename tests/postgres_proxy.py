"""A wire in front of a real Postgres: it pools transactions as PgBouncer does, or announces another version.

Owns messages of the Postgres protocol, and connections. Each client is given a server session for one transaction at a time,
the one that was given back last, whoever had it before: its settings and its prepared statements come along.
"""

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

TLS_ASKED, GSS_ASKED = 80877103, 80877104
READY = b"Z"
IDLE = b"I"
PARAMETER = b"S"
TERMINATE = b"X"


@dataclass
class Session:
    """A session of the server, and what it said when it began."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes


class PostgresProxy:
    """Listens for clients of one server, which is named by the address of a database on its Unix socket."""

    def __init__(self, database_url: str, *, version: str | None = None) -> None:
        """`version`: what to announce in place of the server's own version; None: announce that, and pool transactions."""
        parts = urlsplit(database_url)
        self._socket = str(Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432")
        self._version = version
        self._user, self._database = parts.username, parts.path
        self._idle: list[Session] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"postgresql://{self._user}@127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._database}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in self._idle:
            session.writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A client that hangs up in the middle, or a server that does, ends this wire and no other.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            startup = await _startup(reader, writer)
            session = await self._session(startup)
            writer.write(session.greeting)
            if self._version is not None:
                await _copy_both_ways(reader, writer, session)
            else:
                self._idle.append(session)
                await self._pool(reader, writer, startup)
        writer.transport.abort()

    async def _pool(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, startup: bytes) -> None:
        """Work for one client, a transaction at a time."""
        while True:
            kind, message = await _message(reader)
            if kind == TERMINATE:
                return
            session = self._idle.pop() if self._idle else await self._session(startup)
            session.writer.write(message)
            asking = asyncio.create_task(_forward(reader, session.writer))
            try:
                await _answer_until_idle(session.reader, writer)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            self._idle.append(session)

    async def _session(self, startup: bytes) -> Session:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        writer.write(startup)
        greeting = b""
        while True:
            kind, message = await _message(reader)
            if kind == PARAMETER and self._version is not None and message[5:].startswith(b"server_version\0"):
                said = b"server_version\0%b\0" % self._version.encode()
                message = PARAMETER + struct.pack("!I", len(said) + 4) + said
            greeting += message
            if kind in (READY, b"E"):
                return Session(reader, writer, greeting)


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The first message of a client; what it asks before that about encryption is denied."""
    while True:
        length = await reader.readexactly(4)
        rest = await reader.readexactly(struct.unpack("!I", length)[0] - 4)
        if struct.unpack("!I", rest[:4])[0] not in (TLS_ASKED, GSS_ASKED):
            return length + rest
        writer.write(b"N")


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            kind, message = await _message(reader)
            if kind == TERMINATE:  # the client's session ends, and the server's goes on for others
                return
            writer.write(message)


async def _answer_until_idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass a server's messages on until its transaction is over."""
    while True:
        kind, message = await _message(reader)
        writer.write(message)
        if kind == READY and message[5:] == IDLE:
            return


async def _copy_both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: Session) -> None:
    ways = [asyncio.create_task(_forward(reader, session.writer)), asyncio.create_task(_forward(session.reader, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    session.writer.transport.abort()
