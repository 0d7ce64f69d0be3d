"""Finds the great firsts, such as first steps, that a sentence possibly mentions.

A note that possibly mentions a first is held from a parent who keeps this first. So recall matters more than precision: any
trigger word is a possible mention. Owns the four exceptions: the word is denied or planned, has another meaning in its phrase, is
part of a title, or names an act that is certainly another person's. `reader` uses `counts` to decide which milestones are
recorded. The time of a search is bounded, because each word of a sentence is examined a bounded number of times.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from service.daycare.prose.patterns import Index
from service.daycare.prose.subject import ParsedSentence
from service.daycare.prose.trigger_words import TriggerSet, TriggerWords, in_all_languages, triggers_by_language

DENIED_WITHIN: Final = 8
"""Number of words after a denial, within its clause, that the denial covers."""
LATE_WITHIN: Final = 4
"""Number of words before a late denial ("crawls not yet"), within its clause, that the denial covers."""
PLANNED_WITHIN: Final = 6
"""Number of words after a plan, within its clause, that the plan covers."""
CLAUSES_BACK: Final = 6
"""Number of clauses that are searched for the actor of an act: the clause of the act, and the clauses before it."""
WORDS_BACK: Final = 24
"""Number of words that are searched for the actor in one clause."""
TITLE_SHARE_MAX: Final = 0.6
"""The largest share of capitalised words in an ordinary sentence. A sentence with a larger share is a headline. In a headline, a
capital does not mark a title."""
SHORT_WORDS: Final = 3
"""Largest number of words in a short sentence, such as `Mia stands!`. In a short sentence, no word of `needs` is required."""
QUOTED_MAX: Final = 3
"""The largest number of quoted words in a sentence that may be the child's own first words."""
FIRST_WORD: Final = ("talking.first-word",)


class SentenceMentions:
    """The possible mentions of great firsts in one sentence, which was parsed in one language."""

    def __init__(self, sentence: ParsedSentence) -> None:
        self._sentence = sentence
        self._triggers: TriggerWords = triggers_by_language()[sentence.language.name]

    def possible_keys(self) -> Iterator[tuple[str, ...]]:
        """Yields, for each trigger set that matches the sentence, the set's milestones.

        The sentence possibly mentions one of them.
        """
        triggers = self._triggers
        hits = [(trigger_set, spans) for trigger_set in triggers.sets if (spans := self._spans(trigger_set.words))]
        if any(self.counts(at, at + 1) for at in self._quoted()):
            yield FIRST_WORD
        for trigger_set, spans in hits:
            if self._matches(trigger_set, spans):
                yield trigger_set.keys

    def is_vague(self) -> bool:
        """Returns whether the sentence announces something great, but does not name the milestone."""
        triggers = self._triggers
        if not (self._spans(triggers.vague) or triggers.are_signs(self._words)):
            return False
        excluding = (triggers.vague_unless, triggers.denials, triggers.late_denials, triggers.plans_anywhere)
        return not any(map(self._spans, excluding))

    def counts(self, start: int, end: int) -> bool:
        """Returns whether the words from `start` to `end` count as a mention.

        They do not count if they are denied, planned, part of a title, or another person's act.
        """
        is_only_planned = start < self._planned_before or start in self._denied_or_planned
        return not (is_only_planned or self._is_title(start) or self._is_act_of_another(start))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(token.word for token in self._sentence.tokens)

    def _spans(self, index: Index) -> list[tuple[int, int]]:
        if not index.may_be_in(self._words):
            return []
        return index.spans(self._sentence.tokens, self._sentence.clause_of)

    def _matches(self, trigger_set: TriggerSet, spans: Sequence[tuple[int, int]]) -> bool:
        if self._spans(trigger_set.unless):
            return False
        is_short = len(self._sentence.tokens) <= SHORT_WORDS  # "Mia stands!" is complete
        if trigger_set.needs is not None and not is_short and not self._spans(trigger_set.needs):
            return False
        harmless_spans = self._spans(trigger_set.harmless)
        harmless = {at for start, end in harmless_spans for at in range(start, end)}
        return any(harmless.isdisjoint(range(start, end)) and self.counts(start, end) for start, end in spans)

    @cached_property
    def _planned_before(self) -> int:
        """The position where the planned part ends: a "but" after the last plan, or the sentence's end. 0 if there is no plan."""
        sentence = self._sentence
        spans = self._spans(self._triggers.plans_anywhere)
        planned = [end for start, end in spans if not (start in self._harmless or sentence.tokens[start].is_child)]
        if not planned:
            return 0
        turns = [start for start in sentence.starts if start >= planned[-1] and sentence.is_in(start, "adversatives")]
        return min(turns, default=len(sentence.tokens))

    @cached_property
    def _harmless(self) -> frozenset[int]:
        """The positions of words that look like a denial or a plan, but are neither a denial nor a plan."""
        return frozenset(at for start, end in self._spans(self._triggers.false_denials) for at in range(start, end))

    @cached_property
    def _is_shared_act(self) -> bool:
        """Whether the sentence states that the child did the same as another person: "so did Mia"."""
        tokens = self._sentence.tokens
        is_named = any(token.is_child or self._sentence.is_in(at, "she", "he") for at, token in enumerate(tokens))
        return is_named and bool(self._spans(self._triggers.also))

    @cached_property
    def _denied_or_planned(self) -> frozenset[int]:
        """The positions of the words that a denial or a plan of the same clause covers."""
        triggers = self._triggers
        ranges = (
            (triggers.denials, DENIED_WITHIN),
            (triggers.close_denials, 2),
            (triggers.late_denials, -LATE_WITHIN),
            (triggers.plans, PLANNED_WITHIN),
        )
        return frozenset(at for index, within in ranges for at in self._covered_by(index, within))

    def _covered_by(self, index: Index, within: int) -> Iterator[int]:
        """Yields the positions of the words that each match of an index covers.

        A match covers itself and the next `within` words. If `within` is negative, it covers itself and the words before it.
        """
        sentence = self._sentence
        for start, end in self._spans(index):
            if start in self._harmless or sentence.tokens[start].is_quoted or sentence.tokens[start].is_child:
                continue
            covered = range(start, min(end + within, len(sentence.tokens))) if within > 0 else range(max(0, start + within), end)
            yield from (at for at in covered if sentence.clause_of[at] == sentence.clause_of[start])

    def _quoted(self) -> list[int]:
        """Returns the positions of the quoted words that may be the child's own words.

        Returns an empty list for more than `QUOTED_MAX` quoted words, or if the sentence has a word for something with a title.
        """
        quoted = [at for at, token in enumerate(self._sentence.tokens) if token.is_quoted]
        return quoted if len(quoted) <= QUOTED_MAX and not self._titled else []

    @cached_property
    def _titled(self) -> frozenset[int]:
        """The positions of the words for things that have titles, such as a room, a book or a class."""
        things, tokens = in_all_languages("things"), self._sentence.tokens
        return frozenset(at for at, token in enumerate(tokens) if token.word in things and not token.is_quoted)

    @cached_property
    def _is_headline(self) -> bool:
        tokens = self._sentence.tokens
        return len(tokens) > 2 and sum(token.is_capital for token in tokens) > TITLE_SHARE_MAX * len(tokens)

    @cached_property
    def _labelled(self) -> frozenset[int]:
        """The numbers of the clauses that follow a label such as "Activity:" and do not name the child."""
        sentence = self._sentence
        things = {sentence.clause_of[at] for at in self._titled}
        children = {sentence.clause_of[at] for at, token in enumerate(sentence.tokens) if token.is_child}
        return frozenset(
            clause
            for clause, start in enumerate(sentence.starts)
            if sentence.tokens[start].follows_colon and clause - 1 in things and clause not in children
        )

    def _is_title(self, at: int) -> bool:
        """Returns whether a word is part of the title of a book, a room or a class.

        The sentence must contain a word such as "book". A title is quoted, or follows a label, or its words have a capital.
        """
        if not self._titled:
            return False
        tokens = self._sentence.tokens
        token = tokens[at]
        if token.is_quoted or self._sentence.clause_of[at] in self._labelled:
            return True
        if not token.is_capital:
            return False
        beside = [other for other in (at - 1, at + 1) if 0 <= other < len(tokens)]
        if any(other in self._titled and tokens[other].is_capital for other in beside):
            return True
        is_second = at > 0 and tokens[at - 1].is_capital and not tokens[at - 1].is_child
        is_beside = any(
            other in self._titled or (tokens[other].is_capital and at > 0 and not tokens[other].is_child) for other in beside
        )
        return not self._is_headline and (is_second or is_beside)

    def _is_act_of_another(self, start: int) -> bool:
        """Returns whether another person, a group or an animal certainly did the act that starts at this word."""
        sentence, triggers = self._sentence, self._triggers
        if self._is_shared_act:
            return False
        if sentence.tokens[start].word in triggers.finite_verbs and any(
            sentence.tokens[at].word in triggers.plural_pronouns for at in range(max(0, start - 2), start)
        ):
            return True
        clause = sentence.clause_of[start]
        for back in range(clause, max(-1, clause - CLAUSES_BACK), -1):
            if (is_child := self._is_child_acting(back, start)) is not None:
                return not is_child
            first = sentence.starts[back]
            if sentence.tokens[first].follows_break and not sentence.is_in(first, "conjunctions", "relatives"):
                return False  # "As Grandma left, waved goodbye": the subject of the previous clause is not the actor
        return False

    def _is_child_acting(self, clause: int, before: int) -> bool | None:
        """Returns whether the child is the actor in a clause; None if the clause names nobody, or only an observer."""
        sentence = self._sentence
        first, last = sentence.starts[clause], min(sentence.end(clause), before)
        first = max(first, last - WORDS_BACK)
        is_other = False
        for at in range(first, last):
            if sentence.tokens[at].is_child or sentence.is_in(at, "she", "he", "objects"):
                if self._is_possessive(at, last):
                    return False
                if at == first or not is_other or sentence.tokens[at - 1].word not in self._triggers.prepositions:
                    return True
            elif not is_other and sentence.is_in(at, "speakers"):
                return True
            elif is_other and sentence.is_in(at, "reports"):
                return None
            elif not is_other and self._is_possible_actor(at, first):
                is_other = True
        if is_other:
            return False
        is_relative = 0 < first < last and sentence.is_in(first, "relatives") and not sentence.tokens[first - 1].is_child
        return False if is_relative and self._is_person(first - 1) else None

    def _is_possessive(self, at: int, last: int) -> bool:
        """Returns whether the word for the child begins a phrase for another person: Mia's brother; her little friend Aisha."""
        sentence = self._sentence
        after = at + 2 if at + 1 < len(sentence.tokens) and sentence.tokens[at + 1].word == "'s" else at + 1
        if after == at + 1 and sentence.tokens[at].is_child:
            return False
        return any(sentence.is_in(other, "persons") for other in range(after, min(after + 3, last)))

    def _is_possible_actor(self, at: int, first: int) -> bool:
        """Returns whether the word at this position names another person or a group that may be the actor."""
        sentence, triggers = self._sentence, self._triggers
        token = sentence.tokens[at]
        back = range(max(first, at - DENIED_WITHIN), at)
        if any(sentence.tokens[other].word in triggers.finite_verbs or sentence.is_in(other, "everyday_verbs") for other in back):
            return False  # a verb is before the name, so the name is the verb's object
        if token.is_quoted or (
            at > first and (sentence.tokens[at - 1].word in triggers.prepositions or sentence.is_in(at - 1, "links", "reports"))
        ):
            return False
        if self._is_known_person(at):
            return True
        if not token.is_capital or len(token.word) < 2:
            return False
        if token.word in sentence.language.roles or token.word in triggers.finite_verbs:
            return False
        if at > 0 and sentence.language.file.all_names_are_capital:
            return not sentence.is_in(at - 1, "determiners", "titles") and not token.word.endswith("ly")
        is_next = at + 1 < len(sentence.tokens) and sentence.tokens[at + 1].word in triggers.finite_verbs
        return is_next and not any(
            (sentence.is_in(other, "she", "he") or sentence.tokens[other].is_child)
            and sentence.tokens[other - 1].word not in triggers.prepositions
            for other in range(at + 1, min(at + 4, sentence.end(sentence.clause_of[at])))
        )

    def _is_known_person(self, at: int) -> bool:
        return self._sentence.tokens[at].word in in_all_languages("other_actors") or self._sentence.is_in(at, "persons", "titles")

    def _is_person(self, at: int) -> bool:
        """Returns whether a word names another person, such as `Harry` in `Harry stood`."""
        return self._is_known_person(at) or (self._sentence.tokens[at].is_capital and self._sentence.is_name(at))
