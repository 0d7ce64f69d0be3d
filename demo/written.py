"""Defines a line of the invented history: a draft, its author, and the time when the draft leaves the author's phone.

Owns the shape of a line. Knows no devices and no network.
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
    """One draft, and the true times at which the author's phone writes and sends the draft. The phone's clock may be wrong."""

    who: Who
    draft: DeviceDraft
    written_at: datetime
    leaves_at: datetime
    times_sent: int = 1
    """How often the draft is sent: more than once if a response was lost, or if the daycare's bridge read a page twice."""


def clock_error(who: Who) -> timedelta:
    """Returns how far the clock of a member's phone is ahead of the true time."""
    return SITTERS_CLOCK_IS_AHEAD_BY if who is Who.SITTER else NO_TIME


def id_at(moment: datetime, noise: int) -> EventId:
    """Returns a UUID of version 7 for a moment. `noise` fills the 74 bits beside the time."""
    milliseconds = int(moment.timestamp() * 1000)
    high, low = (noise >> 62) & 0xFFF, noise & ((1 << 62) - 1)
    return EventId(UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low))


def write(
    event: DeviceBody,
    *,
    who: Who,
    rng: Random,
    occurred_at: datetime,
    written_at: datetime,
    leaves_at: datetime,
    precision: Precision = Precision.MINUTE,
    audience: Audience | None = None,
    times_sent: int = 1,
) -> Written:
    """Writes an event on a member's phone, with times by that phone's clock.

    If the event is written when it occurs, `occurred_at` is the phone's time. If the event is written later, the member enters
    the true time.
    """
    error = clock_error(who)
    happened_just_now = occurred_at == written_at
    draft: DeviceDraft = Draft(
        id=id_at(written_at + error, rng.getrandbits(74)),
        occurred_at=occurred_at + error if happened_just_now else occurred_at,
        precision=precision,
        recorded_at=written_at + error,
        audience=audience,
        event=event,
    )
    return Written(who=who, draft=draft, written_at=written_at, leaves_at=leaves_at, times_sent=times_sent)
