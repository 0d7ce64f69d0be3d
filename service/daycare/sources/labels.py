"""Composes short English texts from the coded fields of sources: nappies, meals, naps.

Owns the form of these texts. Words that the source shows to people stay unchanged. Codes without a documented meaning are left
out.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

PLAIN_WORD: Final = re.compile(r"[^\W\d_][\w' &/,.()+-]{0,119}")
CODED: Final = {"bm": "soiled", "nothing": "dry"}
"""The words for the codes with which two sources describe a nappy."""
PHRASE_CHARACTERS_MAX: Final = 200
CLOCK: Final = re.compile(r"[0-2]?[0-9]:[0-5][0-9](?: ?[AaPp][Mm])?")


def lines(*parts: str | None) -> str | None:
    """Joins texts with line breaks, and leaves out repeated texts. Returns None if there is no text."""
    return "\n".join(dict.fromkeys(part for part in parts if part is not None)) or None


def prose(*parts: str | None) -> str:
    """Joins the texts that people typed with line breaks.

    Returns "" if people typed no text. Then no text is searched for milestones.
    """
    return lines(*parts) or ""


def word(value: Any) -> str | None:
    """Returns a word that staff chose from a list, with spaces in place of underscores.

    Returns None for numbers, punctuation and addresses.
    """
    if not isinstance(value, str):
        return None
    plain = " ".join(value.replace("_", " ").split())
    return plain if PLAIN_WORD.fullmatch(plain) is not None else None


def phrase(value: Any) -> str | None:
    """Returns a short typed text as one line. Returns None if the text is longer than 200 characters, or contains an address."""
    if not isinstance(value, str) or "://" in value or "@" in value:
        return None
    plain = " ".join(value.split())
    return plain if 1 <= len(plain) <= PHRASE_CHARACTERS_MAX else None


def amount(value: Any) -> str | None:
    """Returns an amount as a text (`4`, `2.5`), from a number or from a text of digits.

    Returns None for 0, and for a value that is no amount.
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,4})?", value.strip()) is not None:
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1_000_000:
        return None
    return f"{value:.6g}"


def clock(value: Any) -> str | None:
    """Returns a time of day as the source writes it; None if the value is no time of day."""
    return value.strip() if isinstance(value, str) and CLOCK.fullmatch(value.strip()) is not None else None


def labelled(label: str, values: Iterable[str | None], *, how_much: str | None = None) -> str:
    """Returns a label with its values, if there are any: `Nappy: wet, soiled`, `Lunch: soup, milk (most)`."""
    parts = [part for part in values if part is not None]
    plain = f"{label}: {', '.join(dict.fromkeys(parts))}" if parts else label
    return f"{plain} ({how_much})" if how_much is not None else plain


def nappy(kind: Any, values: Iterable[Any]) -> str:
    """Returns the text for a nappy change or a visit to the potty."""
    where = (word(kind) or "diaper").lower()
    label = "Nappy" if where in {"diaper", "nappy"} else where.capitalize()
    found: list[str | None] = []
    for one in values:
        plain = word(one)
        if plain is not None:
            parts = plain.lower().replace(" & ", ",").split(",")
            found += [part if label != "Nappy" and part == "nothing" else CODED.get(part, part) for part in map(str.strip, parts)]
    return labelled(label, found)
