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
from service.http.asgi import Scope, headers
from service.http.standard_webhooks import digest

TOLERANCE_S: Final = 300
SIGNATURES_MAX: Final = 8
DIGEST_BYTES: Final = 32
"""Of SHA-256."""
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


class SignatureHeaders(msgspec.Struct, frozen=True):
    """What the headers of a call claim: its id, its time, and signatures that may fit."""

    id: bytes
    at_s: int
    digests: tuple[bytes, ...]

    def verify(self, body: bytes, *, secrets: Sequence[bytes]) -> Signed:
        """Let a call pass that one of these secrets has signed. Takes as long whichever byte is wrong.

        Raises:
            SignatureWrong
        """
        right = [digest(secret, id=self.id, timestamp=b"%d" % self.at_s, body=body) for secret in secrets]
        fits = False
        for given in self.digests:
            for one in right:
                fits |= hmac.compare_digest(given, one)
        if not fits:
            raise SignatureWrong
        return Signed(self.id.decode(), self.at_s)


def claim_of(scope: Scope, *, now: datetime) -> SignatureHeaders:
    """Read the headers of a call, which can be wrong whatever its body says, and whoever's key it names.

    Raises:
        SignatureWrong: one of them is missing, doubled or malformed, or the time is not about now.
    """
    named, at, signed = (headers(scope, name) for name in (b"webhook-id", b"webhook-timestamp", b"webhook-signature"))
    if not (len(named) == len(at) == len(signed) == 1):
        raise SignatureWrong
    if _ID.fullmatch(named[0]) is None or _TIMESTAMP.fullmatch(at[0]) is None or abs(int(at[0]) - now.timestamp()) > TOLERANCE_S:
        raise SignatureWrong
    digests = _given(signed[0])
    if not digests:
        raise SignatureWrong
    return SignatureHeaders(named[0], int(at[0]), digests)


def _given(value: bytes) -> tuple[bytes, ...]:
    """The digests of a header: of version 1, the only one with a shared secret, and of its length."""
    given = []
    for part in value.split(b" ")[:SIGNATURES_MAX]:
        version, _, encoded = part.partition(b",")
        if version == b"v1":
            try:
                given.append(b64decode(encoded, validate=True))
            except NotBase64:
                continue
    return tuple(one for one in given if len(one) == DIGEST_BYTES)
