"""Composes short English texts from the coded fields of sources: nappies, meals, naps.

Owns their form. Words that the source shows to people are kept as they are. Codes without a documented meaning are left out.
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from service.daycare.record import Media
from service.daycare.sources.fields import clean

PLAIN_WORD: Final = re.compile(r"[^\W\d_][\w' &/,.()+-]{0,119}")
CODED: Final = {"bm": "soiled", "nothing": "dry"}
"""Codes for nappies of two sources, and the words for them."""
PHRASE_CHARACTERS_MAX: Final = 200
CLOCK: Final = re.compile(r"[0-2]?[0-9]:[0-5][0-9](?: ?[AaPp][Mm])?")
FILE_NAME: Final = re.compile(r"[^/\\\0]{1,200}")
MEDIA_TYPE: Final = re.compile(r"(?:image|video|audio|application)/[a-z0-9.+-]{1,80}")
TYPE_BY_ENDING: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "heic": "image/heic",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
}


def lines(*parts: str | None) -> str | None:
    """Joins texts, one a line and each once. None if there is none."""
    return "\n".join(dict.fromkeys(part for part in parts if part is not None)) or None


def prose(*parts: str | None) -> str:
    """Joins the texts that people typed, one a line. Empty if there is none, which states that the whole text is composed."""
    return lines(*parts) or ""


def word(value: Any) -> str | None:
    """Returns a word that was chosen from a list, with blanks for underscores; None for numbers, punctuation and addresses."""
    if not isinstance(value, str):
        return None
    plain = " ".join(value.replace("_", " ").split())
    return plain if PLAIN_WORD.fullmatch(plain) is not None else None


def phrase(value: Any) -> str | None:
    """Returns a short typed text as one line; None if it is longer than 200 characters, or holds an address."""
    if not isinstance(value, str) or "://" in value or "@" in value:
        return None
    plain = " ".join(value.split())
    return plain if 1 <= len(plain) <= PHRASE_CHARACTERS_MAX else None


def amount(value: Any) -> str | None:
    """Returns an amount as text (`4`, `2.5`), from a number or its digits; None for 0 and for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,4})?", value.strip()) is not None:
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1_000_000:
        return None
    return f"{value:.6g}"


def clock(value: Any) -> str | None:
    """Returns a time of day as the source writes it; None for anything else."""
    return value.strip() if isinstance(value, str) and CLOCK.fullmatch(value.strip()) is not None else None


def labelled(label: str, said: Iterable[str | None], *, how_much: str | None = None) -> str:
    """Returns a label with its values: `Nappy: wet, soiled`, `Lunch: soup, milk (most)`, or the label only."""
    parts = [part for part in said if part is not None]
    plain = f"{label}: {', '.join(dict.fromkeys(parts))}" if parts else label
    return f"{plain} ({how_much})" if how_much is not None else plain


def nappy(kind: Any, said: Iterable[Any]) -> str:
    """Returns the text for a nappy change or a visit to the potty."""
    where = (word(kind) or "diaper").lower()
    label = "Nappy" if where in {"diaper", "nappy"} else where.capitalize()
    found: list[str | None] = []
    for one in said:
        plain = word(one)
        if plain is not None:
            parts = plain.lower().replace(" & ", ",").split(",")
            found += [part if label != "Nappy" and part == "nothing" else CODED.get(part, part) for part in map(str.strip, parts)]
    return labelled(label, found)


def kept(name: str | int | None, *, url: str | None = None, content_type: str | None = None) -> tuple[Media, ...]:
    """Returns a picture or a film, named by its id or else by the file name at the end of its URL; empty if neither is usable.

    The URL itself is never kept: its query may give access to the file.
    """
    address = path_of(url)
    at_its_end = address.rpartition("/")[2] if address is not None else ""
    chosen = clean(str(name) if name is not None else None, at="media") or clean(at_its_end, at="media") or ""
    ending = at_its_end.rpartition(".")[2] or chosen.rpartition(".")[2]
    # A name with a slash is a URL or a folder: it might give access to the file, too.
    if FILE_NAME.fullmatch(chosen) is None:
        return ()
    return (Media(name=chosen, content_type=content_type or TYPE_BY_ENDING.get(ending.lower())),)


def media_type(value: Any) -> str | None:
    """Returns a media type (`image/jpeg`) without its parameters; None for anything else."""
    plain = value.partition(";")[0].strip().lower() if isinstance(value, str) else ""
    return plain if MEDIA_TYPE.fullmatch(plain) is not None else None


def path_of(url: str | None) -> str | None:
    """Returns the path of a URL, without query and fragment; None if it is no URL."""
    if url is None:
        return None
    try:
        return urlsplit(url).path
    except ValueError:
        return None
