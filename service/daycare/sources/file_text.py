"""Reads the bytes of a file as text: UTF-8, with a mark of the byte order or without.

Owns what is said of other encodings, and of a file of which single rows are broken: there a wrong byte becomes half a character,
so that the row that holds it can be refused by itself.
"""

from typing import Final

from events.errors import BodyMalformed

UTF_8_MARK: Final = b"\xef\xbb\xbf"
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
SAVE_AS_UTF_8: Final = 'Save it as UTF-8 and import that file: spreadsheets call it "CSV UTF-8", editors "Encoding: UTF-8".'
LOOKED_AT: Final = 100
"""Wrong places, before it is said what a file is."""


def text_of(body: bytes) -> str:
    """Decode a file. A byte that is wrong in a file of UTF-8 becomes half a character (U+DC80 to U+DCFF).

    Raises:
        BodyMalformed: it is in another encoding; the sentence says in which, as far as can be told, and what to do.
    """
    if body.startswith(UTF_16_MARKS) or _has_a_nul_in_every_pair(body[:64]):
        raise BodyMalformed(f"The file is in UTF-16. {SAVE_AS_UTF_8}")
    body = body.removeprefix(UTF_8_MARK)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        if _is_mostly_utf_8(body):
            return body.decode(errors="surrogateescape")
        raise BodyMalformed(
            f"The file is not UTF-8: byte {error.start} is wrong. It looks like Latin-1 or Windows-1252, as older spreadsheets "
            f"save it. {SAVE_AS_UTF_8}"
        ) from None


def _has_a_nul_in_every_pair(beginning: bytes) -> bool:
    return len(beginning) >= 4 and any(set(beginning[first::2]) == {0} and 0 not in beginning[1 - first :: 2] for first in (0, 1))


def _is_mostly_utf_8(body: bytes) -> bool:
    """Whether characters of several bytes, whole or cut off, outnumber the bytes that belong to none."""
    right = wrong = first = 0
    for _ in range(LOOKED_AT):
        try:
            return right + _beyond_ascii(body[first:].decode()) > wrong
        except UnicodeDecodeError as error:
            right += _beyond_ascii(body[first : first + error.start].decode())
            is_cut_off = error.end - error.start > 1
            right, wrong = right + is_cut_off, wrong + (not is_cut_off)
            first += error.end
    return right > wrong


def _beyond_ascii(text: str) -> int:
    return 0 if text.isascii() else sum(character > "\x7f" for character in text)


def printable(text: str) -> str:
    """The same text with a mark in place of halves of characters, which no answer can hold."""
    return text.encode(errors="replace").decode()
