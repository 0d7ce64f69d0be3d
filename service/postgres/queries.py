"""Loads the named queries of an `.sql` file in the package that runs them.

Owns the `-- name:` convention. Knows no database, and not the meaning of a query.
"""

import importlib.resources
import re
from collections.abc import Iterator, Mapping

NAME_LINE = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


class BadQueryFile(ValueError):
    """The file is not a list of named queries with unique names."""


class Queries(Mapping[str, str]):
    """A mapping from the names of queries to their texts, read as `queries.take_family` or `queries["take_family"]`."""

    __slots__ = ("__dict__", "_source")

    def __init__(self, text_by_name: Mapping[str, str], *, source: str) -> None:
        self._source = source
        self.__dict__.update(text_by_name)

    @property
    def text_by_name(self) -> dict[str, str]:
        """The texts, which are the attributes of this object."""
        return self.__dict__

    def __getitem__(self, name: str) -> str:
        return self.text_by_name[name]

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"{self._source} has no query named {name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.text_by_name)

    def __len__(self) -> int:
        return len(self.text_by_name)


def load(package: str, filename: str) -> Queries:
    """Reads the queries of `filename` in `package`, mostly `__package__`.

    Raises:
        BadQueryFile: the file has SQL before the first name, an empty query, or a name twice.
        FileNotFoundError: the package has no such file.
    """
    source = f"{package}/{filename}"
    return Queries(parse(importlib.resources.files(package).joinpath(filename).read_text("utf-8"), source=source), source=source)


def parse(text: str, *, source: str) -> dict[str, str]:
    """Returns the queries in `text` by their names, without lines that are comments."""
    before, *parts = NAME_LINE.split(text)
    if _without_comments(before):
        raise BadQueryFile(f"{source}: there is SQL before the first `-- name:` line")
    text_by_name: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in text_by_name:
            raise BadQueryFile(f"{source}: two queries are named {name}")
        text_by_name[name] = _without_comments(body)
        if not text_by_name[name]:
            raise BadQueryFile(f"{source}: the query {name} is empty")
    return text_by_name


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip()
