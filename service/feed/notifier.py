"""Wakes the streams of those who were told something, and ends the streams of those who may no longer listen.

Owns who listens in this process. Knows no content, no places and no database: a wake-up says "look", never what is
there to be seen. So one that is lost makes a device late and never wrong (law 18), and one for an event that is held
from a member does not exist, because writers name only the members that were told (law 8).
"""

from collections.abc import Collection
from typing import Protocol, TypeVar

from events.ids import DeviceId, FamilyId, MemberId

Key = TypeVar("Key")

LOOK_ALTHOUGH_WOKEN_S = 5.0
"""How often streams look for themselves although wake-ups arrive: a process may die between its commit and its
wake-up, and every device is to be current within 10 s of a fault (I-12)."""

LOOK_WHILE_DEAF_S = 1.0
"""How often streams look for themselves while what other processes say cannot be heard."""


class Listener(Protocol):
    """One open stream. Its methods are called in the event loop; they neither block nor raise."""

    @property
    def family(self) -> FamilyId: ...

    @property
    def member(self) -> MemberId: ...

    @property
    def device(self) -> DeviceId: ...

    def hear_told(self) -> None:
        """This member was told something: look. Heard twice before the look, it is one look."""

    def hear_ended(self) -> None:
        """This device was revoked, or this member left: end now."""


class Notifier(Protocol):
    """What writers say after their commit, and who hears it. Saying returns at once, never blocks and never raises."""

    @property
    def look_every_s(self) -> float:
        """How often streams have to look for themselves, as things stand."""

    @property
    def gaps(self) -> int:
        """How often until now wake-ups may have been lost. Whenever it has grown, streams look once more."""

    def told(self, family: FamilyId, members: Collection[MemberId]) -> None:
        """These members, and nobody else, have a new entry in their feed."""

    def members_left(self, family: FamilyId, members: Collection[MemberId]) -> None:
        """These members are of this family no more."""

    def devices_revoked(self, devices: Collection[DeviceId]) -> None:
        """The tokens of these devices are dead."""

    def listen(self, listener: Listener) -> None:
        """From now on the listener hears. Where this comes before its first read, nothing slips between the two."""

    def forget(self, listener: Listener) -> None:
        """The listener hears no more. To forget one that never listened is nothing."""

    async def start(self) -> None:
        """Begin to hear other processes. Returns at once, also where none can be reached."""

    async def stop(self) -> None:
        """Hear and say no more."""


class LocalNotifier:
    """Wake-ups among the streams and writers of one process.

    `is_alone` says whether this process is the only one on its database. Where it is not, and nothing
    carries wake-ups between them, its streams look for themselves once a second.
    """

    def __init__(self, *, is_alone: bool = True) -> None:
        self._is_alone = is_alone
        self._by_member: dict[tuple[FamilyId, MemberId], set[Listener]] = {}
        self._by_device: dict[DeviceId, set[Listener]] = {}

    @property
    def entry_count(self) -> int:
        """The number of members and devices for which listeners are held; 0 as soon as nobody listens."""
        return len(self._by_member) + len(self._by_device)

    @property
    def look_every_s(self) -> float:
        return LOOK_ALTHOUGH_WOKEN_S if self._is_alone else LOOK_WHILE_DEAF_S

    @property
    def gaps(self) -> int:
        return 0

    def told(self, family: FamilyId, members: Collection[MemberId]) -> None:
        for member in members:
            for listener in self._by_member.get((family, member), ()):
                listener.hear_told()

    def members_left(self, family: FamilyId, members: Collection[MemberId]) -> None:
        for member in members:
            # A copy: who hears of its end forgets itself meanwhile.
            for listener in tuple(self._by_member.get((family, member), ())):
                listener.hear_ended()

    def devices_revoked(self, devices: Collection[DeviceId]) -> None:
        for device in devices:
            for listener in tuple(self._by_device.get(device, ())):
                listener.hear_ended()

    def listen(self, listener: Listener) -> None:
        self._by_member.setdefault((listener.family, listener.member), set()).add(listener)
        self._by_device.setdefault(listener.device, set()).add(listener)

    def forget(self, listener: Listener) -> None:
        _take_out(self._by_member, (listener.family, listener.member), listener)
        _take_out(self._by_device, listener.device, listener)

    async def start(self) -> None:
        """Nothing to reach."""

    async def stop(self) -> None:
        """Nothing to let go."""


def _take_out(listeners_by_key: dict[Key, set[Listener]], key: Key, listener: Listener) -> None:
    listeners = listeners_by_key.get(key)
    if listeners is not None:
        listeners.discard(listener)
        if not listeners:
            del listeners_by_key[key]
