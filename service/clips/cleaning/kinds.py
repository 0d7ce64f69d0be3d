"""Names the kinds of file that can be uploaded, and finds by a file's first bytes whether it is a film or a picture."""

from typing import Final, Literal

from service.clips.cleaning.refusals import CannotClean

Kind = Literal["film", "picture"]

KIND_BY_TYPE: Final[dict[str, Kind]] = {
    "image/avif": "picture",
    "image/heic": "picture",
    "image/heif": "picture",
    "image/jpeg": "picture",
    "image/png": "picture",
    "image/webp": "picture",
    "video/3gpp": "film",
    "video/3gpp2": "film",
    "video/mp4": "film",
    "video/quicktime": "film",
    "video/webm": "film",
    "video/x-m4v": "film",
    "video/x-matroska": "film",
}
"""The values of `filetype` that an upload may state."""

HEAD_BYTES: Final = 64
# ISO/IEC 23008-12 and AV1 Image File Format: the brands of still and of moving pictures.
PICTURE_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
# The boxes with which a QuickTime film or an MP4 may begin.
FILM_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def kind_of(head: bytes) -> Kind:
    """Returns the kind of a file by its first 64 bytes.

    Raises:
        CannotClean: the file begins as no film and no picture that can be cleaned.
    """
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "film"
    if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS:
        return "picture"
    if head[4:8] in FILM_BOXES:
        return "film"
    raise CannotClean("clip.unknown_type")
