"""Makes the family's devices: founds the family, invites the members, pairs the tablet.

Owns these requests. Does not know the history that the devices will send.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from client import Device, World
from client.environment import local_now
from demo.cast import CHILD_NAMES, FIRST_HOME, PLAYERS, Twin, Who
from demo.weeks import Year
from demo.written import clock_error
from events.ids import ChildId


@dataclass(frozen=True, kw_only=True)
class Troupe:
    """The device of each member, and Ada's second device, a tablet."""

    phones: Mapping[Who, Device]
    tablet: Device
    child_by_twin: Mapping[Twin, ChildId]

    @property
    def members(self) -> dict[UUID, str]:
        """The names of the members, by their ids."""
        return {phone.identity.member: PLAYERS[who].name for who, phone in self.phones.items()}


@asynccontextmanager
async def gather(*, base_url: str, folder: Path, year: Year) -> AsyncIterator[Troupe]:
    """Founds the family, adds the second twin, lets all members join, pairs the tablet. Closes the devices after the block."""
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
