"""Decodes the bytes of a file as UTF-8, with or without a byte order mark.

Owns the errors for other encodings. In a file that is mostly UTF-8, an invalid byte becomes a lone surrogate, so that only the
row with that byte is refused.
"""

from typing import Final

from events.errors import BodyMalformed

UTF_8_MARK: Final = b"\xef\xbb\xbf"
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
SAVE_AS_UTF_8: Final = 'Save it as UTF-8 and import that file: spreadsheets call it "CSV UTF-8", editors "Encoding: UTF-8".'
EXAMINED_MAX: Final = 100
"""Largest number of invalid bytes that are examined to decide whether a file is mostly UTF-8."""


def text_of(body: bytes) -> str:
    """Decodes a file. An invalid byte in a file that is mostly UTF-8 becomes a lone surrogate (U+DC80 to U+DCFF).

    Raises:
        BodyMalformed: The file is in another encoding. The message names the likely encoding and what to do.
    """
    if body.startswith(UTF_16_MARKS) or _is_utf_16_without_mark(body[:64]):
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


def _is_utf_16_without_mark(beginning: bytes) -> bool:
    return len(beginning) >= 4 and any(set(beginning[first::2]) == {0} and 0 not in beginning[1 - first :: 2] for first in (0, 1))


def _is_mostly_utf_8(body: bytes) -> bool:
    """Returns whether a file has more multi-byte characters than bytes that belong to no character.

    A multi-byte character that is cut off counts as a character.
    """
    right = wrong = first = 0
    for _ in range(EXAMINED_MAX):
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
    """Returns a text with "?" in place of lone surrogates, because a response cannot contain lone surrogates."""
    return text.encode(errors="replace").decode()
