"""Finds the great firsts that a sentence possibly mentions, so that the note can be held from a parent who waits for them.

Favours recall: any trigger word is a possible mention, unless it is denied or planned, has another meaning in its phrase, is part
of a title, or is certainly the act of somebody else. Owns these exceptions. Does not decide what is recorded; `reader` does, and
uses `counts` for it. Examines each word of a sentence a bounded number of times.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from service.daycare.prose.nets import Doubts, Net, doubts, together
from service.daycare.prose.patterns import Index
from service.daycare.prose.subject import Clauses

DENIED_WITHIN: Final = 8
"""How many words after a denial it still denies, within its clause."""
LATE_WITHIN: Final = 4
"""The same for words before a denial that follows its verb."""
PLANNED_WITHIN: Final = 6
"""The same for words after a plan."""
CLAUSES_BACK: Final = 6
"""How many clauses are searched backwards for the actor."""
WORDS_BACK: Final = 24
"""How many words of a clause are searched for the actor."""
TITLE_SHARE_MAX: Final = 0.6
"""Above this share of words with a capital a sentence is a headline: there a capital does not mark a title."""
SHORT_WORDS: Final = 3
"""A sentence of at most so many words needs no second word beside the trigger word."""
QUOTED_MAX: Final = 3
"""At most so many quoted words may be words that the child spoke."""
FIRST_WORD: Final = ("talking.first-word",)


class Doubted:
    """Finds the possible mentions of one sentence, read in one language."""

    def __init__(self, line: Clauses) -> None:
        self._line = line
        self._of: Doubts = doubts()[line.language.name]

    def told(self) -> Iterator[tuple[str, ...]]:
        """Yields, for each trigger set that matches, its milestones: the sentence possibly mentions one of them."""
        of = self._of
        hits = [(net, spans) for net in of.nets if (spans := self._spans(net.words))]
        if any(self.counts(at, at + 1) for at in self._quoted()):
            yield FIRST_WORD
        for net, spans in hits:
            if self._holds(net, spans):
                yield net.keys

    def is_vague(self) -> bool:
        """Returns whether the sentence announces something great without saying what it was."""
        of = self._of
        if not (self._spans(of.vague) or of.are_signs(self._words)):
            return False
        return not any(map(self._spans, (of.vague_unless, of.denials, of.late_denials, of.plans_anywhere)))

    def counts(self, start: int, end: int) -> bool:
        """Returns whether these words count: not denied, not planned, not in a title, and not the act of somebody else."""
        is_only_planned = start < self._planned_until or start in self._speaks_against
        return not (is_only_planned or self._is_title(start) or self._is_anothers(start))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(token.word for token in self._line.tokens)

    def _spans(self, index: Index) -> list[tuple[int, int]]:
        if not index.may_be_in(self._words):
            return []
        return index.spans(self._line.tokens, self._line.clause_of)

    def _holds(self, net: Net, spans: Sequence[tuple[int, int]]) -> bool:
        if self._spans(net.unless):
            return False
        is_short = len(self._line.tokens) <= SHORT_WORDS  # "Mia stands!" is complete
        if net.needs is not None and not is_short and not self._spans(net.needs):
            return False
        passed = self._spans(net.harmless)
        harmless = {at for start, end in passed for at in range(start, end)}
        return any(harmless.isdisjoint(range(start, end)) and self.counts(start, end) for start, end in spans)

    @cached_property
    def _planned_until(self) -> int:
        """The place before which all words are planned: a "but" behind the last plan, or the sentence's end; 0 without a plan."""
        line = self._line
        spans = self._spans(self._of.plans_anywhere)
        planned = [end for start, end in spans if not (start in self._harmless or line.tokens[start].is_child)]
        if not planned:
            return 0
        turns = [start for start in line.starts if start >= planned[-1] and line.is_in(start, "adversatives")]
        return min(turns, default=len(line.tokens))

    @cached_property
    def _harmless(self) -> frozenset[int]:
        """The places of words that look like a denial or a plan and are none."""
        return frozenset(at for start, end in self._spans(self._of.no_denials) for at in range(start, end))

    @cached_property
    def _is_both(self) -> bool:
        """Whether the child did the same as somebody else: "so did Mia"."""
        tokens = self._line.tokens
        is_named = any(token.is_child or self._line.is_in(at, "she", "he") for at, token in enumerate(tokens))
        return is_named and bool(self._spans(self._of.also))

    @cached_property
    def _speaks_against(self) -> frozenset[int]:
        """The places of the words that a denial or a plan of the same clause covers."""
        of = self._of
        reaches = (
            (of.denials, DENIED_WITHIN),
            (of.close_denials, 2),
            (of.late_denials, -LATE_WITHIN),
            (of.plans, PLANNED_WITHIN),
        )
        return frozenset(at for index, within in reaches for at in self._reach(index, within))

    def _reach(self, index: Index, within: int) -> Iterator[int]:
        """Yields the places that the matches of an index cover: `within` words after them, or before them if it is negative."""
        line = self._line
        for start, end in self._spans(index):
            if start in self._harmless or line.tokens[start].is_quoted or line.tokens[start].is_child:
                continue
            reached = range(start, min(end + within, len(line.tokens))) if within > 0 else range(max(0, start + within), end)
            yield from (at for at in reached if line.clause_of[at] == line.clause_of[start])

    def _quoted(self) -> list[int]:
        """Returns the places of the quoted words, if they may be the child's own: at most 3, and no title is likely."""
        quoted = [at for at, token in enumerate(self._line.tokens) if token.is_quoted]
        return quoted if len(quoted) <= QUOTED_MAX and not self._things else []

    @cached_property
    def _things(self) -> frozenset[int]:
        """The places of words for things that have titles: a room, a book, a class."""
        return frozenset(at for at, one in enumerate(self._line.tokens) if one.word in together("things") and not one.is_quoted)

    @cached_property
    def _is_headline(self) -> bool:
        tokens = self._line.tokens
        return len(tokens) > 2 and sum(token.is_capital for token in tokens) > TITLE_SHARE_MAX * len(tokens)

    @cached_property
    def _labelled(self) -> frozenset[int]:
        """The clauses behind a label that names such a thing ("Activity: ..."), unless they name the child."""
        line = self._line
        things = {line.clause_of[at] for at in self._things}
        children = {line.clause_of[at] for at, token in enumerate(line.tokens) if token.is_child}
        return frozenset(
            clause
            for clause, start in enumerate(line.starts)
            if line.tokens[start].follows_colon and clause - 1 in things and clause not in children
        )

    def _is_title(self, at: int) -> bool:
        """Returns whether a word is part of a title of a book, a room or a class.

        It is quoted, or behind a label, or has a capital beside a word for such a thing.
        """
        if not self._things:
            return False
        tokens = self._line.tokens
        token = tokens[at]
        if token.is_quoted or self._line.clause_of[at] in self._labelled:
            return True
        if not token.is_capital:
            return False
        beside = [other for other in (at - 1, at + 1) if 0 <= other < len(tokens)]
        if any(other in self._things and tokens[other].is_capital for other in beside):
            return True
        is_second = at > 0 and tokens[at - 1].is_capital and not tokens[at - 1].is_child
        is_beside = any(
            other in self._things or (tokens[other].is_capital and at > 0 and not tokens[other].is_child) for other in beside
        )
        return not self._is_headline and (is_second or is_beside)

    def _is_anothers(self, start: int) -> bool:
        """Returns whether another person, a group or an animal certainly did the act that starts at this word."""
        line, of = self._line, self._of
        if self._is_both:
            return False
        if line.tokens[start].word in of.finite and any(
            line.tokens[at].word in of.plurals for at in range(max(0, start - 2), start)
        ):
            return True
        clause = line.clause_of[start]
        for back in range(clause, max(-1, clause - CLAUSES_BACK), -1):
            if (is_child := self._actor(back, start)) is not None:
                return not is_child
            first = line.starts[back]
            if line.tokens[first].follows_break and not line.is_in(first, "joints", "relatives"):
                return False  # "As Grandma left, waved goodbye": the subject of the clause before is not the actor
        return False

    def _actor(self, clause: int, before: int) -> bool | None:
        """Returns whether the child is the actor in a clause; None if the clause names nobody, or only an observer."""
        line = self._line
        first, last = line.starts[clause], min(line.end(clause), before)
        first = max(first, last - WORDS_BACK)
        is_other = False
        for at in range(first, last):
            if line.tokens[at].is_child or line.is_in(at, "she", "he", "objects"):
                if self._is_owner(at, last):
                    return False
                if at == first or not is_other or line.tokens[at - 1].word not in self._of.prepositions:
                    return True
            elif not is_other and line.is_in(at, "speakers"):
                return True
            elif is_other and line.is_in(at, "reports"):
                return None
            elif not is_other and self._is_other(at, first):
                is_other = True
        if is_other:
            return False
        is_relative = 0 < first < last and line.is_in(first, "relatives") and not line.tokens[first - 1].is_child
        return False if is_relative and self._is_somebody(first - 1) else None

    def _is_owner(self, at: int, last: int) -> bool:
        """Returns whether the child is named here only to name another person: Mia's brother; her little friend Aisha."""
        line = self._line
        after = at + 2 if at + 1 < len(line.tokens) and line.tokens[at + 1].word == "'s" else at + 1
        if after == at + 1 and line.tokens[at].is_child:
            return False
        return any(line.is_in(other, "persons") for other in range(after, min(after + 3, last)))

    def _is_other(self, at: int, first: int) -> bool:
        """Returns whether another person or a group is named here who may be the actor."""
        line, of = self._line, self._of
        token = line.tokens[at]
        back = range(max(first, at - DENIED_WITHIN), at)
        if any(line.tokens[other].word in of.finite or line.is_in(other, "plain") for other in back):
            return False  # a verb is before the name, which is then its object
        if token.is_quoted or (
            at > first and (line.tokens[at - 1].word in of.prepositions or line.is_in(at - 1, "links", "reports"))
        ):
            return False
        if self._is_known(at):
            return True
        if not token.is_capital or len(token.word) < 2 or token.word in line.language.roles or token.word in of.finite:
            return False
        if at > 0 and line.language.file.all_names_are_capital:
            return not line.is_in(at - 1, "determiners", "titles") and not token.word.endswith("ly")
        is_next = at + 1 < len(line.tokens) and line.tokens[at + 1].word in of.finite
        return is_next and not any(
            (line.is_in(other, "she", "he") or line.tokens[other].is_child) and line.tokens[other - 1].word not in of.prepositions
            for other in range(at + 1, min(at + 4, line.end(line.clause_of[at])))
        )

    def _is_known(self, at: int) -> bool:
        return self._line.tokens[at].word in together("strangers") or self._line.is_in(at, "persons", "titles")

    def _is_somebody(self, at: int) -> bool:
        """Returns whether a word names another person: *Harry*, who stood."""
        return self._is_known(at) or (self._line.tokens[at].is_capital and self._line.is_name(at))
