"""Cleans one file in a process of its own: standard input is the file, the working folder takes what becomes of it.

Writes one line of JSON to standard output: a `Cleaned`, or a `Refused` with its code. Is started with no environment and ends
after one file, so a file that breaks this process breaks nothing else.
"""

import os
import sys
from pathlib import Path
from typing import IO

import msgspec

from service.clips.cleaning.captured import Captured
from service.clips.cleaning.film import clean_film
from service.clips.cleaning.kinds import HEAD_BYTES, KIND_BY_TYPE, kind_of
from service.clips.cleaning.picture import clean_picture
from service.clips.cleaning.poster import still_of_film, write_posters
from service.clips.cleaning.preload import load_everything
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.sandbox import Limits, confine


class Cleaned(msgspec.Struct, frozen=True, kw_only=True, tag="cleaned"):
    """A cleaned file in the working folder, `clip`, with its stills `poster-320.jpg` and `poster-1280.jpg`."""

    media_type: str
    width: int
    """In pixels, as a person sees it."""
    height: int
    length_ms: int | None = None
    """None: a picture."""
    codec: str | None = None
    captured: Captured | None = None


class NotCleaned(msgspec.Struct, frozen=True, tag="refused"):
    """A file that cannot be served, with the code of the reason."""

    code: str


Outcome = Cleaned | NotCleaned


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The argument of the process, as JSON."""

    filetype: str
    limits: Limits = Limits()


def main() -> None:
    """Cleans the file that is standard input."""
    order = msgspec.json.decode(sys.argv[1], type=Order)
    folder = Path.cwd()
    load_everything()
    confine(folder, order.limits)
    with os.fdopen(0, "rb") as source:
        outcome = clean(source, order.filetype, folder)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def clean(source: IO[bytes], filetype: str, folder: Path) -> Outcome:
    """Cleans a file into a folder, and makes its stills."""
    try:
        kind = kind_of(source.read(HEAD_BYTES))
        source.seek(0)
        if KIND_BY_TYPE.get(filetype) != kind:
            return NotCleaned("clip.wrong_type")
        return _clean_film(source, folder) if kind == "film" else _clean_picture(source, folder)
    except CannotClean as reason:
        return NotCleaned(reason.code)
    except MemoryError:
        return NotCleaned("clip.not_cleaned")


def _clean_film(source: IO[bytes], folder: Path) -> Cleaned:
    film = clean_film(source, folder / "clip")
    write_posters(still_of_film(folder / "clip"), folder)
    return Cleaned(
        media_type=film.media_type, width=film.width, height=film.height, length_ms=film.length_ms, codec=film.codec,
        captured=film.captured,
    )  # fmt: skip


def _clean_picture(source: IO[bytes], folder: Path) -> Cleaned:
    picture, pixels = clean_picture(source, folder / "clip")
    write_posters(pixels, folder)
    return Cleaned(media_type=picture.media_type, width=picture.width, height=picture.height, captured=picture.captured)
