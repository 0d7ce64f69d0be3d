"""Plays the invented year through real devices: each device records its drafts in a file, and pushes when it has a network.

Owns the order of the steps. Uses the service only through `client`, like any device.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from client import Device, DeviceError, Receipt
from demo.cast import PLAYERS, Who
from demo.failed import DemoFailed
from demo.glimpse import Glimpse, look
from demo.history import History
from demo.troupe import Troupe
from demo.written import Written

RECORD, LEAVE = 0, 1
WHAT_NEXT: Final = "The service's log is demo-service.log in the data folder; --data DIR keeps it."


@dataclass(kw_only=True)
class Tally:
    """Counts of the receipts of all pushes."""

    recorded: int = 0
    duplicates: int = 0
    longest_wait: int = 0
    """The largest number of lines that were on one phone at once, recorded but not pushed."""
    keep_quiet: dict[UUID, tuple[str, ...]] = field(default_factory=dict)
    """The names in the field `keep_quiet` of each receipt, by the draft's id."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """The result: the counts of receipts, and the visible data right before and right after Ben's own first left his phone."""

    tally: Tally
    before: Glimpse
    after: Glimpse


async def perform(history: History, troupe: Troupe, *, on_line: Callable[[int, date, str], None]) -> Played:
    """Plays the year. Whenever lines leave a phone, calls `on_line` with their number, the day, and the phone's name.

    Raises:
        DemoFailed: a draft was refused, or the service could not be reached.
    """
    tally = Tally()
    waiting: dict[Who, list[Written]] = {who: [] for who in troupe.phones}
    before = after = None
    try:
        for at, act, line in acts(history):
            if act == RECORD:
                _record(troupe.phones[line.who], line)
                waiting[line.who].append(line)
            elif waiting[line.who]:
                leaving, waiting[line.who] = waiting[line.who], []
                is_awaited = history.own_first in leaving
                before = await look(troupe) if is_awaited else before
                await _send(troupe.phones[line.who], leaving, tally)
                after = await look(troupe) if is_awaited else after
                on_line(len(leaving), at.date(), PLAYERS[line.who].phone)
            tally.longest_wait = max(tally.longest_wait, len(waiting[line.who]))
        for device in (*troupe.phones.values(), troupe.tablet):
            await device.pull(verify=True)
    except DeviceError as error:
        raise DemoFailed(f"A device could not go on: {error}.", next=WHAT_NEXT) from error
    if before is None or after is None:
        raise AssertionError("the own first never left its phone")
    return Played(tally=tally, before=before, after=after)


def acts(history: History) -> list[tuple[datetime, int, Written]]:
    """Returns the steps in order of time. In a step, one line is recorded, or all recorded lines of one phone are pushed."""
    written = [(line.written_at, RECORD, line) for line in history.lines]
    leave = {(line.leaves_at, line.who): line for line in history.lines}
    leaving = [(at, LEAVE, line) for (at, _), line in leave.items()]
    return sorted([*written, *leaving], key=lambda step: (step[0], step[1], step[2].who, step[2].draft.id))


def _record(phone: Device, line: Written) -> None:
    draft = line.draft
    phone.record(
        draft.event,
        occurred_at=draft.occurred_at,
        recorded_at=draft.recorded_at,
        precision=draft.precision.value,
        audience=None if draft.audience is None else draft.audience.value,
        draft_id=draft.id,
    )


async def _send(phone: Device, leaving: list[Written], tally: Tally) -> None:
    """Pushes the recorded lines, then pushes again the lines whose receipts are lost in the story."""
    _count(await phone.push(), tally)
    unconfirmed = [line for line in leaving if line.times_sent > 1]
    for line in unconfirmed:
        phone.outbox.requeue(line.draft.id)
    if unconfirmed:
        _count(await phone.push(), tally)


def _count(receipts: tuple[Receipt, ...], tally: Tally) -> None:
    for receipt in receipts:
        match receipt.outcome:
            case "recorded":
                tally.recorded += 1
                tally.keep_quiet[receipt.id] = receipt.keep_quiet
            case "already_recorded":
                tally.duplicates += 1
            case "refused":
                why = receipt.problem.detail or receipt.problem.code if receipt.problem else "no reason given"
                raise DemoFailed(f"The service refused a draft: {why}", next=WHAT_NEXT)
