"""Replaces the clock, and all ids, codes, tokens, secrets and salts of a running service, by values that both worlds share.

They follow from the step of the visible history, and never from how often something was drawn before: so what is held cannot
shift them. Owns the list of what is replaced. Two services run in one process, a thread each; the thread tells which one draws.
Clips are cleaned when a test says so, and in this process: a process for each file would cost more than the whole history.
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
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import service.access.devices
import service.access.founding
import service.access.joining
import service.app
import service.clips.cleaner
import service.clips.uploads
import service.daycare.event_ids
import service.daycare.import_routes
import service.daycare.parent_routes
import service.daycare.signed_routes
import service.http.rate_limit
import service.log.append
import service.log.transaction
import service.webhooks.routes
from events.ids import EventId, FamilyId, MemberId
from service.clips.cleaner import Cleaner
from service.clips.cleaning.child import Outcome, clean
from service.feed.notifier import LocalNotifier
from service.http.rate_limit import Limits
from service.runtime import Runtime
from service.settings import Settings

BEGUN = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
CLEANED_WITHIN_S = 20.0


@dataclass
class Seeds:
    """The source of all values that one service draws, with the parts of that service for which tests wait."""

    step: str = "before"
    """The name of the step that is happening now."""
    now: datetime = BEGUN
    drawn: Counter[str] = field(default_factory=Counter)
    notified: list[Collection[MemberId]] = field(default_factory=list)
    """The members that each notification named."""
    files_cleaned: int = 0
    """The files that were cleaned since the last call of `clean_clips`."""
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

    def new_clip(self) -> UUID:
        """Returns the id of the step's next clip."""
        self.drawn["clip"] += 1
        return clip_of(self.step, self.drawn["clip"])

    def clean_clips(self) -> int:
        """Cleans every upload that is whole, and returns how many files that took."""
        self.files_cleaned = 0
        self.wait_for(self._clean_clips(), CLEANED_WITHIN_S)
        return self.files_cleaned

    async def _clean_clips(self) -> None:
        while await self.runtime.clips.cleaner.clean_next():
            pass

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


def clip_of(step: str, number: int = 1) -> UUID:
    """Returns the id of a clip that is created in a step."""
    return uuid_of(f"clip {number} of {step}", version=4)


async def clean_here(source: Path, filetype: str, folder: Path) -> Outcome:
    """Cleans a file in this process, as a confined process of its own would."""
    _seeds().files_cleaned += 1

    def cleaned() -> Outcome:
        with source.open("rb") as file:
            return clean(file, filetype, folder)

    return await asyncio.to_thread(cleaned)


async def start_nothing(self: Cleaner) -> None:
    """Starts no task: `Seeds.clean_clips` cleans."""
    del self


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
    ("uuid4", lambda: _seeds().new_clip(), (service.clips.uploads,)),
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
        patch.setattr(Cleaner, "start", start_nothing)
        patch.setattr(service.clips.cleaner, "run_child", clean_here)
        patch.setattr(service.app, "now_utc", _now)
        patch.setattr(service.app, "Runtime", _runtime)
        patch.setattr(service.app, "notifier_of", RecordingNotifier)
        patch.setattr(service.app, "request_log", lambda _: lambda line: None)
        yield
