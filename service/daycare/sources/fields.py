"""Reads and checks single fields of decoded records. A field may be missing, null or of any type.

Owns the bounds of fields. An error names the field and never contains the field's value. Knows no source.
"""

from typing import Any, Final, TypeVar

import msgspec

from events.errors import FieldInvalid
from events.json_checks import invalid_field

ID_CHARACTERS_MAX: Final = 255
NAME_CHARACTERS_MAX: Final = 120

Shape = TypeVar("Shape")


def converted(record: Any, shape: type[Shape]) -> Shape:
    """Converts a decoded record to the type `shape`. Each field of `shape` may be missing or null.

    Raises:
        FieldInvalid: A field of the record has another type than in `shape`.
    """
    try:
        return msgspec.convert(record, shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except UnicodeEncodeError:  # a key with a lone surrogate
        raise FieldInvalid("A key holds half of a character.", at=None) from None


def identifier(value: str | int | None, *, at: str) -> str:
    """Returns an id or a reference: a text of 1 to 255 characters that is stored as it is.

    Raises:
        FieldInvalid: The value is missing, blank or longer than 255 characters.
    """
    text = clean("" if value is None else str(value), at=at)
    if text is None or len(text) > ID_CHARACTERS_MAX:
        raise FieldInvalid(f"This must have 1 to {ID_CHARACTERS_MAX} characters.", at=at)
    return text


def required(value: str | None, *, at: str) -> str:
    """Returns the text `value`, after checking that it is neither missing nor blank.

    Raises:
        FieldInvalid: The text is missing or blank.
    """
    if value is None or not value.strip():
        raise FieldInvalid("This is missing.", at=at)
    return value


def clean(text: str | None, *, at: str) -> str | None:
    """Returns a text without outer white space. All its line ends become line feeds. Returns None if nothing is left.

    Raises:
        FieldInvalid: The text contains NUL or a lone surrogate.
    """
    if text is None:
        return None
    if "\0" in text:
        raise FieldInvalid("A text cannot hold the character NUL.", at=at)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FieldInvalid("A text holds half of a character.", at=at) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").strip() or None


def display_name(*parts: str | None, at: str) -> str | None:
    """Returns a child's display name, joined from its parts and cut after 120 characters; None if all parts are empty."""
    name = " ".join(part for part in (clean(part, at=at) for part in parts) if part is not None)
    return name[:NAME_CHARACTERS_MAX].strip() or None
