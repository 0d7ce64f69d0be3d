"""Loads the catalogue of milestones: the title, the usual age and the implied milestones of each.

Owns the reading of `catalogue_data/` (one TOML file for each domain) and the transitive closure of `implies`. Does not know
children, members or the clock. An entry describes an action that can be seen, never how well or how soon a child does it.

A safety note is more than advice. An observation of a milestone with a note is delivered even to a member who keeps the whole
domain as a surprise. So a milestone has a note only if a home must change on the day on which the child reaches the milestone. If
a milestone has a note, every milestone that implies it must have a note, too. Otherwise an observation of the bigger step would
be held from a member who keeps the domain. But the bigger step needs the same change at home.
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
    """The catalogue's data are inconsistent or malformed; the message names the file or the key."""


class Domain(enum.StrEnum):
    """One of the six groups of milestones. A member can choose a surprise for a whole group. Each group has one data file."""

    MOVEMENT = "movement"
    HANDS = "hands"
    TALKING = "talking"
    THINKING = "thinking"
    FEELINGS = "feelings"
    LIFE = "life"


class Milestone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of the catalogue: an action that a person can see a child do, and that has a first time.

    `months`: the first and the last month of age in which many children reach the milestone; a child may be earlier or later.
    `builds_to`: the keys of the bigger steps that this milestone prepares. `implies`: the keys of the milestones that a person
    has also seen when they have seen this milestone. `sources`: texts of the form `cdc-2022:<age in months>:<CDC domain>`,
    `who-2006:<name>:<from>-<to>` (1st to 99th percentile in months) or `stillnew:<kind>` for entries of our own.
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
    """All milestones by key, in the order of the files. `version` is a hash of the data files.

    `implied_by_key`: for each milestone, all milestones that it implies, directly or through other milestones (the transitive
    closure of `implies`). `implying_by_key`: for each milestone, all milestones that imply it.
    """

    by_key: Mapping[str, Milestone]
    version: str
    implied_by_key: Mapping[str, frozenset[str]]
    implying_by_key: Mapping[str, frozenset[str]]

    def implied_by(self, key: str) -> frozenset[str]:
        """Returns the milestones that `key` implies, without `key` itself. A family's own milestone implies no milestone."""
        return self.implied_by_key.get(key, frozenset())

    def implying(self, key: str) -> frozenset[str]:
        """Returns the milestones that imply `key`, without `key` itself. No milestone implies a family's own milestone."""
        return self.implying_by_key.get(key, frozenset())


def load(folder: Traversable) -> Catalogue:
    """Reads the six files of `folder`.

    Raises:
        CatalogueMistake: a file is missing or is not TOML, an entry is malformed, or a reference names an unknown key or
            forms a cycle.
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
    """Returns, for each key, the keys that can be reached by following one or more references.

    Raises:
        CatalogueMistake: a reference names an unknown key or forms a cycle.
    """
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
