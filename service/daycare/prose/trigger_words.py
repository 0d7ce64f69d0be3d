"""Reads the files of trigger words: words with which a sentence possibly mentions a great first, such as first steps.

The files also contain words that exclude such a mention. Owns the schema of `triggers/*.toml`, one file for each language. The
syntax of patterns is in `patterns`.
"""

import tomllib
from functools import cache, partial
from importlib import resources
from typing import Final

import msgspec

from service.daycare.prose.cues import LanguageFileInvalid
from service.daycare.prose.patterns import Index, Vocabulary, index_of

SIGNS_MIN: Final = 2
"""Smallest number of kinds of signs that make a sentence a vague announcement."""


class TriggerSetFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The trigger words for one great first, as they are written in the file: each is a pattern."""

    keys: tuple[str, ...]
    words: tuple[str, ...]
    """The trigger words. The set matches only if one of them is in the sentence."""
    needs: tuple[str, ...] = ()
    """Further words. If there are any, the set matches only if one of them is in the sentence, too."""
    harmless: tuple[str, ...] = ()
    """Phrases in which a trigger word has another meaning."""
    unless: tuple[str, ...] = ()
    """Words that exclude the whole set, wherever in the sentence they are."""


class TriggerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of one language's file of trigger words."""

    denials: tuple[str, ...]
    close_denials: tuple[str, ...]
    """Denials that cover only the next two words of their clause."""
    late_denials: tuple[str, ...]
    """Denials that cover the words before them: "she crawls not yet". Some languages usually have this order of words."""
    false_denials: tuple[str, ...]
    """Phrases that look like a denial or a plan, but are no denial and no plan: "cannot believe"."""
    plans: tuple[str, ...]
    """Words for plans. A plan covers the next words of its clause."""
    plans_anywhere: tuple[str, ...]
    """Words for plans and conditions that cover their whole sentence, or the part of it before a later "but"."""
    also: tuple[str, ...]
    """Words that state that the child did the same as another person: "so did Mia"."""
    other_actors: tuple[str, ...]
    """Words for other people and animals that may be the actor of an act."""
    prepositions: tuple[str, ...]
    """Words after which a name is not the actor: she walked *to* Leo."""
    plural_pronouns: tuple[str, ...]
    """Pronouns for a group. If a verb is directly after such a pronoun, the group is the verb's actor: *we* walked."""
    finite_verbs: tuple[str, ...]
    """Forms of a verb that need a subject: `walked`, `stands`."""
    things: tuple[str, ...]
    """Words for things that have titles: room, book, class."""
    vague: tuple[str, ...]
    """Phrases that announce something great, but do not name the milestone."""
    vague_unless: tuple[str, ...] = ()
    """Everyday words: lunch, birthday. In a sentence with such a word, a vague phrase announces nothing great."""
    signs: dict[str, tuple[str, ...]] = {}
    """Words for signs of something great, by kind: her feet, for the first time. Signs of two kinds make a sentence vague."""
    lists: dict[str, tuple[str, ...]] = {}
    sets: tuple[TriggerSetFile, ...] = ()


class TriggerSet(msgspec.Struct, frozen=True):
    """The compiled trigger words for one great first, such as the first steps. `needs` is None if no further word is needed."""

    keys: tuple[str, ...]
    words: Index
    needs: Index | None
    harmless: Index
    unless: Index


class TriggerWords(msgspec.Struct, frozen=True, kw_only=True):
    """One language's file of trigger words with compiled patterns."""

    denials: Index
    close_denials: Index
    late_denials: Index
    false_denials: Index
    plans: Index
    plans_anywhere: Index
    also: Index
    vague: Index
    vague_unless: Index
    signs: tuple[frozenset[str], ...]
    other_actors: frozenset[str]
    things: frozenset[str]
    finite_verbs: frozenset[str]
    plural_pronouns: frozenset[str]
    prepositions: frozenset[str]
    sets: tuple[TriggerSet, ...]

    def may_be_in(self, words: frozenset[str]) -> bool:
        """Returns whether a sentence of these words may contain a possible mention.

        If the result is False, it certainly contains none.
        """
        return self.are_signs(words) or any(index.may_be_in(words) for index in (self.vague, *(one.words for one in self.sets)))

    def are_signs(self, words: frozenset[str]) -> bool:
        """Returns whether these words contain signs of at least two kinds."""
        return sum(not words.isdisjoint(kind) for kind in self.signs) >= SIGNS_MIN


def read_trigger_file(name: str, content: bytes) -> TriggerWords:
    """Reads one language's file of trigger words.

    Raises:
        LanguageFileInvalid: The file is not TOML, has an unknown or a missing field, or an invalid pattern.
    """
    try:
        file = msgspec.convert(tomllib.loads(content.decode()), TriggerFile)
        index = partial(index_of, vocabulary=Vocabulary(file.lists))
        sets = tuple(
            TriggerSet(
                keys=one.keys,
                words=index(one.words),
                needs=index(one.needs) if one.needs else None,
                harmless=index(one.harmless),
                unless=index(one.unless),
            )
            for one in file.sets
        )
        return TriggerWords(
            denials=index(file.denials),
            close_denials=index(file.close_denials),
            late_denials=index(file.late_denials),
            false_denials=index(file.false_denials),
            plans=index(file.plans),
            plans_anywhere=index(file.plans_anywhere),
            also=index(file.also),
            vague=index(file.vague),
            vague_unless=index(file.vague_unless),
            signs=tuple(map(frozenset, file.signs.values())),
            other_actors=frozenset(file.other_actors),
            things=frozenset(file.things),
            finite_verbs=frozenset(file.finite_verbs),
            plural_pronouns=frozenset(file.plural_pronouns),
            prepositions=frozenset(file.prepositions),
            sets=sets,
        )
    except (ValueError, KeyError) as error:
        raise LanguageFileInvalid(f"{name}: {error}") from error


@cache
def triggers_by_language() -> dict[str, TriggerWords]:
    """Returns the trigger words of each language, by the language's name. Reads the files only once, at the first call."""
    folder = resources.files("service.daycare.prose") / "triggers"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {name: read_trigger_file(name, file.read_bytes()) for file in files if (name := file.name.removesuffix(".toml"))}


@cache
def in_all_languages(field: str) -> frozenset[str]:
    """Returns the words of one list in all languages, because notes mix languages."""
    return frozenset(word for one in triggers_by_language().values() for word in getattr(one, field))


@cache
def great_firsts() -> tuple[str, ...]:
    """Returns the great firsts: the milestones that have trigger words, such as first steps. Each milestone occurs once."""
    return tuple(dict.fromkeys(key for triggers in triggers_by_language().values() for one in triggers.sets for key in one.keys))
