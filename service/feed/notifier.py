"""Notifies the streams and webhooks of members who got new entries, and of members and devices that lost access.

Owns the listeners of this process. Knows no content, no places in a feed and no database: a notification only means "read your
feed". So a lost notification makes a device late and never wrong (law 18). An event that is held from a member causes no
notification of that member, because writers name only the members to whom the event was delivered (law 8).
"""

from collections.abc import Collection
from typing import Protocol, TypeVar

from events.ids import DeviceId, FamilyId, MemberId

Key = TypeVar("Key")

POLL_EVERY_S = 5.0
"""The seconds between two polls for streams while notifications arrive. A process may die between its commit and its
notification, and every device must be current within 10 s of a fault (I-12)."""

POLL_EVERY_S_WHILE_DISCONNECTED = 1.0
"""The seconds between two polls for streams while notifications of other processes cannot arrive."""


class Listener(Protocol):
    """An open stream, or a webhook. Its methods are called in the event loop, and neither block nor raise."""

    @property
    def family(self) -> FamilyId: ...

    @property
    def member(self) -> MemberId: ...

    @property
    def device(self) -> DeviceId: ...

    def notice_entries(self) -> None:
        """Makes the listener read its feed. Several calls before the read cause only one read."""

    def end(self) -> None:
        """Ends the listener now: its device was revoked, or its member left."""


class Notifier(Protocol):
    """The path of notifications from writers, after their commit, to listeners. A writer is never blocked and gets no error."""

    @property
    def poll_every_s(self) -> float:
        """The seconds between two polls for streams, at present."""

    @property
    def gaps(self) -> int:
        """The number of times that notifications may have been lost. When this number grows, all streams are polled once more."""

    def entries_delivered(self, family: FamilyId, members: Collection[MemberId]) -> None:
        """Notifies all listeners of these members, whose feeds have a new entry. Writers pass no other member."""

    def members_left(self, family: FamilyId, members: Collection[MemberId]) -> None:
        """Ends all listeners of these members: they have left this family."""

    def devices_revoked(self, devices: Collection[DeviceId]) -> None:
        """Ends all listeners of these devices: their tokens were revoked."""

    def listen(self, listener: Listener) -> None:
        """Registers a listener. A listener that is registered before its first read misses no entry."""

    def forget(self, listener: Listener) -> None:
        """Removes a listener. Does nothing if the listener was not registered."""

    async def start(self) -> None:
        """Starts to receive from other processes. Returns at once, even if no other process can be reached."""

    async def stop(self) -> None:
        """Stops sending and receiving."""


class LocalNotifier:
    """A notifier between the writers and the listeners of one process.

    `is_alone`: whether this process is the only process that uses the database. If not, its streams are polled once a second,
    because no notification of another process arrives.
    """

    def __init__(self, *, is_alone: bool = True) -> None:
        self._is_alone = is_alone
        self._by_member: dict[tuple[FamilyId, MemberId], set[Listener]] = {}
        self._by_device: dict[DeviceId, set[Listener]] = {}

    @property
    def entry_count(self) -> int:
        """The number of members and devices that have listeners: 0 if there is no listener."""
        return len(self._by_member) + len(self._by_device)

    @property
    def poll_every_s(self) -> float:
        return POLL_EVERY_S if self._is_alone else POLL_EVERY_S_WHILE_DISCONNECTED

    @property
    def gaps(self) -> int:
        return 0

    def entries_delivered(self, family: FamilyId, members: Collection[MemberId]) -> None:
        for member in members:
            for listener in self._by_member.get((family, member), ()):
                listener.notice_entries()

    def members_left(self, family: FamilyId, members: Collection[MemberId]) -> None:
        for member in members:
            # A copy, because a listener that ends removes itself from the set.
            for listener in tuple(self._by_member.get((family, member), ())):
                listener.end()

    def devices_revoked(self, devices: Collection[DeviceId]) -> None:
        for device in devices:
            for listener in tuple(self._by_device.get(device, ())):
                listener.end()

    def listen(self, listener: Listener) -> None:
        self._by_member.setdefault((listener.family, listener.member), set()).add(listener)
        self._by_device.setdefault(listener.device, set()).add(listener)

    def forget(self, listener: Listener) -> None:
        _remove(self._by_member, (listener.family, listener.member), listener)
        _remove(self._by_device, listener.device, listener)

    async def start(self) -> None:
        """Does nothing: there is no connection."""

    async def stop(self) -> None:
        """Does nothing: there is no connection."""


def _remove(listeners_by_key: dict[Key, set[Listener]], key: Key, listener: Listener) -> None:
    listeners = listeners_by_key.get(key)
    if listeners is not None:
        listeners.discard(listener)
        if not listeners:
            del listeners_by_key[key]
