"""Reads the headers of tus 1.0, a protocol for uploads that can be resumed (tus.io). Pure: knows no upload and no row.

Supports creation, creation-with-upload, checksum, expiration and termination. Concatenation and lengths that are stated later are
refused by name. Each header may be sent once. Of `Upload-Metadata` only `filetype` is read: a file's name is never kept.
"""

import binascii
import re
from base64 import b64decode
from typing import Final, Literal

import msgspec

from service.clips.cleaning.kinds import KIND_BY_TYPE, Kind
from service.clips.errors import ClipTooLarge, TusExtensionUnsupported, TusHeaderInvalid, TusVersionWrong
from service.http.asgi import Scope, sent
from service.http.media_types import of_request
from service.http.problems import MediaTypeUnsupported

VERSION: Final = b"1.0.0"
EXTENSIONS: Final = b"creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS: Final = {"sha1": 20, "sha256": 32}
"""Algorithm -> the bytes of its checksums. sha1 because tus demands it of every server."""
BYTES_MAX: Final[dict[Kind, int]] = {"film": 512 * 1024 * 1024, "picture": 32 * 1024 * 1024}
METADATA_BYTES_MAX: Final = 4_096
BODY_TYPE: Final = "application/offset+octet-stream"
NUMBER: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
METADATA_KEY: Final = re.compile(rb"[\x21-\x2b\x2d-\x7e]{1,128}")
"""Printable characters without spaces and commas."""


class Creation(msgspec.Struct, frozen=True):
    """The upload that a request wants to create."""

    length: int
    filetype: str


class Checksum(msgspec.Struct, frozen=True):
    """The checksum of a request's body."""

    algorithm: Literal["sha1", "sha256"]
    stated: bytes


def require_version(scope: Scope) -> None:
    """Raises TusVersionWrong unless the request names version 1.0.0."""
    if sent(scope, b"tus-resumable") != [VERSION]:
        raise TusVersionWrong


def read_creation(scope: Scope) -> Creation:
    """Returns the length and the kind of file of a new upload.

    Raises:
        TusHeaderInvalid: a header is missing, repeated or not valid.
        TusExtensionUnsupported: concatenation, or a length that is stated later.
        ClipTooLarge: a film has more than 512 MiB, or a picture more than 32 MiB.
    """
    if sent(scope, b"upload-concat"):
        raise TusExtensionUnsupported("Concatenation", at="upload-concat")
    if sent(scope, b"upload-defer-length"):
        raise TusExtensionUnsupported("A length that is stated later", at="upload-defer-length")
    length = _number(scope, b"upload-length")
    filetype = _filetype(scope)
    if length == 0:
        raise TusHeaderInvalid("An upload has at least one byte.", at="upload-length")
    kind = KIND_BY_TYPE[filetype]
    if length > BYTES_MAX[kind]:
        raise ClipTooLarge(kind=kind, bytes_max=BYTES_MAX[kind])
    return Creation(length, filetype)


def read_offset(scope: Scope) -> int:
    """Returns the offset from which a request sends bytes. Raises TusHeaderInvalid."""
    return _number(scope, b"upload-offset")


def require_body_type(scope: Scope) -> None:
    """Raises MediaTypeUnsupported unless the body is declared as bytes of an upload, without content encoding."""
    if of_request(scope, accepted=(BODY_TYPE,)).name != BODY_TYPE:
        raise MediaTypeUnsupported((BODY_TYPE,))


def read_checksum(scope: Scope) -> Checksum | None:
    """Returns the checksum of the body; None if the request states none. Raises TusHeaderInvalid."""
    named = sent(scope, b"upload-checksum")
    if not named:
        return None
    algorithm, _, encoded = _once(named, "upload-checksum").partition(b" ")
    name = algorithm.decode("ascii", "replace")
    if name not in ALGORITHMS:
        raise TusHeaderInvalid(f"The algorithm must be one of {', '.join(ALGORITHMS)}.", at="upload-checksum")
    stated = _base64(encoded, "upload-checksum")
    if len(stated) != ALGORITHMS[name]:
        raise TusHeaderInvalid(f"A checksum of {name} has {ALGORITHMS[name]} bytes.", at="upload-checksum")
    return Checksum("sha1" if name == "sha1" else "sha256", stated)


def _number(scope: Scope, name: bytes) -> int:
    text = _once(sent(scope, name), name.decode())
    if NUMBER.fullmatch(text) is None:
        raise TusHeaderInvalid("The value must be a number of bytes, without sign.", at=name.decode())
    return int(text)


def _filetype(scope: Scope) -> str:
    """Returns the stated type of the file, in lower case and without parameters."""
    at = "upload-metadata"
    text = _once(sent(scope, at.encode()), at)
    if len(text) > METADATA_BYTES_MAX:
        raise TusHeaderInvalid(f"The header has at most {METADATA_BYTES_MAX} bytes.", at=at)
    found: dict[bytes, bytes] = {}
    for pair in text.split(b","):
        key, _, encoded = pair.strip(b" ").partition(b" ")
        if METADATA_KEY.fullmatch(key) is None or key in found:
            raise TusHeaderInvalid("The header has pairs of a key and a value in Base64, each key once.", at=at)
        found[key] = _base64(encoded, at)
    stated = found.get(b"filetype", b"").decode("latin-1").partition(";")[0].strip().lower()
    if stated not in KIND_BY_TYPE:
        raise TusHeaderInvalid(f"`filetype` must be one of {', '.join(KIND_BY_TYPE)}.", at=f"{at}.filetype")
    return stated


def _once(named: list[bytes], at: str) -> bytes:
    if len(named) != 1:
        raise TusHeaderInvalid("The header must be sent once." if named else "The header is missing.", at=at)
    return named[0]


def _base64(encoded: bytes, at: str) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise TusHeaderInvalid("A value is not Base64.", at=at) from None
