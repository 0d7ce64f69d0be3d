"""Listens on a port of this machine and serves each connection in a task: the common part of the tests' proxies.

Owns the listening socket and the tasks. Knows no protocol.
"""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class LocalProxy(ABC):
    """A listening proxy. A subclass defines `serve` for one connection; the connection is closed when `serve` returns."""

    def __init__(self) -> None:
        self.port = 0
        """The port of the proxy; 0 until it listens."""
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection.

        Raises:

            ConnectionError, asyncio.IncompleteReadError: one side has gone. Such an error ends only this connection.
        """

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()
