"""Finds the milestones in a daycare's note: certain milestones, and milestones that the note possibly mentions.

Certain milestones are recorded on timelines, so precision comes first. A possible milestone only has the effect that the note is
held from a parent who keeps that milestone, so recall comes first. Owns the rule for certain milestones; `possible_mentions` owns
the rule for possible milestones. Knows no family, no clock and no source; the words of each language are data (`cues`,
`trigger_words`). The rule for certain milestones:

- The note states that the child did the act, in the past or present, for the first time or again ("loves walking" counts, too).
  Denials, plans, hopes, practice, near misses, questions, conditions, requests and songs do not count. A denial ends at "but", or
  at a clause that names the child again.
- Hearsay and other days do not count: "Mum says she walked at home", "yesterday".
- The subject of the clause is the child's name. "She" and "he" count, too, if no other person can be meant. A missing subject
  counts, as in a caption ("Clapped her hands!"). "They" does not count, because "they" may be anybody.
- Without `names`, every name is another person's name.
- Groups do not count: "the children danced". In "Mia and Leo danced", only the name next to the verb counts.
- Other actors (a brother, a bear, a train, we) do not count. If an unknown word is between the child and the verb, the milestone
  is uncertain.
- A milestone that children reach by themselves does not count in a sentence with a helping hand or a stroller.
- Of two cues that share words, the longer cue counts. A milestone that another milestone of the clause implies does not count.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Final

import msgspec

from events.catalogue import CATALOGUE
from service.daycare.prose.cues import Language, languages
from service.daycare.prose.names import ChildNames, child_pronouns, names_of
from service.daycare.prose.patterns import Index
from service.daycare.prose.possible_mentions import SentenceMentions
from service.daycare.prose.prefilter import may_have_milestones
from service.daycare.prose.retractions import may_be_retracted, without_retracted
from service.daycare.prose.subject import (
    CHILD_SUBJECTS,
    ClauseSubject,
    Match,
    NoteContext,
    ParsedSentence,
    actor_of,
    clauses_of,
    event_owner,
    record_people,
    subject_of,
)
from service.daycare.prose.text import Sentence, Token, prepared, sentences
from service.daycare.prose.trigger_words import great_firsts, triggers_by_language

TEXT_CHARACTERS_MAX: Final = 10_000
"""Largest number of characters of a note in an event. The rest of a longer text is not searched."""
FEWER_WORDS_MAX: Final = 2
"""The likeliest language has the most frequent words in a sentence. The sentence is also read in a language that has at most this
many fewer of these words."""
POSSIBLE_MAX: Final = 16
"""Largest number of possible milestones that an event may list."""

Span = tuple[int, int]


class Findings(msgspec.Struct, frozen=True, array_like=True):
    """The milestones of a note, as keys of the catalogue."""

    found: tuple[str, ...] = ()
    """The certain milestones, in the order of the note's words. The service records these milestones."""
    possible: tuple[str, ...] = ()
    """At most 16 possible milestones, without those in `found`. The note is held from a parent who keeps such a milestone."""


NOTHING: Final = Findings()


def findings_in(text: str, *, names: Collection[str] = ()) -> Findings:
    """Returns the certain and the possible milestones of a note.

    `names` are full names of the child: the name in the source and the names in the family. The same text and names give the same
    result. Accepts any text and never raises. The time is linear in the length of the text.
    """
    text = prepared(text[:TEXT_CHARACTERS_MAX])
    return read_prepared(text, names) if may_have_milestones(text) else NOTHING


def milestones_in(text: str, *, names: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the certain milestones of a note."""
    return findings_in(text, names=names).found


def read_prepared(text: str, names: Collection[str]) -> Findings:
    """Returns the same findings as `findings_in` for a prepared note, but without the fast check that skips most notes."""
    text = without_retracted(text)
    found: dict[str, None] = {}
    uncertain: dict[str, None] = {}
    triggered: dict[tuple[str, ...], None] = {}
    is_vague = False
    context = NoteContext()
    for readings, other_readings in _readings(text, names_of(names)):
        contexts = [NoteContext(context.is_about_another, context.has_other_person, context.gender) for _ in readings]
        for reading, its_context in zip(readings, contexts, strict=True):
            for key, is_certain in _milestones_of(reading, its_context):
                (found if is_certain else uncertain)[key] = None
        for mentions in map(SentenceMentions, (*readings, *other_readings)):
            triggered.update(dict.fromkeys(mentions.possible_keys()))
            is_vague = is_vague or mentions.is_vague()
        context = NoteContext(
            is_about_another=any(one.is_about_another for one in contexts),
            has_other_person=any(one.has_other_person for one in contexts),
            gender=contexts[0].gender,
        )
    if is_vague and not (found or uncertain or triggered):
        return Findings(possible=great_firsts()[:POSSIBLE_MAX])
    if may_be_retracted(text):
        keys = dict.fromkeys(key for of_set in triggered for key in of_set)
        return Findings(possible=tuple(found | uncertain | keys)[:POSSIBLE_MAX])
    return Findings(tuple(found), _possible_beside(found, uncertain, triggered))


def _possible_beside(
    found: Collection[str], uncertain: Collection[str], triggered: Collection[tuple[str, ...]]
) -> tuple[str, ...]:
    """Returns the possible milestones that are not certain. A trigger set adds nothing if one of its milestones is certain."""
    certain = {key for one in found for key in (one, *CATALOGUE.implied_by(one))}
    keys = [*uncertain, *(key for of_set in triggered if certain.isdisjoint(of_set) for key in of_set)]
    return tuple(key for key in dict.fromkeys(keys) if key not in certain)[:POSSIBLE_MAX]


def _readings(text: str, names: ChildNames) -> list[tuple[list[ParsedSentence], list[ParsedSentence]]]:
    """Returns two lists of parses for each sentence: in the likeliest languages, and in other languages with trigger words."""
    split = tuple(sentences(text, names=names, common=_common(), pronouns=child_pronouns(text, names)))
    counts_by_sentence = [_frequent_word_counts(sentence) for sentence in split]
    note_counts = [sum(column) for column in zip(*counts_by_sentence, strict=True)]
    readings = []
    for sentence, counts in zip(split, counts_by_sentence, strict=True):
        likely = _likeliest_languages(counts, note_counts)
        fewest = max(counts) - FEWER_WORDS_MAX
        others = [one for one, count in zip(languages(), counts, strict=True) if one not in likely and count >= fewest]
        words = frozenset(token.word for token in sentence.tokens)
        triggering = [one for one in others if triggers_by_language()[one.name].may_be_in(words)]
        readings.append(([_parsed(sentence, one) for one in likely], [_parsed(sentence, one) for one in triggering]))
    return readings


@cache
def _common() -> frozenset[str]:
    """Returns everyday words. If such a word is also a name (will, may), it is read as a name only if it has a capital."""
    return frozenset(word for one in languages() for word in (*one.words["between"], *one.guards.by_word))


def _frequent_word_counts(sentence: Sentence) -> list[int]:
    """Returns how many frequent words of each language a sentence has, in the order of `languages()`."""
    languages_by_word, counts = _languages_by_frequent_word(), [0] * len(languages())
    for token in sentence.tokens:
        if not token.is_child:
            for number in languages_by_word.get(token.word, ()):
                counts[number] += 1
    return counts


@cache
def _languages_by_frequent_word() -> dict[str, list[int]]:
    """Returns, for each frequent word, the indexes in `languages()` of the languages in which the word is frequent."""
    found: dict[str, list[int]] = {}
    for number, language in enumerate(languages()):
        for word in language.frequent_words:
            found.setdefault(word, []).append(number)
    return found


def _likeliest_languages(counts: Sequence[int], note_counts: Sequence[int]) -> list[Language]:
    """Returns the languages with the most frequent words in a sentence. If several have as many, the note's counts decide."""
    scores = list(zip(counts, note_counts, strict=True))
    most = max(scores)
    return [language for language, score in zip(languages(), scores, strict=True) if score == most]


def _parsed(sentence: Sentence, language: Language) -> ParsedSentence:
    """Splits a sentence into clauses and finds the cues in the sentence, with the words of one language."""
    clause_of, starts = clauses_of(sentence.tokens, language)
    matches = _matches(sentence.tokens, clause_of, language)
    return ParsedSentence(
        language=language,
        tokens=sentence.tokens,
        clause_of=clause_of,
        starts=starts,
        matches=matches,
        covered=frozenset(at for match in matches for at in range(match.start, match.end)),
        is_question=sentence.is_question,
    )


def _milestones_of(sentence: ParsedSentence, context: NoteContext) -> Iterator[tuple[str, bool]]:
    """Yields each milestone that the cues of a sentence name, and whether the milestone is certain. Updates `context`."""
    clause_of, starts, language = sentence.clause_of, sentence.starts, sentence.language
    guarded = _guarded(sentence, language.guards) if sentence.matches else {}
    is_void = not sentence.matches or sentence.is_question or bool(_guarded(sentence, language.sentence_guards))
    in_clause: dict[int, list[Match]] = {}
    for match in sentence.matches:
        in_clause.setdefault(clause_of[match.start], []).append(match)
    meanings, mentions = _OtherMeanings(sentence), SentenceMentions(sentence)
    before, is_denied = ClauseSubject.NOBODY, False
    for clause in range(len(starts)):
        own = subject_of(sentence, clause, context)
        is_new = clause > 0 and (
            own in (ClauseSubject.CHILD, ClauseSubject.PRONOUN) or sentence.is_in(starts[clause], "adversatives")
        )
        is_denied = (is_denied and not is_new) or clause in guarded
        is_denied_behind = clause + 1 in guarded and _is_only_guard(sentence, clause + 1, guarded[clause + 1])
        first_actor = ClauseSubject.NOBODY
        counted = []
        for match in in_clause.get(clause, ()):
            if match.cue.is_event:
                actor = event_owner(sentence, match, own, before, context)
            else:
                actor = actor_of(sentence, match, before, context)
            first_actor = actor if first_actor is ClauseSubject.NOBODY else first_actor
            if is_void or is_denied or is_denied_behind or meanings.apply_to(match):
                continue
            if actor in CHILD_SUBJECTS and mentions.counts(match.start, match.end):
                counted.append(match.cue.key)
            elif actor is ClauseSubject.UNCLEAR and match.cue.key not in _trigger_keys():
                yield match.cue.key, False
        yield from ((key, True) for key in counted if CATALOGUE.implying(key).isdisjoint(counted))
        before = next(
            (who for who in (own, first_actor) if who in (ClauseSubject.CHILD, ClauseSubject.PRONOUN)),
            own if own is not ClauseSubject.NOBODY else before,
        )
        record_people(sentence, clause, before, context)


@cache
def _trigger_keys() -> frozenset[str]:
    """Returns the great firsts, the milestones that imply a great first, and the milestones that a great first implies.

    An uncertain cue for one of these milestones is ignored, because the trigger words decide better whether the note mentions
    that milestone.
    """
    return frozenset(one for key in great_firsts() for one in (key, *CATALOGUE.implied_by(key), *CATALOGUE.implying(key)))


def _matches(tokens: Sequence[Token], clause_of: Sequence[int], language: Language) -> tuple[Match, ...]:
    """Returns the cues of a sentence in order. Of cues that share a word, only the longest cue is returned."""
    found = [
        Match(at, end, cue)
        for at, token in enumerate(tokens)
        if not (token.is_quoted or token.is_child)
        for cue in language.cues.get(token.word, ())
        if (end := cue.pattern.end(tokens, clause_of, at)) > at
    ]
    if not found:
        return ()
    kept: list[Match] = []
    taken: set[int] = set()
    for match in sorted(found, key=_by_preference):
        if taken.isdisjoint(range(match.start, match.end)):
            kept.append(match)
            taken.update(range(match.start, match.end))
    return tuple(sorted(kept, key=lambda match: match.start))


def _by_preference(match: Match) -> tuple[int, int, int]:
    """Returns a sort key. Longer cues come first. Of cues of the same length, those that imply more milestones come first."""
    return match.start - match.end, -len(CATALOGUE.implied_by(match.cue.key)), match.start


def _guarded(sentence: ParsedSentence, guards: Index) -> dict[int, Span]:
    """Returns the span of the first guard in each clause. Leaves out a guard that is harmless, quoted or part of a cue."""
    spans = sentence.language.harmless.spans(sentence.tokens, sentence.clause_of)
    harmless = {at for start, end in spans for at in range(start, end)}
    found: dict[int, Span] = {}
    for start, end in guards.spans(sentence.tokens, sentence.clause_of):
        first = sentence.tokens[start]
        if start not in harmless and start not in sentence.covered and not (first.is_quoted or first.is_child):
            found.setdefault(sentence.clause_of[start], (start, end))
    return found


def _is_only_guard(sentence: ParsedSentence, clause: int, guard: Span) -> bool:
    """Returns whether a clause consists of a guard alone. Such a guard applies to the clause before it: "Walking, almost!"."""
    return guard[0] == sentence.starts[clause] and guard[1] == sentence.end(clause)


class _OtherMeanings:
    """The words of a sentence that give its cues another meaning. Searches the sentence only once for each list of such words."""

    def __init__(self, sentence: ParsedSentence) -> None:
        self._sentence = sentence
        self._spans: dict[int, list[Span]] = {}

    def apply_to(self, match: Match) -> bool:
        """Returns whether words of the sentence give this cue another meaning: "with help", "in the stroller"."""
        index = match.cue.unless
        if id(index) not in self._spans:
            tokens = self._sentence.tokens
            found = index.spans(tokens, self._sentence.clause_of)
            without = self._sentence.language.file.lists.get("without", ())
            self._spans[id(index)] = [span for span in found if not span[0] or tokens[span[0] - 1].word not in without]
        return bool(self._spans[id(index)])
