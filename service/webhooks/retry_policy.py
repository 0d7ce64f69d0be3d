"""Decides what follows from an attempt: delivered, tried again and when, or disabled. Pure: time and jitter are arguments.

Nothing here depends on what is sent, nor on how much of it: so a webhook's waits reveal nothing of a feed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

FIRST_WAIT_S: Final = 5.0
WAIT_S_MAX: Final = 6 * 3600.0
JITTER: Final = 0.25
"""A wait is up to this share longer than plain doubling, so that webhooks which one outage stopped do not all retry at once."""
DISABLED_AFTER: Final = timedelta(days=5)
"""About thirty attempts: time for an owner who was away over a weekend to repair the target."""

SECRETS_OVERLAP: Final = timedelta(hours=24)
WEBHOOKS_MAX: Final = 5
"""Webhooks of one member."""


class State(StrEnum):
    """The state of a webhook."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"


class Failure(StrEnum):
    """Why an attempt failed. A closed list, since a finer one would let members scan ports with this service."""

    NO_ANSWER = "no_answer"
    """The host is unknown, unreachable, too slow, not public, or has bad TLS: one value for all of these."""
    REDIRECTED = "3xx"
    REFUSED = "4xx"
    BROKE = "5xx"


class Disabled(StrEnum):
    """Why a webhook was disabled."""

    GONE = "gone"
    """The target responded with 410."""
    FAILED_FOR_DAYS = "failed_for_days"


@dataclass(frozen=True, kw_only=True)
class Failing:
    """The new state of a webhook after a failed attempt."""

    attempts: int
    since: datetime
    failed_as: Failure
    next_at: datetime
    disabled_as: Disabled | None


def is_delivered(status: int | None) -> bool:
    """Returns whether a response's status means that the entry was delivered."""
    return status is not None and 200 <= status <= 299


def failure_of(status: int | None) -> Failure:
    """Returns the failure for a status that is not 2xx; None: there was no response."""
    match None if status is None else status // 100:
        case 3:
            return Failure.REDIRECTED
        case 4:
            return Failure.REFUSED
        case 5:
            return Failure.BROKE
        case _:
            return Failure.NO_ANSWER


def wait_after(attempts: int, *, jitter: float) -> timedelta:
    """Returns the wait after `attempts` failures in a row, from 1 on: 5 s to 6 h. `jitter` is from 0 to 1."""
    # The bound is reached long before 2**20, and a larger power would only cost.
    doubled = FIRST_WAIT_S * 2.0 ** min(attempts - 1, 20)
    return timedelta(seconds=min(doubled, WAIT_S_MAX / (1 + JITTER)) * (1 + JITTER * jitter))


def after_failure(status: int | None, *, attempts: int, since: datetime | None, at: datetime, jitter: float) -> Failing:
    """Returns the state after a failed attempt that began `at`, following `attempts` earlier failures since `since`."""
    began = since or at
    disabled = None
    if status == 410:
        disabled = Disabled.GONE
    elif at - began >= DISABLED_AFTER:
        disabled = Disabled.FAILED_FOR_DAYS
    return Failing(
        attempts=attempts + 1,
        since=began,
        failed_as=failure_of(status),
        next_at=at + wait_after(attempts + 1, jitter=jitter),
        disabled_as=disabled,
    )
