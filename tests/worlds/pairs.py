"""Both worlds side by side, and families that stand in both of them untouched.

Owns which family is whose turn. Knows nothing of what is compared.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.worlds.copied_families import Household
from tests.worlds.histories import History
from tests.worlds.running import Run, World


class Pairs:
    """Gives out families, each of which stands in both worlds, and begins anew where all were used."""

    def __init__(self, families: list[Household], both: Callable[[], AbstractContextManager[tuple[World, World]]]) -> None:
        self._families = families
        self._both = both
        self._stack = ExitStack()
        self._untouched: list[Household] = []
        self._day = 0
        self.worlds: tuple[World, World] | None = None

    def __enter__(self) -> "Pairs":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin_anew(self) -> None:
        """Let the next pair find two services that nobody has spoken to."""
        self._untouched = []

    def next(self, *, listens: bool = False) -> tuple[tuple[World, World], Household, int]:
        """Both worlds, a family to which nothing has happened yet, with webhooks or without, and the day on which it begins."""
        if self.worlds is None or not any(bool(one.hooks) is listens for one in self._untouched):
            self._stack.close()
            self._stack = ExitStack()
            self.worlds, self._day = self._stack.enter_context(self._both()), 0
            self._untouched = list(self._families)
        family = next(one for one in self._untouched if bool(one.hooks) is listens)
        self._untouched.remove(family)
        self._day += 1
        return self.worlds, family, self._day

    @contextmanager
    def of(self, history: History, *, whole: bool = False, listens: bool = False) -> Iterator[tuple[Run, Run]]:
        """The history, ready to be run in both worlds, one after the other. `listens`: at a webhook's receiver, too."""
        (first, second), household, day = self.next(listens=listens)
        runs = tuple(Run(world, history, household, day=day, hides=world is second, whole=whole) for world in (first, second))
        try:
            yield runs[0], runs[1]
        finally:
            for run in runs:
                run.close()
