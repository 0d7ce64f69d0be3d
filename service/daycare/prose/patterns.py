"""The little language in which cue files say what words they mean. Owns its syntax and how a row of words is matched.

    clapped|claps       either word
    [her|his]           perhaps one of them
    stack*  *n't        begins like this, ends like this
    ..3                 up to three words of the same clause
    <clap>              any form of a verb of `verbs`
    @hers               a word of `lists`
    #child              the child's own name

Nothing repeats without a bound, so a pattern is tried in a bounded number of steps.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from service.daycare.prose.text import Token

CHILD: Final = "#child"


class Forms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verb: forms that tell by themselves that it was done (clapped), and those that need a word before (clapping)."""

    told: tuple[str, ...]
    bare: tuple[str, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True):
    """The lists and verbs that patterns of one file may name."""

    lists: Mapping[str, tuple[str, ...]] = {}
    verbs: Mapping[str, Forms] = {}


class Words(msgspec.Struct, frozen=True):
    """A set of words, some of them known by their beginning or their end."""

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


class Index(msgspec.Struct, frozen=True):
    """Patterns by their first word, so that only those are tried which can begin there."""

    by_word: Mapping[str, tuple[Pattern, ...]]
    partial: tuple[Pattern, ...] = ()
    """Patterns whose first word is known by its beginning or its end."""
    beginnings: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    def may_be_in(self, words: frozenset[str]) -> bool:
        """Say whether one of these words begins a pattern. Much faster than `spans`, and most are in no sentence."""
        if not words.isdisjoint(self.by_word):
            return True
        return bool(self.partial) and any(word.startswith(self.beginnings) or word.endswith(self.ends) for word in words)

    def spans(self, tokens: Sequence[Token], clauses: Sequence[int]) -> list[tuple[int, int]]:
        """Where its patterns match, in order."""
        found = []
        for at, token in enumerate(tokens):
            tried = self.by_word.get(token.word, ())
            if self.partial:
                tried += tuple([one for one in self.partial if token.word in one.steps[0].words])
            if tried and (end := max(pattern.end(tokens, clauses, at) for pattern in tried)) > at:
                found.append((at, end))
        return found


def words_of(said: Sequence[str]) -> Words:
    """Read the words of one item."""
    return Words(
        frozenset(word for word in said if "*" not in word),
        tuple(word[:-1] for word in said if word.endswith("*")),
        tuple(word[1:] for word in said if word.startswith("*")),
    )


def pattern_of(said: str, vocabulary: Vocabulary) -> Pattern:
    """Read a pattern.

    Raises:
        ValueError: It has no word, a word in capitals, or begins with no certain word.
        KeyError: It names a list or a verb that there is not.
    """
    items = said.split()
    if not items:
        raise ValueError("a pattern without a word")
    verb = vocabulary.verbs[items[0][1:-1]] if items[0].startswith("<") else None
    pattern = Pattern(tuple(_step(item, vocabulary) for item in items), frozenset(verb.bare) if verb else frozenset())
    if pattern.steps[0].is_optional or pattern.steps[0].gap:
        raise ValueError(f"{said}: begins with no certain word")
    return pattern


def _step(item: str, vocabulary: Vocabulary) -> Step:
    if item.startswith(".."):
        return Step(words_of(()), gap=int(item[2:]))
    is_optional = item.startswith("[")
    said: list[str] = []
    for part in item.removeprefix("[").removesuffix("]").split("|"):
        if part.startswith("<"):
            said += vocabulary.verbs[part[1:-1]].told + vocabulary.verbs[part[1:-1]].bare
        elif part.startswith("@"):
            said += vocabulary.lists[part[1:]]
        else:
            said.append(part)
    if not all(word and word == word.lower() for word in said):
        raise ValueError(f"{item}: a word is missing or not in lower case")
    return Step(words_of(said), is_optional=is_optional)


def firsts_of(said: str, pattern: Pattern) -> list[str]:
    """The words with which a match of a cue begins."""
    if pattern.steps[0].words.beginnings or pattern.steps[0].words.ends:
        raise ValueError(f"{said}: begins with no certain word")
    return sorted(pattern.steps[0].words.whole)


def index_of(said: Sequence[str], vocabulary: Vocabulary) -> Index:
    """Read patterns into an index."""
    by_word: dict[str, list[Pattern]] = {}
    partial = []
    for one in said:
        pattern = pattern_of(one, vocabulary)
        if pattern.steps[0].words.beginnings or pattern.steps[0].words.ends:
            partial.append(pattern)
            continue
        for word in pattern.steps[0].words.whole:
            by_word.setdefault(word, []).append(pattern)
    firsts = [pattern.steps[0].words for pattern in partial]
    for words in firsts:
        for word in words.whole:  # beside a beginning in one item
            by_word.setdefault(word, [])
    return Index(
        {word: tuple(patterns) for word, patterns in by_word.items()},
        tuple(partial),
        tuple(one for words in firsts for one in words.beginnings),
        tuple(one for words in firsts for one in words.ends),
    )
