"""What a running process has, and hands to every route. Owns nothing: each part is built in `service.app`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:  # they take a House as an argument: names for the type checker alone
    from service.access.guard import Guard
    from service.daycare.auth import DaycareAuth
    from service.daycare.prose_queue import ProseQueue
    from service.feed.notifier import Notifier
    from service.feed.streams import Streams
    from service.http.body_budget import BodyBudgets
    from service.http.rate_limit import Limits
    from service.log.log import Log
    from service.settings import Settings
    from service.telemetry import Metrics
    from service.webhooks.egress_policy import EgressPolicy
    from service.webhooks.sender import Sender


def now_utc() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The parts of one process."""

    settings: Settings
    database_url: str
    pool: asyncpg.Pool
    log: Log
    wake: Notifier
    streams: Streams
    guard: Guard
    limits: Limits
    budgets: BodyBudgets
    senders: DaycareAuth
    metrics: Metrics
    webhook_sender: Sender
    reach: EgressPolicy
    """For the addresses that members name: apart from the sender's, so that look-ups that hang here delay no delivery."""
    reading: ProseQueue
    imports: asyncio.Semaphore
    """As many files as may be read at once: each fills memory, and keeps a core busy."""
    now: Callable[[], datetime] = now_utc
