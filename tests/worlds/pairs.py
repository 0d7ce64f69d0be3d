"""Keeps both worlds, and gives each history a family that exists in both worlds and in which nothing has happened yet.

Knows nothing of the comparison.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.worlds.copied_families import Household
from tests.worlds.histories import History
from tests.worlds.run import Run, World


class Pairs:
    """Gives out families. Starts both worlds anew when all families were used."""

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
        """Lets the next pair of runs start two new services."""
        self._untouched = []

    def next(self, *, with_webhooks: bool = False) -> tuple[tuple[World, World], Household, int]:
        """Returns both worlds, an unused family with or without webhooks, and the number of the day for its history."""
        if self.worlds is None or not any(bool(one.hooks) is with_webhooks for one in self._untouched):
            self._stack.close()
            self._stack = ExitStack()
            self.worlds, self._day = self._stack.enter_context(self._both()), 0
            self._untouched = list(self._families)
        family = next(one for one in self._untouched if bool(one.hooks) is with_webhooks)
        self._untouched.remove(family)
        self._day += 1
        return self.worlds, family, self._day

    @contextmanager
    def of(self, history: History, *, whole: bool = False, with_webhooks: bool = False) -> Iterator[tuple[Run, Run]]:
        """Yields the two runs of a history, one in each world. The caller must run them one after the other."""
        (first, second), household, day = self.next(with_webhooks=with_webhooks)
        runs = tuple(Run(world, history, household, day=day, hides=world is second, whole=whole) for world in (first, second))
        try:
            yield runs[0], runs[1]
        finally:
            for run in runs:
                run.close()
