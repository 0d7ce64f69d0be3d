"""Clock, ids, codes, tokens and salts of a running service, keyed by what the protected member sees and never by how often
something was drawn: so what is held cannot shift them.

Owns the list of what is replaced. Two services run in one process, a thread each; a thread says which of them asks.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Collection, Iterator
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
import service.log.append
import service.log.transaction
import service.webhooks.routes
from events.ids import EventId, FamilyId, MemberId
from service.feed.notifier import LocalNotifier
from service.http.rate_limit import Kind, Limits
from service.settings import Settings
from service.webhooks.sender import Sender

BEGUN = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


@dataclass
class Seeds:
    """What one service draws from."""

    database_url: str
    step: str = "before"
    """The step of the visible history that is under way."""
    now: datetime = BEGUN
    drawn: Counter[str] = field(default_factory=Counter)
    woken: list[tuple[FamilyId, frozenset[MemberId]]] = field(default_factory=list)
    """Whom the service woke, wake-up by wake-up."""
    sender: Sender | None = None
    """The service's own, in this loop."""
    loop: asyncio.AbstractEventLoop | None = None

    def begin(self, step: str, now: datetime) -> None:
        """From here on everything is drawn for this step."""
        self.step, self.now = step, now
        self.drawn.clear()

    def draw(self, what: str) -> bytes:
        """32 bytes for one use within a step."""
        self.drawn[what] += 1
        return sha256(f"{self.now}/{self.step}/{what}/{self.drawn[what]}".encode()).digest()

    def let_the_sender_rest(self, within_s: float) -> None:
        """Wait until the service's sender of webhooks has done whatever it was woken for, seen or unseen.

        Raises:
            TimeoutError: it does not come to rest.
        """
        assert self.loop is not None
        assert self.sender is not None
        asyncio.run_coroutine_threadsafe(self.sender.until_idle(), self.loop).result(within_s)

    def wakes_of(self, member: str) -> int:
        """How many wake-ups named a member since they were last forgotten."""
        return sum(UUID(member) in members for _, members in self.woken)


_by_thread: dict[int, Seeds] = {}
_by_database: dict[str, Seeds] = {}


def _seeds() -> Seeds:
    return _by_thread[threading.get_ident()]


def uuid_of(name: str | bytes, *, version: int) -> UUID:
    """The id of a name."""
    drawn = sha256(name.encode() if isinstance(name, str) else name).digest()
    return UUID(bytes=drawn[:16], version=4) if version == 4 else UUID(int=_as_version_7(UUID(bytes=drawn[:16], version=4).int))


def _as_version_7(number: int) -> int:
    return number & ~(0xF << 76) | (7 << 76)


class SaltsOfTheirEvents:
    """Salts that follow from the event's id."""

    def __init__(self, count: int) -> None:
        """`count` is for the service's own, which are drawn together."""

    def salt_of(self, event: EventId) -> bytes:
        return sha256(event.bytes).digest()[:16]


class SecretsOfTheirFamilies:
    """Secrets that follow from the family's id."""

    def secret_of(self, family: FamilyId) -> bytes:
        return sha256(family.bytes).digest()


class Recorded(LocalNotifier):
    """Wake-ups, each written down."""

    def __init__(self, seeds: Seeds) -> None:
        super().__init__()
        self._seeds = seeds

    def entries_delivered(self, family: FamilyId, members: Collection[MemberId]) -> None:
        self._seeds.woken.append((family, frozenset(members)))
        super().entries_delivered(family, members)


def _wake(settings: Settings) -> Recorded:
    assert settings.database_url is not None
    seeds = _by_database[settings.database_url]
    # Called in the service's own thread as it starts: the first moment at which that thread can be known.
    _by_thread[threading.get_ident()] = seeds
    return Recorded(seeds)


def _sender(**parts: Any) -> Sender:
    seeds = _seeds()
    seeds.sender, seeds.loop = Sender(**parts), asyncio.get_running_loop()
    return seeds.sender


def _limits_of(settings: Settings) -> Limits:
    kinds = {
        Kind.PUSH: settings.limit_push,
        Kind.DRAFTS: settings.limit_drafts,
        Kind.READ: settings.limit_read,
        Kind.ACCESS: settings.limit_access,
        Kind.STRANGER: settings.limit_strangers,
    }
    return Limits(per_s_by_kind=kinds, clock_s=lambda: _seeds().now.timestamp())


@contextmanager
def seeded() -> Iterator[None]:
    """Let every service that is built within draw from its seeds."""
    ids_4 = (
        (service.access.founding, "uuid4"), (service.access.joining, "uuid4"), (service.log.transaction, "uuid4"),
        (service.daycare.parent_routes, "uuid4"), (service.daycare.signed_routes, "uuid4"),
        (service.daycare.import_routes, "uuid4"),
        (service.webhooks.routes, "uuid4"),
    )  # fmt: skip
    ids_7 = ((service.access.joining, "uuid7"), (service.log.transaction, "uuid7"))
    codes = (
        (service.access.founding, "new_token", "sn1_"), (service.access.joining, "new_code", ""),
        (service.access.devices, "new_code", ""), (service.daycare.parent_routes, "new_code", ""),
    )  # fmt: skip
    secrets = (service.daycare.parent_routes, service.daycare.signed_routes, service.webhooks.routes)
    runtime: Any = vars(service.app)["Runtime"]
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ids_4:
            patch.setattr(module, name, lambda: uuid_of(_seeds().draw("uuid4"), version=4))
        for module, name in ids_7:
            patch.setattr(module, name, lambda: uuid_of(_seeds().draw("uuid7"), version=7))
        for module, name, prefix in codes:
            patch.setattr(module, name, lambda prefix=prefix: prefix + _seeds().draw("code").hex()[:43])
        for module in secrets:
            patch.setattr(module, "new_secret", lambda: _seeds().draw("secret"))
        patch.setattr(service.log.append, "Salts", SaltsOfTheirEvents)
        patch.setattr(service.daycare.event_ids, "Secrets", SecretsOfTheirFamilies)
        patch.setattr(service.app, "now_utc", lambda: _seeds().now)
        patch.setattr(service.app, "Runtime", lambda **parts: runtime(**parts, now=lambda: _seeds().now))
        patch.setattr(service.app, "limits_of", _limits_of)
        patch.setattr(service.app, "notifier_of", _wake)
        patch.setattr(service.app, "Sender", _sender)
        patch.setattr(service.app, "request_log", lambda _: lambda line: None)
        yield


def seeds_for(database_url: str) -> Seeds:
    """The seeds of the service that will run on this database."""
    return _by_database.setdefault(database_url, Seeds(database_url))
