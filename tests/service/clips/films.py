"""Cleans films of tests, and compares what is seen and heard."""

import hashlib
from pathlib import Path
from typing import Any

import av

from service.clips.cleaning.film import CleanFilm, clean_film


def cleaned(source: Path) -> tuple[CleanFilm, Path]:
    """Returns the measures of a cleaned film, and its path."""
    target = source.with_name(f"{source.name}.clean")
    with source.open("rb") as file:
        return clean_film(file, target), target


def cleaned_bytes(content: bytes, folder: Path) -> tuple[CleanFilm, bytes]:
    """Returns the measures of a cleaned film, and its bytes."""
    source = folder / "planted"
    source.write_bytes(content)
    measured, target = cleaned(source)
    return measured, target.read_bytes()


def decoded(path: Path, kind: str) -> list[str]:
    """Returns a hash of each decoded frame of the first track of a kind: video or audio."""
    with av.open(str(path)) as read:
        streams: Any = read.streams.video if kind == "video" else read.streams.audio
        return [hashlib.sha256(_bytes_of(frame)).hexdigest() for frame in (read.decode(streams[0]) if streams else ())]


def _bytes_of(frame: Any) -> bytes:
    """Returns the pixels or samples of a frame, without what is behind the end of each line."""
    if isinstance(frame, av.VideoFrame):
        seen: Any = frame
        return bytes(seen.to_image().tobytes())
    return b"".join(bytes(plane) for plane in frame.planes)
