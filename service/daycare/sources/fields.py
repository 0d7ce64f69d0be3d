"""Reads single fields of decoded records, which may be missing, null or of any type.

Owns their bounds. A refusal names the field and never says what stands in it. Knows no source.
"""

from typing import Any, Final, TypeVar

import msgspec

from events.errors import FieldInvalid
from events.json_checks import invalid_field

ID_CHARACTERS_MAX: Final = 255
NAME_CHARACTERS_MAX: Final = 120

Shape = TypeVar("Shape")


def shaped(record: Any, shape: type[Shape]) -> Shape:
    """Read a decoded record as `shape`, whose fields may be missing or null.

    Raises:
        FieldInvalid: a field that is read is of another type.
    """
    try:
        return msgspec.convert(record, shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except UnicodeEncodeError:  # a key with half of a character, which no JSON file can hold and another caller might
        raise FieldInvalid("A key holds half of a character.", at=None) from None


def identifier(value: str | int | None, *, at: str) -> str:
    """Read an id or a reference: opaque, 1 to 255 characters."""
    text = clean("" if value is None else str(value), at=at)
    if text is None or len(text) > ID_CHARACTERS_MAX:
        raise FieldInvalid(f"This must have 1 to {ID_CHARACTERS_MAX} characters.", at=at)
    return text


def required(value: str | None, *, at: str) -> str:
    """Read a text that must be there."""
    if value is None or not value.strip():
        raise FieldInvalid("This is missing.", at=at)
    return value


def clean(text: str | None, *, at: str) -> str | None:
    """A text without blank ends and with one kind of line end; None where nothing is left."""
    if text is None:
        return None
    if "\0" in text:
        raise FieldInvalid("A text cannot hold the character NUL.", at=at)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FieldInvalid("A text holds half of a character.", at=at) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").strip() or None


def shown(*parts: str | None, at: str) -> str | None:
    """A child's name of its parts, as it is shown; cut where it is longer than any name."""
    name = " ".join(part for part in (clean(part, at=at) for part in parts) if part is not None)
    return name[:NAME_CHARACTERS_MAX].strip() or None
