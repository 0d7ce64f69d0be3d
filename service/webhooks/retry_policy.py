"""Decides what happens after an attempt: whether the entry is delivered or sent again later, and whether the webhook is disabled.

Pure: time and jitter are arguments. No decision depends on the content or the number of entries. So the waits of a webhook reveal
nothing about a feed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

FIRST_WAIT_S: Final = 5.0
WAIT_S_MAX: Final = 6 * 3600.0
JITTER: Final = 0.25
"""The largest random extension of a wait, as a share of the wait. Webhooks that failed together thus retry at different times."""
DISABLED_AFTER: Final = timedelta(days=5)
"""If the attempts of a webhook have failed for this time (about thirty attempts), the webhook is disabled. The time is long
enough for an owner who was away over a weekend to repair the target."""

SECRETS_OVERLAP: Final = timedelta(hours=24)
WEBHOOKS_MAX: Final = 5
"""Bound on the webhooks of one member."""


class State(StrEnum):
    """The state of a webhook."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"


class Failure(StrEnum):
    """The reason why an attempt failed. The list has few values, because a member could scan ports with exact reasons."""

    NO_ANSWER = "no_answer"
    """The host is unknown, unreachable, too slow, not public, or has bad TLS. All these cases have the same value."""
    REDIRECTED = "3xx"
    REFUSED = "4xx"
    BROKE = "5xx"


class Disabled(StrEnum):
    """The reason why a webhook was disabled."""

    GONE = "gone"
    """The target responded with status 410."""
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
    """Returns the failure for a status that is not 2xx. A `status` of None means that there was no response."""
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
    """Returns the wait after `attempts` failures in a row (at least 1): 5 s to 6 h. `jitter` is a number from 0 to 1."""
    # `WAIT_S_MAX` is reached long before 2**20, so a larger power is not needed.
    doubled = FIRST_WAIT_S * 2.0 ** min(attempts - 1, 20)
    return timedelta(seconds=min(doubled, WAIT_S_MAX / (1 + JITTER)) * (1 + JITTER * jitter))


def after_failure(status: int | None, *, attempts: int, since: datetime | None, at: datetime, jitter: float) -> Failing:
    """Returns the state of a webhook after a failed attempt that began at `at`.

    `attempts` is the number of attempts that failed in a row before this attempt. `since` is the time of the first of these
    failed attempts; None: this attempt is the first that failed.
    """
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
