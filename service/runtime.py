"""Gives every route the parts of the running process. Owns nothing: `service.app` builds each part."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from service.access.guard import Guard
from service.clips.parts import Clips
from service.daycare.known_addresses import KnownAddresses
from service.daycare.prose_queue import ProseQueue
from service.feed.notifier import Notifier
from service.feed.streams import Streams
from service.http.body_budget import BodyBudgets
from service.http.rate_limit import Limits
from service.log.log import Log, now_utc
from service.settings import Settings
from service.telemetry import Metrics
from service.webhooks.egress_policy import EgressPolicy
from service.webhooks.sender import Sender


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The parts of one process."""

    settings: Settings
    database_url: str
    pool: asyncpg.Pool
    log: Log
    notifier: Notifier
    streams: Streams
    clips: Clips
    guard: Guard
    limits: Limits
    budgets: BodyBudgets
    known_addresses: KnownAddresses
    metrics: Metrics
    webhook_sender: Sender
    egress: EgressPolicy
    """The check of webhook addresses in requests. The webhook sender has a check of its own."""
    prose_queue: ProseQueue
    imports: asyncio.Semaphore
    """The semaphore that bounds the number of import files parsed at once, because each needs much memory and one CPU core."""
    now: Callable[[], datetime] = now_utc
