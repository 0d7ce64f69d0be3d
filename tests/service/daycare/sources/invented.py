"""Draws invented children, notes and times for the test feeds. No name belongs to a real person.

Owns the random numbers. They are seeded, so a feed that is built twice has the same bytes. The word `NEVER` is in each field that
must not be imported.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from uuid import UUID

NEVER = "never-taken-over"
NEVER_URL = f"https://media.example/{NEVER}/"

NAMES = ("Åse Björk", "Zoë d'Arc", "Nguyễn An", "Ömer Çelik", "Lia Sand")
PROSE = (
    "We painted with sponges and sang about the rain.",
    "Walked from the rug to the window all alone!",
    "Ein ruhiger Tag mit viel Schlaf.",
    "Laughed at the puppets; asked for more.",
    'Said "ball", twice, and pointed at it.',
    "Played with water,\nand got very wet.",
)


class Day:
    """The clock of a daycare. Each step moves the clock by 3 to 300 minutes and returns the local time."""

    def __init__(self, seed: int, *, start: datetime, offset_h: float = 0) -> None:
        self.random = Random(seed)
        self.now = start
        self.zone = timezone(timedelta(hours=offset_h))

    def step(self) -> datetime:
        self.now += timedelta(minutes=self.random.randint(3, 300), seconds=self.random.randint(0, 59))
        return self.now.astimezone(self.zone)

    def id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def prose(self) -> str:
        return self.random.choice(PROSE)

    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


def zulu(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
