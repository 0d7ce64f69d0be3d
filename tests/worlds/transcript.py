"""Records every byte that the observers of a history get, and fails as soon as the second world gives them other bytes."""

from collections import Counter
from dataclasses import dataclass, field


class Differs(AssertionError):
    """The error for an observer who got other bytes in the second world than in the first."""


@dataclass
class Transcript:
    """The bytes that observers got in one world. The second world's transcript is compared with `like`, the first world's."""

    like: "Transcript | None" = None
    parts: list[tuple[str, bytes]] = field(default_factory=list)
    exercised: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    """The number of held drafts with each outcome."""

    def add(self, what: str, got: bytes) -> None:
        """Adds bytes that an observer got.

        Raises:
            Differs: the first world's transcript has other bytes at this point, or another `what`.
        """
        self.parts.append((what, got))
        if self.like is None:
            return
        asked, expected = self.like.parts[len(self.parts) - 1] if len(self.parts) <= len(self.like.parts) else ("nothing", b"")
        if (asked, expected) != (what, got):
            raise Differs(f"{asked}\n  {expected[:4000]!r}\nand where something is held\n{what}\n  {got[:4000]!r}")
