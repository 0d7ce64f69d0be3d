"""Opens films to read them. Each film is a file object and never a name.

The library that reads films knows protocols and formats that open other files and addresses: only some formats are allowed, and
no protocol. Starts no thread: the process that cleans may not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal

import av

DEMUXERS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
IN_OPTIONS: Final = {"format_whitelist": DEMUXERS, "protocol_whitelist": "", "max_streams": "64"}

MATRIX_NUMBERS: Final = 9
UPRIGHT: Final = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""The display matrix of a film that is not turned (ISO/IEC 14496-12, 6.2.2)."""


@contextmanager
def reading(source: IO[bytes]) -> Iterator[Any]:
    """Opens a film. Its decoders start no thread."""
    with av.open(source, options=IN_OPTIONS, metadata_errors="ignore") as read:
        for track in (*read.streams.video, *read.streams.audio):
            if track.codec_context is not None:
                track.codec_context.thread_count = 1
        yield read


@contextmanager
def reading_file(path: Path) -> Iterator[Any]:
    """Opens a film by its path. Formats and protocols are those that `reading` allows."""
    with path.open("rb") as source, reading(source) as read:
        yield read


def codec_of(track: Any) -> str:
    """Returns the name of a track's codec, whatever library decodes it."""
    return str(track.codec_context.codec.canonical_name)


def matrix_of(frame: Any) -> tuple[int, ...]:
    """Returns the nine numbers of the display matrix of a decoded picture, row by row."""
    found = frame.side_data.get("DISPLAYMATRIX")
    return tuple(memoryview(bytes(found)).cast("i")) if found is not None else UPRIGHT


Turn = Literal["none", "half", "mirror", "flip", "clock", "counterclock", "transpose", "transverse"]
"""How the stored picture becomes the one that a person sees: half a turn, mirrored, upside down, a quarter turn either way, and
mirrored at one of the diagonals."""

# By: the display matrix goes to the right along the rows of a picture, and down along its columns.
_TURN_OF_ROWS: Final[dict[tuple[bool, bool], Turn]] = {
    (True, True): "none", (False, False): "half", (False, True): "mirror", (True, False): "flip",
}  # fmt: skip
# By: the display matrix goes down along the rows of a picture, and to the right along its columns.
_TURN_OF_SIDE: Final[dict[tuple[bool, bool], Turn]] = {
    (True, False): "clock", (False, True): "counterclock", (True, True): "transpose", (False, False): "transverse",
}  # fmt: skip


def turn_of(matrix: tuple[int, ...]) -> Turn:
    """Returns the turn that is nearest to a display matrix."""
    if is_on_its_side(matrix):
        return _TURN_OF_SIDE[matrix[1] > 0, matrix[3] > 0]
    return _TURN_OF_ROWS[matrix[0] > 0, matrix[4] > 0]


def is_on_its_side(matrix: tuple[int, ...]) -> bool:
    """Checks whether a person sees the columns of a picture as rows."""
    return abs(matrix[1]) > abs(matrix[0])
