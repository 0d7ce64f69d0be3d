"""Plays the invented year through real devices: each writes on its own disk, and offers it when it has a network.

Owns the troupe of devices and the order of acts. Knows the client, and of the service only what any device knows.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from client import Device, DeviceError, Receipt, World
from client.world import local_now
from demo.cast import CHILD_NAMES, FIRST_HOME, PLAYERS, Twin, Who
from demo.failed import DemoFailed
from demo.history import History
from demo.weeks import Year
from demo.written import Written, clock_error
from events.ids import ChildId

RECORD, LEAVE = 0, 1
WHAT_NEXT: Final = "The service's log is demo-service.log in the data folder; --data DIR keeps it."


@dataclass(frozen=True, kw_only=True)
class Troupe:
    """Every member's device, and a second one of Ada's."""

    phones: Mapping[Who, Device]
    tablet: Device
    child_by_twin: Mapping[Twin, ChildId]

    @property
    def members(self) -> dict[UUID, str]:
        """The name of each member, by their id."""
        return {phone.identity.member: PLAYERS[who].name for who, phone in self.phones.items()}


@dataclass(kw_only=True)
class Tally:
    """What the log said to all that was sent."""

    recorded: int = 0
    duplicates: int = 0
    longest_wait: int = 0
    """The most lines that waited on one phone."""


@asynccontextmanager
async def gather(*, base_url: str, folder: Path, year: Year) -> AsyncIterator[Troupe]:
    """Found the family, invite everybody, add the second twin, pair the tablet. Closes the devices afterwards."""
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(
            await Device.found(
                base_url,
                folder / "ada.device",
                you=PLAYERS[Who.ADA].name,
                household=FIRST_HOME,
                child=CHILD_NAMES[Twin.MIA],
                born=year.born,
                device_name=PLAYERS[Who.ADA].phone,
            )
        )
        await ada.add_child(name=CHILD_NAMES[Twin.LEO], born=year.born)
        phones = {Who.ADA: ada}
        for who in PLAYERS:
            if who is not Who.ADA:
                phones[who] = await stack.enter_async_context(await _join(who, phones, base_url, folder))
        code = (await ada.pair_code())["code"]
        tablet = await stack.enter_async_context(
            await Device.pair(base_url, folder / "ada-tablet.device", code=code, device_name="Ada's tablet")
        )
        yield Troupe(phones=phones, tablet=tablet, child_by_twin=_children(await ada.roster()))


async def _join(who: Who, phones: Mapping[Who, Device], base_url: str, folder: Path) -> Device:
    player = PLAYERS[who]
    if player.invited_by is None:
        raise AssertionError(f"{who} was invited by nobody")
    invite = await phones[player.invited_by].invite(
        role=player.role,
        name=player.name,
        household={"name": player.opens_home} if player.opens_home else None,
        sees=player.sees,
    )
    error = clock_error(who)
    return await Device.accept(
        base_url,
        folder / f"{who}.device",
        code=invite["code"],
        name=player.name,
        device_name=player.phone,
        world=World(now=lambda: local_now() + error),
    )


def _children(roster: Mapping[str, Any]) -> dict[Twin, ChildId]:
    by_name = {child["name"]: ChildId(UUID(child["child"])) for child in roster["children"]}
    return {twin: by_name[name] for twin, name in CHILD_NAMES.items()}


async def perform(history: History, troupe: Troupe, *, on_line: Callable[[int, date, str], None]) -> Tally:
    """Let the year pass. `on_line` hears how many lines left a phone, on what day, and whose it was.

    Raises:
        DemoFailed: a draft was refused, or the service could not be reached.
    """
    tally = Tally()
    waiting: dict[Who, list[Written]] = {who: [] for who in troupe.phones}
    try:
        for at, act, line in acts(history):
            if act == RECORD:
                _record(troupe.phones[line.who], line)
                waiting[line.who].append(line)
            elif waiting[line.who]:
                leaving, waiting[line.who] = waiting[line.who], []
                await _send(troupe.phones[line.who], leaving, tally)
                on_line(len(leaving), at.date(), PLAYERS[line.who].phone)
            tally.longest_wait = max(tally.longest_wait, len(waiting[line.who]))
        for device in (*troupe.phones.values(), troupe.tablet):
            await device.pull(verify=True)
    except DeviceError as error:
        raise DemoFailed(f"A device could not go on: {error}.", next=WHAT_NEXT) from error
    return tally


def acts(history: History) -> list[tuple[datetime, int, Written]]:
    """What happens when: lines are written, and later leave, all that wait on a phone at once."""
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
    """Push what waits; then push again what the phone never heard was received."""
    _count(await phone.push(), tally)
    unheard = [line for line in leaving if line.times_sent > 1]
    for line in unheard:
        phone.outbox.offer_again(line.draft.id)
    if unheard:
        _count(await phone.push(), tally)


def _count(receipts: tuple[Receipt, ...], tally: Tally) -> None:
    for receipt in receipts:
        match receipt.outcome:
            case "recorded":
                tally.recorded += 1
            case "already_recorded":
                tally.duplicates += 1
            case "refused":
                why = receipt.problem.detail or receipt.problem.code if receipt.problem else "no reason given"
                raise DemoFailed(f"The service refused a draft: {why}", next=WHAT_NEXT)
