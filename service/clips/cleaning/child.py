"""Carries out one order for one file in a process of its own: cleans it, or makes a second film of a cleaned one.

Standard input is the file, the working folder takes what becomes of it. Writes one line of JSON to standard output: a `Cleaned`,
a `Rendered`, or a `NotCleaned` with its code. Is started with no environment and ends after one file, so a file that breaks this
process breaks nothing else. Its reader believes nothing that the types do not allow: a broken process may write anything.
"""

import os
import sys
from pathlib import Path
from typing import IO, Annotated, Final, Literal, assert_never

import msgspec

from service.clips.cleaning.captured import Captured
from service.clips.cleaning.film import LENGTH_S_MAX, Codec, clean_film
from service.clips.cleaning.kinds import HEAD_BYTES, KIND_BY_TYPE, kind_of
from service.clips.cleaning.picture import SIDE_MAX, clean_picture
from service.clips.cleaning.poster import SIDES, still_of_film, write_posters
from service.clips.cleaning.preload import load_everything
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.rendition import make_rendition
from service.clips.cleaning.sandbox import Limits, confine

STILLS: Final = tuple(f"poster-{side}.jpg" for side in SIDES)
Side = Annotated[int, msgspec.Meta(ge=1, le=SIDE_MAX)]
LengthMs = Annotated[int, msgspec.Meta(ge=0, le=(LENGTH_S_MAX + 1) * 1_000)]


class Cleaned(msgspec.Struct, frozen=True, kw_only=True, tag="cleaned"):
    """A cleaned file in the working folder, `clip`, with its stills `poster-320.jpg` and `poster-1280.jpg`."""

    media_type: Literal["image/jpeg", "image/png", "video/mp4", "video/webm"]
    width: Side
    """In pixels, as a person sees it."""
    height: Side
    length_ms: LengthMs | None = None
    """None: a picture."""
    codec: Codec | None = None
    captured: Captured | None = None


class Rendered(msgspec.Struct, frozen=True, kw_only=True, tag="rendered"):
    """A second film in the working folder, `rendition`: H.264 in MP4."""

    width: Side
    height: Side
    length_ms: LengthMs


class NotCleaned(msgspec.Struct, frozen=True, tag="refused"):
    """A file that cannot be served, with the code of the reason."""

    code: str


Outcome = Cleaned | Rendered | NotCleaned


class CleanOrder(msgspec.Struct, frozen=True, kw_only=True, tag="clean"):
    """The order to clean an uploaded file."""

    filetype: str
    limits: Limits = Limits()


class RenderOrder(msgspec.Struct, frozen=True, kw_only=True, tag="render"):
    """The order to make a second film of a cleaned one, as the lowest of all priorities."""

    limits: Limits


Order = CleanOrder | RenderOrder
LOWEST_PRIORITY: Final = 19


def main() -> None:
    """Carries out the order that is this process's argument, JSON, on standard input."""
    order: Order = msgspec.json.decode(sys.argv[1], type=Order)
    folder = Path.cwd()
    load_everything()
    match order:
        case CleanOrder():
            confine(folder, ("clip", *STILLS), order.limits)
            with os.fdopen(0, "rb") as source:
                outcome: Outcome = clean(source, order.filetype, folder)
        case RenderOrder():
            os.nice(LOWEST_PRIORITY)
            confine(folder, ("rendition",), order.limits)
            with os.fdopen(0, "rb") as source:
                outcome = render(source, folder)
        case _:
            assert_never(order)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def render(source: IO[bytes], folder: Path) -> Rendered | NotCleaned:
    """Makes a second film in a folder."""
    try:
        film = make_rendition(source, folder / "rendition")
    except CannotClean as reason:
        return NotCleaned(reason.code)
    except MemoryError:
        return NotCleaned("clip.not_cleaned")
    return Rendered(width=film.width, height=film.height, length_ms=film.length_ms)


def clean(source: IO[bytes], filetype: str, folder: Path) -> Cleaned | NotCleaned:
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
