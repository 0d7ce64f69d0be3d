"""The milestones that a child may show: what each is called, when many children do it, what it tells of others.

Owns the reading of `catalogue_data/`, one TOML file a domain, and the closure of what implies what. It knows no child, no
member and no clock: an entry describes what can be seen, never how well or how soon a child does it.

A safety note is more than advice: what carries one is told even to a member who keeps its whole domain as a surprise. So a
note stands only where a home has to change on the day that the child can do it, and a milestone that implies one with a note
has one too: else the smaller step would stay unknown inside the bigger.
"""

import enum
import hashlib
import tomllib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

import msgspec


class CatalogueMistake(ValueError):
    """The catalogue's data contradict themselves; the message names the file or the key."""


class Domain(enum.StrEnum):
    """The six parts of a child's life by which a surprise can be chosen; one data file each."""

    MOVEMENT = "movement"
    HANDS = "hands"
    TALKING = "talking"
    THINKING = "thinking"
    FEELINGS = "feelings"
    LIFE = "life"


class Milestone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a child does for the first time once, and that somebody can see.

    `months` is the age, first and last month, in which many children do it: a range to look out in, not a limit.
    `builds_to` names the bigger steps that this one prepares. `implies` names what an eye-witness of this one has seen
    as well. `sources` are `cdc-2022:<age in months>:<CDC domain>`, `who-2006:<name>:<from>-<to>` (1st to 99th percentile
    in months) or `stillnew:<kind>` for entries of our own.
    """

    key: str
    title: str
    domain: Domain
    months: tuple[int, int]
    what_counts: str
    sources: tuple[str, ...]
    builds_to: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    safety: str | None = None


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Every milestone by its key, in the order of the files; `version` changes with any byte of the data."""

    by_key: Mapping[str, Milestone]
    version: str
    implied_by_key: Mapping[str, frozenset[str]]
    implying_by_key: Mapping[str, frozenset[str]]

    def implied_by(self, key: str) -> frozenset[str]:
        """All that whoever saw `key` has seen too, without `key` itself. A family's own milestone implies nothing."""
        return self.implied_by_key.get(key, frozenset())

    def implying(self, key: str) -> frozenset[str]:
        """All whose sighting is a sighting of `key` too, without `key` itself. Nothing implies a family's own milestone."""
        return self.implying_by_key.get(key, frozenset())


def load(folder: Traversable) -> Catalogue:
    """Read the six files of `folder`.

    Raises:
        CatalogueMistake: A file is missing or is not TOML, an entry is malformed, or a reference dangles or runs in a circle.
    """
    by_key: dict[str, Milestone] = {}
    digest = hashlib.sha256()
    for domain in Domain:
        file = f"{domain}.toml"
        try:
            content = folder.joinpath(file).read_bytes()
            entries = tomllib.loads(content.decode())
        except (OSError, ValueError) as error:
            raise CatalogueMistake(f"{file}: {error}") from error
        digest.update(content)
        for name, entry in entries.items():
            key = f"{domain}.{name}"
            try:
                by_key[key] = msgspec.convert(dict(key=key, domain=domain, **entry), Milestone)
            except (msgspec.ValidationError, TypeError) as error:
                raise CatalogueMistake(f"{file}: {key}: {error}") from error
    implied = _closure({key: milestone.implies for key, milestone in by_key.items()})
    _closure({key: milestone.builds_to for key, milestone in by_key.items()})
    implying = {key: frozenset(other for other in implied if key in implied[other]) for key in by_key}
    return Catalogue(
        by_key=MappingProxyType(by_key),
        version=digest.hexdigest()[:16],
        implied_by_key=MappingProxyType(implied),
        implying_by_key=MappingProxyType(implying),
    )


def _closure(next_by_key: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """All that can be reached from each key, in one step or more."""
    reached_by_key: dict[str, frozenset[str]] = {}

    def reach(key: str, path: tuple[str, ...]) -> frozenset[str]:
        if key in path:
            raise CatalogueMistake(f"{key}: runs in a circle: {' -> '.join((*path, key))}")
        if key not in next_by_key:
            raise CatalogueMistake(f"{path[-1]}: refers to {key}, which is no milestone")
        if key not in reached_by_key:
            further = [reach(after, (*path, key)) for after in next_by_key[key]]
            reached_by_key[key] = frozenset(next_by_key[key]).union(*further)
        return reached_by_key[key]

    for key in next_by_key:
        reach(key, ())
    return reached_by_key


CATALOGUE = load(resources.files("events") / "catalogue_data")
