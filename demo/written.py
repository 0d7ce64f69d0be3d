"""A draft on its way: what somebody wrote, on which phone, and when that phone lets it go.

Owns the shape of a line of the invented history. Knows no devices and no network.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from demo.cast import Who
from demo.weeks import SITTERS_CLOCK_IS_AHEAD_BY
from events.event import Audience, Draft, Precision
from events.ids import EventId
from events.wire import DeviceBody, DeviceDraft

NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Written:
    """One draft, and its way to the log. `written_at` and `leaves_at` are true times, whatever the phone believes."""

    who: Who
    draft: DeviceDraft
    written_at: datetime
    leaves_at: datetime
    times_sent: int = 1
    """More than once where an answer was lost, or a page was read twice."""


def clock_error(who: Who) -> timedelta:
    """How far somebody's phone is ahead of the truth."""
    return SITTERS_CLOCK_IS_AHEAD_BY if who is Who.SITTER else NO_TIME


def id_at(moment: datetime, noise: int) -> EventId:
    """A UUID of version 7 for this moment; `noise` fills its 74 free bits."""
    milliseconds = int(moment.timestamp() * 1000)
    high, low = (noise >> 62) & 0xFFF, noise & ((1 << 62) - 1)
    return EventId(UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low))


def write(
    event: DeviceBody,
    *,
    who: Who,
    dice: Random,
    occurred_at: datetime,
    written_at: datetime,
    leaves_at: datetime,
    precision: Precision = Precision.MINUTE,
    audience: Audience | None = None,
    times_sent: int = 1,
) -> Written:
    """Put an event on somebody's phone, in the time that this phone believes it is.

    What is written while it happens bears the phone's own time; what is written later was told by hand, and is true.
    """
    error = clock_error(who)
    happened_just_now = occurred_at == written_at
    draft: DeviceDraft = Draft(
        id=id_at(written_at + error, dice.getrandbits(74)),
        occurred_at=occurred_at + error if happened_just_now else occurred_at,
        precision=precision,
        recorded_at=written_at + error,
        audience=audience,
        event=event,
    )
    return Written(who=who, draft=draft, written_at=written_at, leaves_at=leaves_at, times_sent=times_sent)
