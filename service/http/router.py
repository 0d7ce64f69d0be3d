"""One resource, one URL: finds the route that a path names, and knows no other spelling of it.

Owns the matching of paths. An id is a UUID in its one canonical spelling; a trailing or doubled slash, a percent sign where
none belongs, or an id in braces or capitals names nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from events.ids import CANONICAL_UUID

PATH_BYTES_MAX: Final = 512
REMEMBERED: Final = 4_096
"""Paths, about 1 KiB each."""
_PLAIN: Final = re.compile(rb"[A-Za-z0-9/._~-]*")
_PARAMETER: Final = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")

Target = TypeVar("Target")


@dataclass
class Route(Generic[Target]):
    """A template and what stands behind it, by method."""

    template: str
    names: tuple[str, ...]
    by_method: dict[str, Target] = field(default_factory=dict)

    @cached_property
    def allowed(self) -> tuple[str, ...]:
        """The methods that this route answers."""
        return tuple(sorted({*self.by_method, "OPTIONS"}))


class _Branch(Generic[Target]):
    __slots__ = ("by_id", "by_text", "route")

    def __init__(self) -> None:
        self.by_text: dict[str, _Branch[Target]] = {}
        self.by_id: _Branch[Target] | None = None
        self.route: Route[Target] | None = None


class Router(Generic[Target]):
    """All routes of the service."""

    def __init__(self) -> None:
        self._root: _Branch[Target] = _Branch()
        self._by_template: dict[str, Route[Target]] = {}
        # A device asks for the same few paths all day.
        self.find = lru_cache(REMEMBERED)(self._find)
        """The route of a path as it was sent, and the ids in it; None where the path names nothing."""

    def add(self, method: str, template: str, target: Target, *, ends: bool = True) -> None:
        """Add a route. `{name}` and `{name:uuid}` stand for an id. What answers GET answers HEAD, unless its answer never `ends`.

        Raises:
            ValueError: there is one already.
        """
        template = _PARAMETER.sub(r"{\1}", template)
        branch, names = self._root, []
        for part in template.split("/")[1:]:
            if (named := _PARAMETER.fullmatch(part)) is not None:
                names.append(named[1])
                branch.by_id = branch.by_id or _Branch()
                branch = branch.by_id
            else:
                branch = branch.by_text.setdefault(part, _Branch())
        if branch.route is None:
            branch.route = self._by_template[template] = Route(template=template, names=tuple(names))
        if method in branch.route.by_method:
            raise ValueError(f"{method} {template} stands twice")
        branch.route.by_method[method] = target
        if method == "GET" and ends:
            branch.route.by_method["HEAD"] = target

    def _find(self, raw_path: bytes) -> tuple[Route[Target], Mapping[str, UUID]] | None:
        if len(raw_path) > PATH_BYTES_MAX or _PLAIN.fullmatch(raw_path) is None:
            return None
        branch, ids = self._root, []
        for part in raw_path.decode("ascii").split("/")[1:]:
            following = branch.by_text.get(part)
            if following is None:
                following = branch.by_id
                if following is None or CANONICAL_UUID.fullmatch(part) is None:
                    return None
                ids.append(UUID(part))
            branch = following
        if branch.route is None:
            return None
        return branch.route, dict(zip(branch.route.names, ids, strict=True))

    def __iter__(self) -> Iterator[Route[Target]]:
        return iter(self._by_template.values())

    def as_text(self) -> list[tuple[str, str, Any]]:
        """Every (method, template, target), sorted; HEAD goes without saying."""
        return sorted(
            (
                (method, route.template, target)
                for route in self
                for method, target in route.by_method.items()
                if method != "HEAD"
            ),
            key=lambda entry: (entry[1], entry[0]),
        )
