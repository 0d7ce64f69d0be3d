"""Reads the cue files: by which words each language tells that a child did something, and by which that it did not.

Owns the shape of `languages/*.toml`, one file a language. Its patterns are written in the language of `patterns`; where a cue
says `unless`, `=helped` stands for the patterns of that name.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from service.daycare.prose.patterns import Forms, Index, Pattern, Vocabulary, firsts_of, index_of, pattern_of


class CueMistake(ValueError):
    """A cue file cannot be read as it stands; the message names the file and what is wrong."""


class Cue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words for one milestone. `did` begins with what somebody does; `event` names it ("first tooth"), whoever speaks."""

    key: str
    did: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    """Anywhere in the sentence, these mean something else: "ran out", "in the stroller"."""


class CueFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language, as its file says it."""

    marks: tuple[str, ...]
    """Small words by which the language is recognised."""
    she: tuple[str, ...]
    he: tuple[str, ...]
    objects: tuple[str, ...]
    """Words for the child after a word of `reports`: we saw *her* clap."""
    reports: tuple[str, ...]
    speakers: tuple[str, ...]
    """Who writes and who reads: we, I, you."""
    others: tuple[str, ...]
    """Groups and things: they do it, the child does not."""
    persons: tuple[str, ...]
    """Single people and creatures, after whom "she" may be somebody else."""
    titles: tuple[str, ...]
    links: tuple[str, ...]
    """Words that tie a name to another: the brother *of* Mia."""
    between: tuple[str, ...]
    """Words that may stand between who does it and what is done."""
    openers: tuple[str, ...]
    """Words that may stand before what is done where nobody is named."""
    adjuncts: tuple[str, ...]
    """Words that open a clause before the one who does it is named: after lunch Mia ..."""
    plain: tuple[str, ...]
    """What everyday notes begin with when they leave the child out: ate, slept."""
    things: tuple[str, ...]
    """Words that open a sentence and are nobody's name, and words with a capital that are none."""
    determiners: tuple[str, ...]
    not_hers: tuple[str, ...]
    """Whose first it would be otherwise: our, your."""
    joints: tuple[str, ...]
    adversatives: tuple[str, ...]
    """Joints after which a denial is over: not walking yet, *but* ..."""
    relatives: tuple[str, ...]
    """Joints that go on about the last word before them: Leo, *who* ..."""
    guards: tuple[str, ...]
    """Denials, plans, hopes and near misses. They hold for their clause and those that lean on it."""
    sentence_guards: tuple[str, ...]
    """Conditions, requests, hearsay, other days: nothing in such a sentence counts."""
    harmless: tuple[str, ...]
    """What looks like a guard and is none: no problem."""
    all_names_are_capital: bool
    """Whether a capital inside a sentence is a name's (not in German, where every noun has one)."""
    lists: Mapping[str, tuple[str, ...]] = {}
    unless: Mapping[str, tuple[str, ...]] = {}
    verbs: Mapping[str, Forms] = {}
    cues: tuple[Cue, ...] = ()


class ReadCue(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern of a cue, with what the cue says of it."""

    key: str
    pattern: Pattern
    is_event: bool
    unless: Index


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """One language, ready to read with."""

    name: str
    file: CueFile
    marks: frozenset[str]
    words: Mapping[str, frozenset[str]]
    """The word lists of the file by their name; `roles` is the same by the word."""
    roles: Mapping[str, frozenset[str]]
    cues: Mapping[str, tuple[ReadCue, ...]]
    """By the first word."""
    guards: Index
    sentence_guards: Index
    harmless: Index


LISTS: Final = (
    "she",
    "he",
    "objects",
    "reports",
    "speakers",
    "others",
    "persons",
    "titles",
    "links",
    "between",
    "openers",
    "adjuncts",
    "plain",
    "things",
    "determiners",
    "not_hers",
    "joints",
    "adversatives",
    "relatives",
)


def read(name: str, content: bytes) -> Language:
    """Read one cue file.

    Raises:
        CueMistake: It is not TOML, has an unknown or a missing field, or a pattern that cannot be.
    """
    try:
        file = msgspec.convert(tomllib.loads(content.decode()), CueFile)
        vocabulary = Vocabulary(file.lists, file.verbs)
        cues: dict[str, list[ReadCue]] = {}
        for cue in file.cues:
            unless = index_of([one for said in cue.unless for one in _named(file, said)], vocabulary)
            for said, is_event in [(said, False) for said in cue.did] + [(said, True) for said in cue.event]:
                pattern = pattern_of(said, vocabulary)
                read_cue = ReadCue(key=cue.key, pattern=pattern, is_event=is_event, unless=unless)
                for word in firsts_of(said, pattern):
                    cues.setdefault(word, []).append(read_cue)
        words = {each: frozenset(getattr(file, each)) for each in LISTS}
        return Language(
            name=name,
            file=file,
            marks=frozenset(file.marks),
            words=words,
            roles={word: frozenset(one for one in LISTS if word in words[one]) for each in LISTS for word in words[each]},
            cues={word: tuple(found) for word, found in cues.items()},
            guards=index_of(file.guards, vocabulary),
            sentence_guards=index_of(file.sentence_guards, vocabulary),
            harmless=index_of(file.harmless, vocabulary),
        )
    except (ValueError, KeyError) as error:
        raise CueMistake(f"{name}: {error}") from error


def _named(file: CueFile, said: str) -> tuple[str, ...]:
    return file.unless[said[1:]] if said.startswith("=") else (said,)


def read_all(folder: Traversable) -> tuple[Language, ...]:
    """Read every cue file of `folder`, in the order of their names."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(read(file.name.removesuffix(".toml"), file.read_bytes()) for file in files)


@cache
def languages() -> tuple[Language, ...]:
    """The languages that ship with the service; read once, when the first note is."""
    return read_all(resources.files("service.daycare.prose") / "languages")
