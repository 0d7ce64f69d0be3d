"""Reads the cue files: by which words each language tells that a child did something, and by which that it did not.

Owns the shape of `languages/*.toml`, one file a language, and the little language of their patterns. A pattern is a
row of words, matched word by word:

    clapped|claps       either word
    [her|his]           perhaps one of them
    stack*  *n't        begins like this, ends like this
    ..3                 up to three words of the same clause
    <clap>              any form of a verb of `verbs`
    @hers               a word of `lists`
    #child              the child's own name
    =helped             where a cue says `unless`: the patterns of that name

Nothing repeats without a bound, so a pattern is tried in a bounded number of steps.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from service.daycare.prose.text import Token

CHILD: Final = "#child"


class CueMistake(ValueError):
    """A cue file cannot be read as it stands; the message names the file and what is wrong."""


class Forms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verb: forms that tell by themselves that it was done (clapped), and those that need a word before (clapping)."""

    told: tuple[str, ...]
    bare: tuple[str, ...] = ()


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


class Words(msgspec.Struct, frozen=True):
    """A set of words, some of them told by their beginning or their end."""

    whole: frozenset[str]
    beginnings: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    def __contains__(self, word: str) -> bool:
        return (
            word in self.whole
            or (self.beginnings != () and word.startswith(self.beginnings))
            or (self.ends != () and word.endswith(self.ends))
        )


class Step(msgspec.Struct, frozen=True):
    """One item of a pattern: a word, perhaps a word, or a gap."""

    words: Words
    is_optional: bool = False
    gap: int = 0


class Pattern(msgspec.Struct, frozen=True):
    """A row of steps; the first is always a word."""

    steps: tuple[Step, ...]
    bare: frozenset[str] = frozenset()
    """Forms of the first verb that need a word before them."""

    def end(self, tokens: Sequence[Token], clauses: Sequence[int], start: int) -> int:
        """Where the longest match that begins at `start` ends, or -1. The first word is there: by it the pattern was found."""
        ends = {start + 1}
        for step in self.steps[1:]:
            after = set(ends) if step.is_optional or step.gap else set()
            for at in ends:
                if step.gap:
                    last = min(at + step.gap, len(tokens))
                    after.update(to for to in range(at + 1, last + 1) if clauses[to - 1] == clauses[at - 1])
                elif at < len(tokens) and (tokens[at].word in step.words or (tokens[at].is_child and CHILD in step.words.whole)):
                    after.add(at + 1)
            if not after:
                return -1
            ends = after
        return max(ends)


class ReadCue(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern of a cue, with what the cue says of it."""

    key: str
    pattern: Pattern
    is_event: bool
    unless: "Index"


class Index(msgspec.Struct, frozen=True):
    """Patterns by their first word, so that only those are tried which can begin there."""

    by_word: Mapping[str, tuple[Pattern, ...]]
    ends: tuple[tuple[str, Pattern], ...] = ()
    """Patterns whose first word is told by its end."""

    def spans(self, tokens: Sequence[Token], clauses: Sequence[int]) -> list[tuple[int, int]]:
        """Where its patterns match, in order."""
        found = []
        for at, token in enumerate(tokens):
            tried = self.by_word.get(token.word, ())
            tried += tuple([one for end, one in self.ends if token.word.endswith(end)]) if self.ends else ()
            if tried and (end := max(pattern.end(tokens, clauses, at) for pattern in tried)) > at:
                found.append((at, end))
        return found


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
    "she", "he", "objects", "reports", "speakers", "others", "persons", "titles", "links", "between",
    "openers", "adjuncts", "plain", "things", "determiners", "not_hers", "joints", "adversatives",
    "relatives",
)


def read(name: str, content: bytes) -> Language:
    """Read one cue file.

    Raises:
        CueMistake: It is not TOML, has an unknown or a missing field, or a pattern that cannot be.
    """
    try:
        file = msgspec.convert(tomllib.loads(content.decode()), CueFile)
        cues: dict[str, list[ReadCue]] = {}
        for cue in file.cues:
            unless = _index(file, [one for said in cue.unless for one in _named(file, said)])
            for said, is_event in [(said, False) for said in cue.did] + [(said, True) for said in cue.event]:
                pattern = _pattern(file, said)
                read_cue = ReadCue(key=cue.key, pattern=pattern, is_event=is_event, unless=unless)
                for word in _firsts(said, pattern):
                    cues.setdefault(word, []).append(read_cue)
        words = {each: frozenset(getattr(file, each)) for each in LISTS}
        return Language(
            name=name,
            file=file,
            marks=frozenset(file.marks),
            words=words,
            roles={word: frozenset(one for one in LISTS if word in words[one]) for each in LISTS for word in words[each]},
            cues={word: tuple(found) for word, found in cues.items()},
            guards=_index(file, file.guards),
            sentence_guards=_index(file, file.sentence_guards),
            harmless=_index(file, file.harmless),
        )
    except (ValueError, KeyError) as error:
        raise CueMistake(f"{name}: {error}") from error


def _named(file: CueFile, said: str) -> tuple[str, ...]:
    return file.unless[said[1:]] if said.startswith("=") else (said,)


def _words(said: Sequence[str]) -> Words:
    return Words(
        frozenset(word for word in said if "*" not in word),
        tuple(word[:-1] for word in said if word.endswith("*")),
        tuple(word[1:] for word in said if word.startswith("*")),
    )


def _pattern(file: CueFile, said: str) -> Pattern:
    items = said.split()
    if not items:
        raise ValueError("a pattern without a word")
    verb = file.verbs[items[0][1:-1]] if items[0].startswith("<") else None
    return Pattern(tuple(_step(file, item) for item in items), frozenset(verb.bare) if verb else frozenset())


def _step(file: CueFile, item: str) -> Step:
    if item.startswith(".."):
        return Step(_words(()), gap=int(item[2:]))
    is_optional = item.startswith("[")
    said: list[str] = []
    for part in item.removeprefix("[").removesuffix("]").split("|"):
        if part.startswith("<"):
            said += file.verbs[part[1:-1]].told + file.verbs[part[1:-1]].bare
        elif part.startswith("@"):
            said += file.lists[part[1:]]
        else:
            said.append(part)
    if not all(word and word == word.lower() for word in said):
        raise ValueError(f"{item}: a word is missing or not in lower case")
    return Step(_words(said), is_optional=is_optional)


def _firsts(said: str, pattern: Pattern) -> list[str]:
    """The words with which a match begins."""
    first = pattern.steps[0]
    if first.is_optional or first.gap or first.words.beginnings or first.words.ends:
        raise ValueError(f"{said}: begins with no certain word")
    return sorted(first.words.whole)


def _index(file: CueFile, said: Sequence[str]) -> Index:
    by_word: dict[str, list[Pattern]] = {}
    ends = []
    for one in said:
        pattern = _pattern(file, one)
        if pattern.steps[0].words.ends:
            ends += [(end, pattern) for end in pattern.steps[0].words.ends]
            continue
        for word in _firsts(one, pattern):
            by_word.setdefault(word, []).append(pattern)
    return Index({word: tuple(patterns) for word, patterns in by_word.items()}, tuple(ends))


def read_all(folder: Traversable) -> tuple[Language, ...]:
    """Read every cue file of `folder`, in the order of their names."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(read(file.name.removesuffix(".toml"), file.read_bytes()) for file in files)


@cache
def languages() -> tuple[Language, ...]:
    """The languages that ship with the service; read once, when the first note is."""
    return read_all(resources.files("service.daycare.prose") / "languages")
