"""Finds the route of a path. Each resource has exactly one URL.

Owns the matching of paths. An id is a UUID in its canonical spelling. A path with a trailing or doubled slash, an unexpected
percent sign, or an id in braces or capitals matches no route.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from events.ids import CANONICAL_UUID

PATH_BYTES_MAX: Final = 512
CACHED_PATHS_MAX: Final = 4_096
"""The bound on cached paths, about 1 KiB each."""
_PLAIN: Final = re.compile(rb"[A-Za-z0-9/._~-]*")
_PARAMETER: Final = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")

Target = TypeVar("Target")


@dataclass
class Route(Generic[Target]):
    """A path template with the target of each method."""

    template: str
    names: tuple[str, ...]
    by_method: dict[str, Target] = field(default_factory=dict)

    @cached_property
    def allowed(self) -> tuple[str, ...]:
        """The methods that this route supports."""
        return tuple(sorted({*self.by_method, "OPTIONS"}))


class _Branch(Generic[Target]):
    __slots__ = ("by_id", "by_text", "route")

    def __init__(self) -> None:
        self.by_text: dict[str, _Branch[Target]] = {}
        self.by_id: _Branch[Target] | None = None
        self.route: Route[Target] | None = None


class Router(Generic[Target]):
    """All routes of the service, with the look-up of a path."""

    def __init__(self) -> None:
        self._root: _Branch[Target] = _Branch()
        self._by_template: dict[str, Route[Target]] = {}
        # Cached, because a device requests the same few paths all day.
        self.find = lru_cache(CACHED_PATHS_MAX)(self._find)
        """A function that returns the route of a raw path and the ids in the path, or None if no route matches."""

    def add(self, method: str, template: str, target: Target, *, is_finite: bool = True) -> None:
        """Adds a route. `{name}` and `{name:uuid}` match an id. A route for GET also serves HEAD if its response is finite.

        Raises:
            ValueError: the method and the template were added before.
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
            raise ValueError(f"{method} {template} was added twice")
        branch.route.by_method[method] = target
        if method == "GET" and is_finite:
            branch.route.by_method.setdefault("HEAD", target)

    def _find(self, raw_path: bytes) -> tuple[Route[Target], Mapping[str, UUID]] | None:
        if len(raw_path) > PATH_BYTES_MAX or _PLAIN.fullmatch(raw_path) is None:
            return None
        branch, ids = self._root, []
        for part in raw_path.decode("ascii").split("/")[1:]:
            child = branch.by_text.get(part)
            if child is None:
                child = branch.by_id
                if child is None or CANONICAL_UUID.fullmatch(part) is None:
                    return None
                ids.append(UUID(part))
            branch = child
        if branch.route is None:
            return None
        return branch.route, dict(zip(branch.route.names, ids, strict=True))

    def __iter__(self) -> Iterator[Route[Target]]:
        return iter(self._by_template.values())

    def as_sorted(self) -> list[tuple[str, str, Any]]:
        """Returns a tuple (method, template, target) for every method, by template and method. HEAD is left out beside a GET."""
        return sorted(
            (
                (method, route.template, target)
                for route in self
                for method, target in route.by_method.items()
                if method != "HEAD" or route.by_method.get("GET") is not target
            ),
            key=lambda entry: (entry[1], entry[0]),
        )
