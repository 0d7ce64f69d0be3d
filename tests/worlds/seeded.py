"""Replaces the clock, and all ids, codes, tokens, secrets and salts of a running service, by values that both worlds share.

The values follow from the step of the visible history, and never from the number of values drawn in earlier steps. So a held step
cannot shift the values of a later one. Owns the list of the functions that are replaced. Two services run in one process, each in
a thread of its own; the thread decides from which seeds a function draws.
"""

import asyncio
import functools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

import service.access.devices
import service.access.founding
import service.access.joining
import service.app
import service.daycare.event_ids
import service.daycare.import_routes
import service.daycare.parent_routes
import service.daycare.signed_routes
import service.http.rate_limit
import service.log.append
import service.log.transaction
import service.webhooks.routes
from events.ids import EventId, FamilyId, MemberId
from service.feed.notifier import LocalNotifier
from service.http.rate_limit import Limits
from service.runtime import Runtime
from service.settings import Settings

BEGUN = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


@dataclass
class Seeds:
    """The source of all values that one service draws, with the parts of that service for which tests wait."""

    step: str = "before"
    """The name of the step that is happening now."""
    now: datetime = BEGUN
    drawn: Counter[str] = field(default_factory=Counter)
    notified: list[Collection[MemberId]] = field(default_factory=list)
    """The members that each notification named."""
    runtime: Any = None
    loop: asyncio.AbstractEventLoop | None = None

    def begin(self, step: str, now: datetime) -> None:
        """Begins a step: from now on the drawn values follow from its name and its time."""
        self.step, self.now = step, now
        self.drawn.clear()

    def draw(self, what: str) -> bytes:
        """Returns 32 bytes for the next use of this kind within the step."""
        self.drawn[what] += 1
        return sha256(f"{self.now}/{self.step}/{what}/{self.drawn[what]}".encode()).digest()

    def wait_for(self, coroutine: Coroutine[Any, Any, None], within_s: float) -> None:
        """Runs a coroutine in the service's loop.

        Raises:
            TimeoutError: the coroutine takes longer than `within_s`.
        """
        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, within_s), self.loop).result()

    def notifications_of(self, member: str) -> int:
        """Returns how many notifications named a member since `notified` was last cleared."""
        return sum(UUID(member) in members for members in self.notified)


_by_thread: dict[int, Seeds] = {}
_by_database: dict[str, Seeds] = {}


def seeds_for(database_url: str) -> Seeds:
    """Returns the seeds of the service that will run on a database."""
    return _by_database.setdefault(database_url, Seeds())


def _seeds() -> Seeds:
    return _by_thread[threading.get_ident()]


def _now() -> datetime:
    return _seeds().now


def uuid_of(name: str | bytes, *, version: int) -> UUID:
    """Returns the UUID that follows from a name: the same name gives the same UUID."""
    drawn = UUID(bytes=sha256(name.encode() if isinstance(name, str) else name).digest()[:16], version=4)
    return UUID(int=drawn.int & ~(0xF << 76) | version << 76)


class SaltsOfTheirEvents:
    """Salts that follow from the event's id. `count` is not used: the service's own class draws `count` salts at a time."""

    def __init__(self, count: int) -> None:
        del count

    def salt_of(self, event: EventId) -> bytes:
        return sha256(event.bytes).digest()[:16]


class SecretsOfTheirFamilies:
    """The secrets of families. Each follows from the family's id."""

    def secret_of(self, family: FamilyId) -> bytes:
        return sha256(family.bytes).digest()


class RecordingNotifier(LocalNotifier):
    """A notifier that records the members whom it notifies."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        assert settings.database_url is not None
        self._seeds = seeds_for(settings.database_url)
        # The service makes its notifier in its own thread, as the first of its parts that are replaced here.
        _by_thread[threading.get_ident()] = self._seeds

    def entries_delivered(self, family: FamilyId, members: Collection[MemberId]) -> None:
        self._seeds.notified.append(frozenset(members))
        super().entries_delivered(family, members)


def _runtime(**parts: Any) -> Runtime:
    seeds = _seeds()
    seeds.runtime, seeds.loop = Runtime(**parts, now=_now), asyncio.get_running_loop()
    runtime: Runtime = seeds.runtime
    return runtime


DRAWN: tuple[tuple[str, Callable[[], Any], tuple[Any, ...]], ...] = (
    ("uuid4", lambda: uuid_of(_seeds().draw("uuid4"), version=4), (
        service.access.founding, service.access.joining, service.log.transaction, service.daycare.parent_routes,
        service.daycare.signed_routes, service.daycare.import_routes, service.webhooks.routes,
    )),
    ("uuid7", lambda: uuid_of(_seeds().draw("uuid7"), version=7), (service.access.joining, service.log.transaction)),
    ("new_token", lambda: "sn1_" + _seeds().draw("code").hex()[:43], (service.access.founding,)),
    ("new_code", lambda: _seeds().draw("code").hex()[:43], (
        service.access.joining, service.access.devices, service.daycare.parent_routes,
    )),
    ("new_secret", lambda: _seeds().draw("secret"), (
        service.daycare.parent_routes, service.daycare.signed_routes, service.webhooks.routes,
    )),
)  # fmt: skip
"""The functions that draw a value: the name of each, its replacement, and the modules in which it is replaced."""


@contextmanager
def seeded() -> Iterator[None]:
    """Makes every service that starts inside of the `with` block take its time, ids and secrets from its seeds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, draw, modules in DRAWN:
            for module in modules:
                patch.setattr(module, name, draw)
        patch.setattr(service.log.append, "Salts", SaltsOfTheirEvents)
        patch.setattr(service.daycare.event_ids, "Secrets", SecretsOfTheirFamilies)
        patch.setattr(service.http.rate_limit, "Limits", functools.partial(Limits, clock_s=lambda: _now().timestamp()))
        patch.setattr(service.app, "now_utc", _now)
        patch.setattr(service.app, "Runtime", _runtime)
        patch.setattr(service.app, "notifier_of", RecordingNotifier)
        patch.setattr(service.app, "request_log", lambda _: lambda line: None)
        yield
