"""Short neutral words for what a source says in fields: nappies, meals, naps. In English, as the sources are.

Owns their form. A code that nobody has explained is left out, never guessed at: words that the source itself shows to people
are kept as they are.
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from service.daycare.record import Media
from service.daycare.sources.fields import clean

PLAIN_WORD: Final = re.compile(r"[^\W\d_][\w' &/,.()+-]{0,119}")
CODED: Final = {"bm": "soiled", "nothing": "dry"}
"""Nappies as two of the sources code them; the rest are words already."""
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
    """What was said, a line each, each once; None where nothing was."""
    return "\n".join(dict.fromkeys(part for part in parts if part is not None)) or None


def prose(*parts: str | None) -> str:
    """What of it people wrote themselves, a line each; empty, and not None, where nothing was: then all is composed."""
    return lines(*parts) or ""


def word(value: Any) -> str | None:
    """A word of a field that people chose from a list, with underscores as blanks; None for numbers, marks and addresses."""
    if not isinstance(value, str):
        return None
    plain = " ".join(value.replace("_", " ").split())
    return plain if PLAIN_WORD.fullmatch(plain) is not None else None


def phrase(value: Any) -> str | None:
    """A few words that people typed, in one line; None for what is longer, or holds an address."""
    if not isinstance(value, str) or "://" in value or "@" in value:
        return None
    plain = " ".join(value.split())
    return plain if 1 <= len(plain) <= PHRASE_CHARACTERS_MAX else None


def amount(value: Any) -> str | None:
    """A number as it is spoken (`4`, `2.5`), from a number or its digits; None for nothing, for what is none, and for 0."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,4})?", value.strip()) is not None:
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1_000_000:
        return None
    return f"{value:.6g}"


def clock(value: Any) -> str | None:
    """A time of day as the source writes it."""
    return value.strip() if isinstance(value, str) and CLOCK.fullmatch(value.strip()) is not None else None


def labelled(label: str, said: Iterable[str | None], *, how_much: str | None = None) -> str:
    """`Nappy: wet, soiled`, `Lunch: soup, milk (most)`, or the label alone."""
    parts = [part for part in said if part is not None]
    plain = f"{label}: {', '.join(dict.fromkeys(parts))}" if parts else label
    return f"{plain} ({how_much})" if how_much is not None else plain


def nappy(kind: Any, said: Iterable[Any]) -> str:
    """A change of nappies, or a visit to the potty."""
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
    """A picture or a film by its id, or else by the file name that ends its address; never the address, whose query opens it."""
    address = path_of(url)
    at_its_end = address.rpartition("/")[2] if address is not None else ""
    chosen = clean(str(name) if name is not None else None, at="media") or clean(at_its_end, at="media") or ""
    ending = at_its_end.rpartition(".")[2] or chosen.rpartition(".")[2]
    # What has a slash is an address or a folder, and no id: it would open what it names.
    if FILE_NAME.fullmatch(chosen) is None:
        return ()
    return (Media(name=chosen, content_type=content_type or TYPE_BY_ENDING.get(ending.lower())),)


def media_type(value: Any) -> str | None:
    """A media type as it is written (`image/jpeg`), without parameters; None for anything else."""
    plain = value.partition(";")[0].strip().lower() if isinstance(value, str) else ""
    return plain if MEDIA_TYPE.fullmatch(plain) is not None else None


def path_of(url: str | None) -> str | None:
    """The path of an address, without query and fragment; None where it is none."""
    if url is None:
        return None
    try:
        return urlsplit(url).path
    except ValueError:
        return None
