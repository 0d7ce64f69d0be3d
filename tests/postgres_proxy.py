"""Proxies a real Postgres: pools transactions like PgBouncer, or announces another version.

Owns messages of the Postgres protocol, and sessions of the server. A client gets a session for one transaction at a time. Clients
share sessions: the settings and the prepared statements of one client are still there for the next one.
"""

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from tests.local_proxy import LocalProxy

TLS_REQUEST, GSS_REQUEST = 80877103, 80877104
READY = b"Z"
IDLE = b"I"
PARAMETER = b"S"
TERMINATE = b"X"


@dataclass
class Session:
    """A session of the server, with the messages that the server sent at its start."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes


class PostgresProxy(LocalProxy):
    """A proxy of one server. `database_url` has the server's Unix socket."""

    def __init__(self, database_url: str, *, version: str | None = None) -> None:
        """Takes the version to announce in place of the server's own version. Without a version, the proxy pools transactions."""
        super().__init__()
        parts = urlsplit(database_url)
        self._socket = str(Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432")
        self._version = version
        self._user, self._database = parts.username, parts.path
        self._idle: list[Session] = []

    @property
    def url(self) -> str:
        return f"postgresql://{self._user}@127.0.0.1:{self.port}{self._database}"

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await super().__aexit__(kind, error, trace)
        for session in self._idle:
            session.writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        startup = await _startup(reader, writer)
        session = await self._session(startup)
        writer.write(session.greeting)
        if self._version is not None:
            await _copy_both_ways(reader, writer, session)
        else:
            self._idle.append(session)
            await self._pool(reader, writer, startup)

    async def _pool(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, startup: bytes) -> None:
        """Serves one client, with a session of the server for each transaction."""
        while True:
            kind, message = await _message(reader)
            if kind == TERMINATE:
                return
            session = self._idle.pop() if self._idle else await self._session(startup)
            session.writer.write(message)
            forwarding = asyncio.create_task(_forward(reader, session.writer))
            try:
                await _answer_until_idle(session.reader, writer)
            finally:
                forwarding.cancel()
                await asyncio.gather(forwarding, return_exceptions=True)
            self._idle.append(session)

    async def _session(self, startup: bytes) -> Session:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        writer.write(startup)
        greeting = b""
        while True:
            kind, message = await _message(reader)
            if kind == PARAMETER and self._version is not None and message[5:].startswith(b"server_version\0"):
                announced = b"server_version\0%b\0" % self._version.encode()
                message = PARAMETER + struct.pack("!I", len(announced) + 4) + announced
            greeting += message
            if kind in (READY, b"E"):
                return Session(reader, writer, greeting)


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Reads the first message of a client. Requests for encryption before that message are denied."""
    while True:
        length = await reader.readexactly(4)
        rest = await reader.readexactly(struct.unpack("!I", length)[0] - 4)
        if struct.unpack("!I", rest[:4])[0] not in (TLS_REQUEST, GSS_REQUEST):
            return length + rest
        writer.write(b"N")


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            kind, message = await _message(reader)
            if kind == TERMINATE:  # the client ends its session; the server's session stays open for other clients
                return
            writer.write(message)


async def _answer_until_idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Forwards a server's messages until its transaction is over."""
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
