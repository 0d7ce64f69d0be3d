"""Holds the parts of clips in one process: objects, uploads, cleaner, sweeper, and the places of devices that send bytes."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from events.ids import DeviceId
from service.clips.cleaner import Cleaner
from service.clips.errors import UploadsAtOnce
from service.clips.objects import Objects, objects_of
from service.clips.second_films import SecondFilms
from service.clips.sweeper import Sweeper
from service.clips.uploads import Uploads
from service.settings import Settings

UPLOADS_AT_ONCE_MAX: Final = 4
"""Requests of one device that send bytes at the same time."""
GIB: Final = 1024**3


class Clips:
    """The parts of clips in one process."""

    def __init__(self, *, objects: Objects, uploads: Uploads, cleaner: Cleaner, sweeper: Sweeper) -> None:
        self.objects, self.uploads, self.cleaner, self.sweeper = objects, uploads, cleaner, sweeper
        self._sending: Counter[DeviceId] = Counter()

    @classmethod
    def of(cls, settings: Settings, *, pool: Any, now: Callable[[], datetime]) -> "Clips":
        """Returns the parts as the settings state them."""
        objects = objects_of(settings)
        uploads = Uploads(pool=pool, objects=objects, member_bytes_max=settings.clips_gib_per_member * GIB)
        work = settings.data_dir / "clips-at-work"
        films = SecondFilms(pool=pool, objects=objects, work=work, now=now) if settings.clips_second_films else None
        cleaner = Cleaner(pool=pool, objects=objects, work=work, now=now, second_films=films)
        return cls(objects=objects, uploads=uploads, cleaner=cleaner, sweeper=Sweeper(pool=pool, objects=objects, now=now))

    async def start(self) -> None:
        """Starts to clean and to sweep, in the background."""
        await self.cleaner.start()
        await self.sweeper.start()

    async def stop(self) -> None:
        """Stops both."""
        await self.sweeper.stop()
        await self.cleaner.stop()

    @contextmanager
    def hold_place(self, device: DeviceId) -> Iterator[None]:
        """Counts a request of a device that sends bytes. Raises UploadsAtOnce beyond four."""
        if self._sending[device] >= UPLOADS_AT_ONCE_MAX:
            raise UploadsAtOnce(uploads_max=UPLOADS_AT_ONCE_MAX)
        self._sending[device] += 1
        try:
            yield
        finally:
            self._sending[device] -= 1
            if not self._sending[device]:
                del self._sending[device]
