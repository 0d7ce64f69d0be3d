"""Standard Webhooks (standardwebhooks.com): who signed a call, and when. Owns the check; knows no rows and no events.

A signature is HMAC-SHA256 over `id.timestamp.body`. It says nothing of other headers, so nothing that matters may stand there
alone.
"""

import hmac
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from events.errors import Refused
from service.asgi import Scope, headers
from service.standard_webhooks import digest

TOLERANCE_S: Final = 300
SIGNATURES_MAX: Final = 8
_ID: Final = re.compile(rb"[!-~]{1,128}")
_TIMESTAMP: Final = re.compile(rb"[1-9][0-9]{0,11}")


class SignatureWrong(Refused):
    """The call is not signed, not with a secret that is good, or not now; or nobody has this key: alike."""

    code, status, title = "daycare.signature_wrong", 401, "The signature does not fit"

    def __init__(self) -> None:
        super().__init__(
            "Sign id.timestamp.body with this key's secret (Standard Webhooks), by a clock that is right within five minutes."
        )


class Signed(msgspec.Struct, frozen=True):
    """A call whose signature fits."""

    id: str
    at_s: int
    """Unix time, by the sender's clock."""


def verify(scope: Scope, body: bytes, *, secrets: Sequence[bytes], now: datetime) -> Signed:
    """Let a call pass that one of these secrets has signed. Takes as long whichever byte is wrong.

    Raises:
        SignatureWrong
    """
    named, at, signed = (headers(scope, name) for name in (b"webhook-id", b"webhook-timestamp", b"webhook-signature"))
    if not (len(named) == len(at) == len(signed) == 1):
        raise SignatureWrong
    if _ID.fullmatch(named[0]) is None or _TIMESTAMP.fullmatch(at[0]) is None or abs(int(at[0]) - now.timestamp()) > TOLERANCE_S:
        raise SignatureWrong
    right = [digest(secret, id=named[0], timestamp=at[0], body=body) for secret in secrets]
    fits = False
    for given in _given(signed[0]):
        for one in right:
            fits |= hmac.compare_digest(given, one)
    if not fits:
        raise SignatureWrong
    return Signed(named[0].decode(), int(at[0]))


def _given(value: bytes) -> list[bytes]:
    """The digests of a header: of version 1, the only one with a shared secret."""
    given = []
    for part in value.split(b" ")[:SIGNATURES_MAX]:
        version, _, digest = part.partition(b",")
        if version == b"v1":
            try:
                given.append(b64decode(digest, validate=True))
            except NotBase64:
                continue
    return given
