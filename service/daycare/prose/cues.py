"""Reads the cue files. A cue is a pattern of the words with which a note states a milestone.

Owns the schema of `languages/*.toml`, one file for each language. The files also contain word lists for the grammar. The syntax
of patterns is in `patterns`. In a cue's `unless`, `=helped` means all patterns of the file's list `unless.helped`.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from service.daycare.prose.patterns import Index, Pattern, VerbForms, Vocabulary, first_words, index_of, pattern_of


class LanguageFileInvalid(ValueError):
    """A language file is invalid. The message names the file and the error."""


class Cue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The patterns for one milestone.

    A pattern in `did` begins with the verb of an action. A pattern in `event` names an event, such as "first tooth".
    """

    key: str
    did: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    """Patterns of words that give the cue another meaning, wherever in the sentence they are: "ran out", "in the stroller"."""


class CueFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of one language's cue file."""

    frequent_words: tuple[str, ...]
    """Frequent short words by which the language is recognised."""
    she: tuple[str, ...]
    he: tuple[str, ...]
    objects: tuple[str, ...]
    """Object pronouns that mean the child if they follow a word of `reports`: we saw *her* clap."""
    reports: tuple[str, ...]
    """Verbs of perception: saw, heard, noticed."""
    speakers: tuple[str, ...]
    """Pronouns for the writer and the reader of the note: we, I, you."""
    others: tuple[str, ...]
    """Words for groups and things. A clause with such a word as its subject is not about the child."""
    persons: tuple[str, ...]
    """Words for one other person or animal, to which a later "she" may refer."""
    titles: tuple[str, ...]
    links: tuple[str, ...]
    """Prepositions that connect a name to the word before it: the brother *of* Mia."""
    between: tuple[str, ...]
    """Words that may be between the subject and a cue: has, also, really."""
    openers: tuple[str, ...]
    """Words that may be before a cue in a clause without a subject: today, wow."""
    adjuncts: tuple[str, ...]
    """Words that begin a clause whose subject comes later: *after* lunch Mia ..."""
    everyday_verbs: tuple[str, ...]
    """Verbs that often begin a note without a subject: ate, slept."""
    things: tuple[str, ...]
    """Words that may have a capital, but are no names."""
    determiners: tuple[str, ...]
    not_the_childs: tuple[str, ...]
    """Words that state that an event belongs to another person: *our* first steps."""
    conjunctions: tuple[str, ...]
    """Words that start a clause: and, but, when."""
    adversatives: tuple[str, ...]
    """Conjunctions that end a denial: not walking yet, *but* ..."""
    relatives: tuple[str, ...]
    """Relative pronouns. They refer to the word before them: Leo, *who* ..."""
    guards: tuple[str, ...]
    """Patterns of denials, plans, hopes and near misses. A guard excludes the cues of its clause and of the clauses that depend
    on it."""
    sentence_guards: tuple[str, ...]
    """Patterns of conditions, requests, hearsay and other days. If such a pattern matches, no cue of its sentence counts."""
    harmless: tuple[str, ...]
    """Patterns of words that look like a guard, but exclude nothing: "no problem"."""
    all_names_are_capital: bool
    """Whether a capital inside a sentence marks a name. False for German, where every noun has a capital."""
    lists: Mapping[str, tuple[str, ...]] = {}
    unless: Mapping[str, tuple[str, ...]] = {}
    verbs: Mapping[str, VerbForms] = {}
    cues: tuple[Cue, ...] = ()


class CompiledCue(msgspec.Struct, frozen=True, kw_only=True):
    """One compiled pattern of a cue, with the key of the cue's milestone, and the patterns that give the cue another meaning."""

    key: str
    pattern: Pattern
    is_event: bool
    unless: Index


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """One language's cue file with compiled patterns."""

    name: str
    file: CueFile
    frequent_words: frozenset[str]
    words: Mapping[str, frozenset[str]]
    """The word lists of the file, by name."""
    roles: Mapping[str, frozenset[str]]
    """The names of the word lists that contain a word. The key is this word."""
    cues: Mapping[str, tuple[CompiledCue, ...]]
    """The compiled cues, by their first word."""
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
    "everyday_verbs",
    "things",
    "determiners",
    "not_the_childs",
    "conjunctions",
    "adversatives",
    "relatives",
)
"""The names of the word lists in a cue file."""


def read_language(name: str, content: bytes) -> Language:
    """Compiles the cue file of one language.

    Raises:
        LanguageFileInvalid: The file is not TOML, has an unknown or a missing field, or an invalid pattern.
    """
    try:
        file = msgspec.convert(tomllib.loads(content.decode()), CueFile)
        vocabulary = Vocabulary(file.lists, file.verbs)
        cues: dict[str, list[CompiledCue]] = {}
        for cue in file.cues:
            unless = index_of([one for source in cue.unless for one in _expanded(file, source)], vocabulary)
            for source, is_event in [(source, False) for source in cue.did] + [(source, True) for source in cue.event]:
                pattern = pattern_of(source, vocabulary)
                read_cue = CompiledCue(key=cue.key, pattern=pattern, is_event=is_event, unless=unless)
                for word in first_words(source, pattern):
                    cues.setdefault(word, []).append(read_cue)
        words = {each: frozenset(getattr(file, each)) for each in LISTS}
        return Language(
            name=name,
            file=file,
            frequent_words=frozenset(file.frequent_words),
            words=words,
            roles={word: frozenset(one for one in LISTS if word in words[one]) for each in LISTS for word in words[each]},
            cues={word: tuple(found) for word, found in cues.items()},
            guards=index_of(file.guards, vocabulary),
            sentence_guards=index_of(file.sentence_guards, vocabulary),
            harmless=index_of(file.harmless, vocabulary),
        )
    except (ValueError, KeyError) as error:
        raise LanguageFileInvalid(f"{name}: {error}") from error


def _expanded(file: CueFile, source: str) -> tuple[str, ...]:
    """Returns the patterns that an item of a cue's `unless` names.

    An item `=name` names all patterns of the file's list `unless.name`. Any other item is itself a pattern.
    """
    return file.unless[source[1:]] if source.startswith("=") else (source,)


def read_all(folder: Traversable) -> tuple[Language, ...]:
    """Reads every cue file of `folder`, in the order of the file names."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(read_language(file.name.removesuffix(".toml"), file.read_bytes()) for file in files)


@cache
def languages() -> tuple[Language, ...]:
    """Returns the languages of the service, in the order of their names. Reads the files only once, at the first call."""
    return read_all(resources.files("service.daycare.prose") / "languages")
