"""Decides what an attempt means: delivered, tried again when, or given up. Pure: the clock and the dice are arguments.

Nothing here depends on what is to be sent, nor on how much of it: so no wait of a webhook's tells of anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

FIRST_WAIT_S: Final = 5.0
WAIT_S_MAX: Final = 6 * 3600.0
JITTER: Final = 0.25
"""Up to this much longer than the plain doubling, so that those whom one outage stopped do not all come back at once."""
GIVES_UP_AFTER: Final = timedelta(days=5)
"""About thirty attempts: a weekend away, and the days in which somebody gets round to it."""

SECRETS_OVERLAP: Final = timedelta(hours=24)
WEBHOOKS_MAX: Final = 5
"""Of one member."""


class State(StrEnum):
    """How a webhook is."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"


class Failure(StrEnum):
    """What became of an attempt that delivered nothing: a closed list, since a finer one would make of us a port scanner."""

    NO_ANSWER = "no_answer"
    """No such host, nobody there, too slow, bad TLS, or an address that is not public: alike."""
    REDIRECTED = "3xx"
    REFUSED = "4xx"
    BROKE = "5xx"


class Disabled(StrEnum):
    """Why nothing is sent any more."""

    GONE = "gone"
    """The other side answered 410."""
    FAILED_FOR_DAYS = "failed_for_days"


@dataclass(frozen=True, kw_only=True)
class Failing:
    """How a webhook stands after an attempt that failed."""

    attempts: int
    since: datetime
    failed_as: Failure
    next_at: datetime
    disabled_as: Disabled | None


def is_delivered(status: int | None) -> bool:
    """Whether an answer says that it was taken."""
    return status is not None and 200 <= status <= 299


def failure_of(status: int | None) -> Failure:
    """The word for an answer that is not 2xx; `None`: there was none."""
    match None if status is None else status // 100:
        case 3:
            return Failure.REDIRECTED
        case 4:
            return Failure.REFUSED
        case 5:
            return Failure.BROKE
        case _:
            return Failure.NO_ANSWER


def wait_after(attempts: int, *, dice: float) -> timedelta:
    """How long to wait after so many failures in a row, the first being 1: from 5 s to 6 h. `dice`: from 0 to 1."""
    # Beyond 2**20 the bound has long been reached, and the power would only grow.
    doubled = FIRST_WAIT_S * 2.0 ** min(attempts - 1, 20)
    return timedelta(seconds=min(doubled, WAIT_S_MAX / (1 + JITTER)) * (1 + JITTER * dice))


def after_failure(status: int | None, *, attempts: int, since: datetime | None, at: datetime, dice: float) -> Failing:
    """What follows from an attempt that began `at` and delivered nothing, after `attempts` that failed since `since`."""
    began = since or at
    disabled = None
    if status == 410:
        disabled = Disabled.GONE
    elif at - began >= GIVES_UP_AFTER:
        disabled = Disabled.FAILED_FOR_DAYS
    return Failing(
        attempts=attempts + 1,
        since=began,
        failed_as=failure_of(status),
        next_at=at + wait_after(attempts + 1, dice=dice),
        disabled_as=disabled,
    )
