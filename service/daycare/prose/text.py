"""Cuts a note into sentences of words, the same way for every language. Owns what a word and a sentence are.

It knows no cue and no language: a word is told by its letters, a sentence by its marks. What stands in quotation marks is
somebody's words or a title: a few quoted words stay, marked as quoted ("she said 'more milk'"), longer quotations are left out.
Every step reads the text once, so the work grows with its length and no faster.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

QUOTED_WORDS_MAX: Final = 4
"""A child's first words fit; a line of a song does not."""

# Parts of words stand for themselves where a language ties them to a neighbour: she's, they'll, l'eau. "isn't" stays whole.
PIECE: Final = re.compile(
    r"(?P<word>[^\W\d_]+n['’]t(?!\w)|(?:[cdjlmnst]|qu|jusqu|aujourd)['’](?=\w)|['’](?:s|m|re|ll|d|ve)(?!\w)|[^\W\d_]+)"
    r"|(?P<number>\d+(?:[.,:]\d+)*)|(?P<end>[.!?…。]+|\n+)|(?P<break>[^\w\s'’¡¿])",
    re.IGNORECASE,
)
QUOTATION: Final = re.compile(
    r"\"[^\"\n]{1,300}\"|“[^“”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^«»\n]{1,300}»|(?<!\w)['‘][^'‘’\n]{1,60}['’](?!\w)"
)
# A full stop after these ends no sentence.
SHORTENED: Final = frozenset(
    {"mr", "ms", "mrs", "dr", "st", "fr", "hr", "sra", "sr", "mme", "mlle", "mevr", "approx", "ca", "bzw"},
)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a sentence. `word` is in lower case, with straight apostrophes."""

    word: str
    is_child: bool = False
    """It is a name of the child whom the note is about."""
    is_capital: bool = False
    """It begins with a capital and goes on without one, as a name does."""
    is_quoted: bool = False
    follows_break: bool = False
    """A comma, a dash, a bracket or the like stands before it."""


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """The words between two ends."""

    tokens: tuple[Token, ...]
    is_question: bool = False


def sentences(text: str, *, names: Collection[str], common: Collection[str]) -> Iterator[Sentence]:
    """Yield the sentences of a note in order, none without a word.

    `names` are the child's; the first word of each stands for the child, and what follows of it is left out. A name that is
    one of the `common` words too (Will, May) stands for the child only where it is written with a capital.
    """
    firsts, laters = _parts(names)
    tokens: list[Token] = []
    is_after_break = False
    for piece, is_quoted in _pieces(text):
        shown = piece.group()
        if (kind := piece.lastgroup) == "break":
            is_after_break = True
        elif kind == "end":
            if is_quoted or (shown == "." and tokens and tokens[-1].word in SHORTENED):
                continue
            if tokens:
                yield Sentence(tokens=tuple(tokens), is_question="?" in shown)
            tokens, is_after_break = [], False
        else:
            word = shown.lower().replace("’", "'")
            is_upper = shown[0].isupper()
            if is_upper and word in laters and tokens and tokens[-1].is_child:
                continue
            is_child = word in firsts and (is_upper or word not in common)
            is_capital = is_upper and (len(shown) == 1 or not shown.isupper())
            has_break, is_after_break = is_after_break and bool(tokens), False
            tokens.append(
                Token(word=word, is_child=is_child, is_capital=is_capital, is_quoted=is_quoted, follows_break=has_break)
            )
    if tokens:
        yield Sentence(tokens=tuple(tokens))


def _parts(names: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The words that stand for the child, and those that may follow one of them."""
    split = [[found.group().lower() for found in PIECE.finditer(name) if found.lastgroup == "word"] for name in names]
    return frozenset(words[0] for words in split if words), frozenset(word for words in split for word in words[1:])


def _pieces(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """The pieces of a text and whether each is quoted, without long quotations, and without the marks around short ones."""
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
    """A dash inside a word, as in peek-a-boo, is no break."""
    before, after = text[piece.start() - 1 : piece.start()], text[piece.end() : piece.end() + 1]
    return piece.group() in "-‐‑" and before.isalpha() and after.isalpha()
