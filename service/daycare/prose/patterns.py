"""Compiles and matches the word patterns of the language files. Owns the syntax of patterns.

    clapped|claps       one of these words
    [her|his]           one of these words, or no word
    stack*  *n't        any word with this beginning, any word with this end
    ..3                 0 to 3 words of the same clause
    <clap>              any form of this verb, from the file's `verbs`
    @hers               any word of this list, from the file's `lists`
    #child              the child's own name

Every repetition has a bound, so matching a pattern takes a bounded number of steps.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from service.daycare.prose.text import Token

CHILD: Final = "#child"


class VerbForms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The forms of a verb. A form in `standalone` states an action without another word (clapped).

    A form in `bare` needs a word before it (clapping).
    """

    standalone: tuple[str, ...]
    bare: tuple[str, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True):
    """The word lists and the verbs of one language file. The patterns of that file may name these lists and verbs."""

    lists: Mapping[str, tuple[str, ...]] = {}
    verbs: Mapping[str, VerbForms] = {}


class Words(msgspec.Struct, frozen=True):
    """A set of words: the words in `whole`, and all words that have one of the `beginnings` or one of the `ends`."""

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
    """One item of a pattern: a required word, an optional word, or a gap of at most `gap` words."""

    words: Words
    is_optional: bool = False
    gap: int = 0


class Pattern(msgspec.Struct, frozen=True):
    """A sequence of steps. The first step is always a required word."""

    steps: tuple[Step, ...]
    bare: frozenset[str] = frozenset()
    """The forms of the pattern's first verb that need a word before them. Empty if the pattern does not begin with a verb."""

    def end(self, tokens: Sequence[Token], clauses: Sequence[int], start: int) -> int:
        """Returns the position after the longest match that begins at `start`, or -1 if there is no match.

        Does not compare the first word, because the caller found the pattern by that word.
        """
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
    """Patterns by their first word, so that only a few patterns are tried at each word of a text."""

    by_word: Mapping[str, tuple[Pattern, ...]]
    partial: tuple[Pattern, ...] = ()
    """The patterns whose first word is described by its beginning or its end."""
    beginnings: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    def may_be_in(self, words: frozenset[str]) -> bool:
        """Returns whether a pattern may begin with one of these words. This check is much faster than `spans`."""
        if not words.isdisjoint(self.by_word):
            return True
        return bool(self.partial) and any(word.startswith(self.beginnings) or word.endswith(self.ends) for word in words)

    def spans(self, tokens: Sequence[Token], clauses: Sequence[int]) -> list[tuple[int, int]]:
        """Returns the start and the end of each match, in order.

        Of matches with the same start, returns only the longest match.
        """
        found = []
        for at, token in enumerate(tokens):
            tried = self.by_word.get(token.word, ())
            if self.partial:
                tried += tuple([one for one in self.partial if token.word in one.steps[0].words])
            if tried and (end := max(pattern.end(tokens, clauses, at) for pattern in tried)) > at:
                found.append((at, end))
        return found


def words_of(words: Sequence[str]) -> Words:
    """Sorts the words of a pattern's item into whole words, beginnings (`stack*`) and ends (`*n't`)."""
    return Words(
        frozenset(word for word in words if "*" not in word),
        tuple(word[:-1] for word in words if word.endswith("*")),
        tuple(word[1:] for word in words if word.startswith("*")),
    )


def pattern_of(source: str, vocabulary: Vocabulary) -> Pattern:
    """Compiles a pattern.

    Raises:
        ValueError: The pattern has no word, has a word in capitals, or begins with an optional word or a gap.
        KeyError: The pattern names a list or a verb that does not exist.
    """
    items = source.split()
    if not items:
        raise ValueError("a pattern without a word")
    verb = vocabulary.verbs[items[0][1:-1]] if items[0].startswith("<") else None
    pattern = Pattern(tuple(_step(item, vocabulary) for item in items), frozenset(verb.bare) if verb else frozenset())
    if pattern.steps[0].is_optional or pattern.steps[0].gap:
        raise ValueError(f"{source}: begins with no required word")
    return pattern


def _step(item: str, vocabulary: Vocabulary) -> Step:
    if item.startswith(".."):
        return Step(words_of(()), gap=int(item[2:]))
    is_optional = item.startswith("[")
    words: list[str] = []
    for part in item.removeprefix("[").removesuffix("]").split("|"):
        if part.startswith("<"):
            words += vocabulary.verbs[part[1:-1]].standalone + vocabulary.verbs[part[1:-1]].bare
        elif part.startswith("@"):
            words += vocabulary.lists[part[1:]]
        else:
            words.append(part)
    if not all(word and word == word.lower() for word in words):
        raise ValueError(f"{item}: a word is missing or not in lower case")
    return Step(words_of(words), is_optional=is_optional)


def first_words(source: str, pattern: Pattern) -> list[str]:
    """Returns the words with which a match of a cue can begin, sorted.

    Raises:
        ValueError: The first word is described by its beginning or its end.
    """
    if pattern.steps[0].words.beginnings or pattern.steps[0].words.ends:
        raise ValueError(f"{source}: begins with no required word")
    return sorted(pattern.steps[0].words.whole)


def index_of(patterns: Sequence[str], vocabulary: Vocabulary) -> Index:
    """Compiles patterns and returns an index of them."""
    by_word: dict[str, list[Pattern]] = {}
    partial = []
    for source in patterns:
        pattern = pattern_of(source, vocabulary)
        if pattern.steps[0].words.beginnings or pattern.steps[0].words.ends:
            partial.append(pattern)
            continue
        for word in pattern.steps[0].words.whole:
            by_word.setdefault(word, []).append(pattern)
    firsts = [pattern.steps[0].words for pattern in partial]
    for words in firsts:
        for word in words.whole:  # an item may have whole words and beginnings
            by_word.setdefault(word, [])
    return Index(
        {word: tuple(found) for word, found in by_word.items()},
        tuple(partial),
        tuple(one for words in firsts for one in words.beginnings),
        tuple(one for words in firsts for one in words.ends),
    )
