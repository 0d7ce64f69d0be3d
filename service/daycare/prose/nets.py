"""Reads the files of nets: by which words each language may tell of a great first, and what speaks against them.

Owns the shape of `perhaps/*.toml`, one file a language; its patterns are written in the language of `patterns`.
"""

import tomllib
from functools import cache, partial
from importlib import resources
from typing import Final

import msgspec

from service.daycare.prose.cues import CueMistake
from service.daycare.prose.patterns import Index, Vocabulary, index_of

SIGNS_MIN: Final = 2


class NetFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words for one great first, as the file says them."""

    keys: tuple[str, ...]
    words: tuple[str, ...]
    needs: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


class DoubtFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language, as its file says it."""

    denials: tuple[str, ...]
    close_denials: tuple[str, ...]
    """They deny the next two words alone."""
    late_denials: tuple[str, ...]
    """They deny what is before them: she crawls not yet, in some languages."""
    no_denials: tuple[str, ...]
    plans: tuple[str, ...]
    plans_anywhere: tuple[str, ...]
    also: tuple[str, ...]
    """Somebody else did it, and the child as well: so did Mia."""
    strangers: tuple[str, ...]
    prepositions: tuple[str, ...]
    """Behind one of these a name acts upon nothing: she walked to Leo."""
    plurals: tuple[str, ...]
    """Who did it all together, where the word comes right behind: we walked."""
    finite: tuple[str, ...]
    things: tuple[str, ...]
    vague: tuple[str, ...]
    """Something great happened, and the note does not say what."""
    vague_unless: tuple[str, ...] = ()
    signs: dict[str, tuple[str, ...]] = {}
    """Kinds of words, of which two together may tell of something great where no net does: her feet, for the first time."""
    lists: dict[str, tuple[str, ...]] = {}
    nets: tuple[NetFile, ...] = ()


class Net(msgspec.Struct, frozen=True):
    """The words for one great first."""

    keys: tuple[str, ...]
    words: Index
    needs: Index | None
    harmless: Index
    unless: Index


class Doubts(msgspec.Struct, frozen=True, kw_only=True):
    """One language, ready to read with."""

    denials: Index
    close_denials: Index
    late_denials: Index
    no_denials: Index
    plans: Index
    plans_anywhere: Index
    also: Index
    vague: Index
    vague_unless: Index
    signs: tuple[frozenset[str], ...]
    strangers: frozenset[str]
    things: frozenset[str]
    finite: frozenset[str]
    plurals: frozenset[str]
    prepositions: frozenset[str]
    nets: tuple[Net, ...]

    def may_be_in(self, words: frozenset[str]) -> bool:
        """Say whether a net may hold in a sentence of these words, or something great be told of in it."""
        return self.are_signs(words) or any(index.may_be_in(words) for index in (self.vague, *(net.words for net in self.nets)))

    def are_signs(self, words: frozenset[str]) -> bool:
        """Say whether words of several kinds of signs are here."""
        return sum(not words.isdisjoint(kind) for kind in self.signs) >= SIGNS_MIN


def read_doubts(name: str, content: bytes) -> Doubts:
    """Read one file.

    Raises:
        CueMistake: It is not TOML, has an unknown or a missing field, or a pattern that cannot be.
    """
    try:
        file = msgspec.convert(tomllib.loads(content.decode()), DoubtFile)
        index = partial(index_of, vocabulary=Vocabulary(file.lists))
        nets = tuple(
            Net(
                keys=net.keys,
                words=index(net.words),
                needs=index(net.needs) if net.needs else None,
                harmless=index(net.harmless),
                unless=index(net.unless),
            )
            for net in file.nets
        )
        return Doubts(
            denials=index(file.denials),
            close_denials=index(file.close_denials),
            late_denials=index(file.late_denials),
            no_denials=index(file.no_denials),
            plans=index(file.plans),
            plans_anywhere=index(file.plans_anywhere),
            also=index(file.also),
            vague=index(file.vague),
            vague_unless=index(file.vague_unless),
            signs=tuple(map(frozenset, file.signs.values())),
            strangers=frozenset(file.strangers),
            things=frozenset(file.things),
            finite=frozenset(file.finite),
            plurals=frozenset(file.plurals),
            prepositions=frozenset(file.prepositions),
            nets=nets,
        )
    except (ValueError, KeyError) as error:
        raise CueMistake(f"{name}: {error}") from error


@cache
def doubts() -> dict[str, Doubts]:
    """The nets of each language by its name; read once, when the first note is."""
    folder = resources.files("service.daycare.prose") / "perhaps"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {name: read_doubts(name, file.read_bytes()) for file in files if (name := file.name.removesuffix(".toml"))}


@cache
def together(field: str) -> frozenset[str]:
    """The words of a list in all languages: notes mix them, and few are something else in another."""
    return frozenset(word for one in doubts().values() for word in getattr(one, field))


@cache
def great_firsts() -> tuple[str, ...]:
    """Every milestone that a net is for."""
    return tuple(dict.fromkeys(key for one in doubts().values() for net in one.nets for key in net.keys))
