"""Lists the members: parents in two homes, twins, and their helpers. Every name is invented.

Owns names, homes and phones. Knows no dates and no events.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class Who(StrEnum):
    """The members of the family, named after their roles in the story."""

    ADA = "ada"
    BEN = "ben"
    SITTER = "sitter"
    NANA = "nana"
    DAYCARE = "daycare"


class Twin(StrEnum):
    """The children. The output has one table for each child, and nothing compares the two children."""

    MIA = "mia"
    LEO = "leo"


@dataclass(frozen=True, kw_only=True)
class Player:
    """One member: name, phone, role, and the invite. `invited_by` is None for the founder of the family."""

    name: str
    phone: str
    role: Literal["parent", "caregiver", "daycare"]
    invited_by: Who | None = None
    opens_home: str | None = None
    sees: Literal["own", "all"] | None = None


CHILD_NAMES: Final = {Twin.MIA: "Mia", Twin.LEO: "Leo"}
FIRST_HOME: Final = "Ada's flat"

PLAYERS: Final = {
    Who.ADA: Player(name="Ada", phone="Ada's phone", role="parent"),
    Who.BEN: Player(name="Ben", phone="Ben's phone", role="parent", invited_by=Who.ADA, opens_home="Ben's house"),
    Who.SITTER: Player(name="Sami", phone="Sami's old phone", role="caregiver", invited_by=Who.BEN, sees="all"),
    Who.NANA: Player(name="Nana", phone="Nana's phone", role="caregiver", invited_by=Who.ADA, sees="all"),
    Who.DAYCARE: Player(name="Acorns", phone="the daycare's bridge", role="daycare", invited_by=Who.ADA),
}
PARENTS: Final = (Who.ADA, Who.BEN)


def other_parent(parent: Who) -> Who:
    """Returns the parent in the other home."""
    return Who.BEN if parent is Who.ADA else Who.ADA
