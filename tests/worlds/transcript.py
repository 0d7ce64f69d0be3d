"""Records every byte that the observers of a history get, and fails as soon as the second world gives them other bytes."""

from collections import Counter
from dataclasses import dataclass, field


class Differs(AssertionError):
    """An observer got something in the second world that they did not get in the first."""


@dataclass
class Transcript:
    """The bytes that observers got in one world. The second world's transcript is compared with `like`, the first world's."""

    like: "Transcript | None" = None
    parts: list[tuple[str, bytes]] = field(default_factory=list)
    exercised: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    """The outcomes of the held drafts, with the number of each."""

    def add(self, what: str, got: bytes) -> None:
        """Adds bytes that an observer got.

        Raises:
            Differs: the first world gave other bytes at this point, or bytes for another reason (`what`).
        """
        self.parts.append((what, got))
        if self.like is None:
            return
        asked, expected = self.like.parts[len(self.parts) - 1] if len(self.parts) <= len(self.like.parts) else ("nothing", b"")
        if (asked, expected) != (what, got):
            raise Differs(f"{asked}\n  {expected[:4000]!r}\nand where something is held\n{what}\n  {got[:4000]!r}")
