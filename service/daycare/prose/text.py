"""Splits a note into sentences and words, in the same way for every language. Owns the definition of a word and a sentence.

Knows no cue and no language: a word consists of letters, and punctuation ends a sentence. Text in quotation marks is speech or a
title. A quotation of at most 4 words is kept, and its words are marked as quoted ("she said 'more milk'"). A longer quotation is
removed. Quotation marks around a whole note are ignored. Each step reads the text once, so the time is linear in the length of
the text.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from service.daycare.prose.markup import plain
from service.daycare.prose.names import CHILD_MARK, FORMS_OF_ADDRESS, SUBSTITUTES, TITLES, ChildNames
from service.daycare.prose.sections import without_plans
from service.daycare.prose.typing_errors import corrected

QUOTED_WORDS_MAX: Final = 4
"""Largest number of words in a kept quotation. Four words are enough for a child's first words; a line of a song is longer."""

# A part that an apostrophe joins to a word becomes a separate word: she's, they'll, l'eau. But "isn't" stays one word.
PIECE: Final = re.compile(
    r"(?P<word>[^\W\d_]+n['’]t(?!\w)|(?:[cdjlmnst]|qu|jusqu|aujourd)['’](?=\w)|['’](?:s|m|re|ll|d|ve)(?!\w)|[^\W\d_]+|\ue000)"
    r"|(?P<number>\d+(?:[.,:]\d+)*)|(?P<end>[.!?…。]+|\n+)|(?P<break>[^\w\s'’¡¿])",
    re.IGNORECASE,
)
QUOTATION: Final = re.compile(
    r"\"[^\"\n]{1,300}\"|“[^“”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^«»\n]{1,300}»|»[^«»\n]{1,300}«"
    r"|(?<!\w)['‘][^'‘’\n]{1,60}['’](?!\w)"
)
WHOLE_QUOTATION: Final = re.compile(r"\s*(?:\"([^\"]*)\"|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»|»([^«»]*)«|['‘]([^'‘’]*)['’])\s*")
# A full stop after one of these abbreviations does not end the sentence.
SHORTENED: Final = frozenset(
    {"mr", "ms", "mrs", "dr", "st", "fr", "hr", "sra", "sr", "mme", "mlle", "mevr", "approx", "ca", "bzw"},
)
SHORT_FORMS: Final = (
    (re.compile(r"\b1st\b", re.I), "first"),
    (re.compile(r"\b1(?:er|re|ère|ere)\b", re.I), "premier"),
    (re.compile(r"\b1e(?= (?:stap|tand|woord|keer))", re.I), "eerste"),
    (re.compile(r"\b1\.(?= (?:Zahn|Zähnchen|Wort|Schritt))"), "erster"),
    (re.compile(r"\b1\.?[ºª°er]{1,2}(?= )", re.I), "primer"),
    (re.compile(r"\b2day\b", re.I), "today"),
    (re.compile(r"\bw/o\b", re.I), "without"),
    (re.compile(r"\bw/(?=\s|\w)", re.I), "with "),
    (re.compile(r"\bb4\b", re.I), "before"),
    (re.compile(r"(?<=[A-Za-z])\s?&\s?(?=[A-Za-z])"), " and "),
)  # fmt: skip


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a sentence. `word` is the word in lower case, with straight apostrophes and without its typing errors."""

    word: str
    is_child: bool = False
    """Whether the word is a name of the child, or replaces words such as "your daughter"."""
    is_capital: bool = False
    """Whether the word begins with a capital, but is not all in capitals."""
    is_quoted: bool = False
    follows_break: bool = False
    """Whether a mark within the sentence, such as a comma, a dash or a bracket, is directly before the word."""
    follows_colon: bool = False


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one sentence, in order."""

    tokens: tuple[Token, ...]
    is_question: bool = False


def prepared(text: str) -> str:
    """Returns the text of a note without markup and plans, and with short forms (1st, w/o) as whole words."""
    text = unicodedata.normalize("NFC", text.replace(CHILD_MARK, " "))
    text = without_plans(plain(text))
    if (whole := WHOLE_QUOTATION.fullmatch(text)) is not None:
        text = next(inside for inside in whole.groups() if inside is not None)
    for short, full in SHORT_FORMS:
        text = short.sub(full, text)
    return text


def sentences(text: str, *, names: ChildNames, common: Collection[str], pronouns: Collection[str] = ()) -> Iterator[Sentence]:
    """Yields the sentences of a note in order. Each sentence has at least one word.

    Marks the words that mean the child as `is_child`: the child's names, words such as "your daughter" (which become one word),
    and `pronouns`. A name that is also one of the `common` words (Will, May) is marked only if it has a capital.
    """
    words = _SentenceBuilder(names, common, pronouns)
    for piece, is_quoted in _pieces(SUBSTITUTES.sub(CHILD_MARK, text)):
        written = piece.group()
        if (kind := piece.lastgroup) == "break":
            words.is_after_break = True
            words.is_after_colon = written == ":"
        elif kind == "end":
            if is_quoted or words.goes_on_after(written):
                continue
            if words.tokens:
                yield Sentence(tokens=tuple(words.tokens), is_question="?" in written)
            words.begin()
        else:
            words.add(written, is_quoted=is_quoted)
    if words.tokens:
        yield Sentence(tokens=tuple(words.tokens))


class _SentenceBuilder:
    """The words of the sentence that is being read."""

    def __init__(self, names: ChildNames, common: Collection[str], pronouns: Collection[str]) -> None:
        self._names, self._common, self._pronouns = names, common, pronouns
        self.begin()

    def begin(self) -> None:
        """Starts a new sentence without words."""
        self.tokens: list[Token] = []
        self.is_after_break = self.is_after_colon = self._is_after_initial = False

    def goes_on_after(self, end: str) -> bool:
        """Returns whether the sentence continues after a full stop, as in "Mrs. Bell" or "Leo M. walked"."""
        if end != "." or not self.tokens:
            return False
        last = self.tokens[-1]
        return (
            self._is_after_initial or last.word in SHORTENED or (len(last.word) == 1 and last.is_capital and last.word.isalpha())
        )

    def add(self, written: str, *, is_quoted: bool) -> None:
        """Adds a word to the sentence.

        Leaves out a word that only continues the child's name, such as a last name or an initial.
        """
        word = written.lower().replace("’", "'")
        is_upper = written[0].isupper()
        before = self.tokens[-1] if self.tokens and not self.is_after_break else None
        self._is_after_initial = is_upper and before is not None and before.is_child and len(word) == 1 and word.isalpha()
        if is_upper and before is not None and before.is_child and self._continues_name(word):
            return
        is_child = word == CHILD_MARK or (self._is_child(word, before) if is_upper or word not in self._common else False)
        is_child = is_child or (word in self._pronouns and not is_quoted)
        if is_child and before is not None and before.word in FORMS_OF_ADDRESS:
            self.tokens.pop()
        has_break = self.is_after_break and bool(self.tokens)
        self.tokens.append(
            Token(
                word=word if is_child else corrected(word),
                is_child=is_child,
                is_capital=is_upper and (len(written) == 1 or not written.isupper()),
                is_quoted=is_quoted,
                follows_break=has_break,
                follows_colon=has_break and self.is_after_colon,
            )
        )
        self.is_after_break = False

    def _continues_name(self, word: str) -> bool:
        """Returns whether a word continues the child's name, which is the word before it.

        If the word is an initial that the child does not have, the name before it is another child's. Then that name's `is_child`
        becomes false.
        """
        if len(word) == 1 and word.isalpha():
            if not self._names.initials or word in self._names.initials:
                return True
            self.tokens[-1] = msgspec.structs.replace(self.tokens[-1], is_child=False)
            return False
        return self._names.is_later(word) or self._names.is_first(word)

    def _is_child(self, word: str, before: Token | None) -> bool:
        if self._names.is_first(word) or (word.endswith("s") and len(word) > 3 and self._names.is_first(word[:-1])):
            return True
        if not self._names.is_later(word):
            return False
        if before is None:
            return True
        is_of_another = before.word in TITLES or (before.is_capital and before.word not in self._common and not before.is_child)
        return not is_of_another or before.word in FORMS_OF_ADDRESS


def _pieces(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Yields the words, numbers and marks of a text, and whether each is quoted.

    Leaves out long quotations and quotation marks.
    """
    at = 0
    for quotation in QUOTATION.finditer(text):
        yield from _plain_pieces(text, at, quotation.start())
        inside = list(PIECE.finditer(text, quotation.start() + 1, quotation.end() - 1))
        if sum(piece.lastgroup == "word" for piece in inside) <= QUOTED_WORDS_MAX:
            yield from ((piece, True) for piece in inside if piece.lastgroup in ("word", "number"))
        at = quotation.end()
    yield from _plain_pieces(text, at, len(text))


def _plain_pieces(text: str, start: int, end: int) -> Iterator[tuple[re.Match[str], bool]]:
    for piece in PIECE.finditer(text, start, end):
        if piece.lastgroup != "break" or not _is_hyphen(text, piece):
            yield piece, False


def _is_hyphen(text: str, piece: re.Match[str]) -> bool:
    """Returns whether a dash is a hyphen inside a word, as in peek-a-boo."""
    before, after = text[piece.start() - 1 : piece.start()], text[piece.end() : piece.end() + 1]
    return piece.group() in "-‐‑" and before.isalpha() and after.isalpha()
