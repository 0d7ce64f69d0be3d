"""Records what the observers of a history get, to the byte, and fails as soon as the second world gives them something else."""

from collections import Counter
from dataclasses import dataclass, field


class Differs(AssertionError):
    """An observer got something in the second world that they did not get in the first."""


@dataclass
class Transcript:
    """The bytes that observers got in one world. The second transcript is compared with the first as it grows."""

    like: "Transcript | None" = None
    parts: list[tuple[str, bytes]] = field(default_factory=list)
    exercised: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of the held drafts."""

    def add(self, what: str, got: bytes) -> None:
        """Adds what was got.

        Raises:
            Differs: something else than in the first world.
        """
        self.parts.append((what, got))
        if self.like is None:
            return
        asked, expected = self.like.parts[len(self.parts) - 1] if len(self.parts) <= len(self.like.parts) else ("nothing", b"")
        if (asked, expected) != (what, got):
            raise Differs(f"{asked}\n  {expected[:4000]!r}\nand where something is held\n{what}\n  {got[:4000]!r}")
