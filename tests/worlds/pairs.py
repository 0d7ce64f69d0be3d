"""Both worlds side by side, and families that stand in both of them untouched.

Owns which family is whose turn. Knows nothing of what is compared.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.worlds.histories import History
from tests.worlds.running import Run, World
from tests.worlds.village import Household


class Pairs:
    """Gives out families, each of which stands in both worlds, and begins anew where all were used."""

    def __init__(self, families: list[Household], both: Callable[[], AbstractContextManager[tuple[World, World]]]) -> None:
        self._families = families
        self._both = both
        self._stack = ExitStack()
        self._used = len(families)
        self.worlds: tuple[World, World] | None = None

    def __enter__(self) -> "Pairs":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin_anew(self) -> None:
        """Let the next pair find two services that nobody has spoken to."""
        self._used = len(self._families)

    def next(self) -> tuple[tuple[World, World], Household, int]:
        """Both worlds, and a family to which nothing has happened yet; its number is the day on which it begins."""
        if self.worlds is None or self._used == len(self._families):
            self._stack.close()
            self._stack = ExitStack()
            self.worlds, self._used = self._stack.enter_context(self._both()), 0
        self._used += 1
        return self.worlds, self._families[self._used - 1], self._used

    @contextmanager
    def of(self, history: History, *, whole: bool = False) -> Iterator[tuple[Run, Run]]:
        """The history, ready to be run in both worlds."""
        (first, second), household, day = self.next()
        runs = tuple(Run(world, history, household, day=day, hides=world is second, whole=whole) for world in (first, second))
        try:
            yield runs[0], runs[1]
        finally:
            for run in runs:
                run.close()
