"""Verifies the signature of a call by the Standard Webhooks specification (standardwebhooks.com). Knows no events.

A signature is HMAC-SHA256 over `id.timestamp.body`. The signature covers no other header of the call.
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
from service.http.asgi import HEADERS_BY_NAME, Scope
from service.http.standard_webhooks import digest

TOLERANCE_S: Final = 300
SIGNATURES_MAX: Final = 8
DIGEST_BYTES: Final = 32
"""The number of bytes of a SHA-256 digest."""
SIGNATURE_HEADERS: Final = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
_ID: Final = re.compile(rb"[!-~]{1,128}")
_TIMESTAMP: Final = re.compile(rb"[1-9][0-9]{0,11}")


class SignatureWrong(Refused):
    """The signature is missing or wrong, its time is more than `TOLERANCE_S` from now, or the key does not exist.

    The response is the same in each case, so that nobody can find out which keys exist.
    """

    code, status, title = "daycare.signature_wrong", 401, "The signature does not fit"

    def __init__(self) -> None:
        super().__init__(
            "Sign id.timestamp.body with this key's secret (Standard Webhooks), by a clock that is right within five minutes."
        )


class Signed(msgspec.Struct, frozen=True):
    """The id and the time of a call whose signature is valid."""

    id: str
    at_s: int
    """The time of the call by the sender's clock, as Unix time in seconds."""


class SignatureHeaders(msgspec.Struct, frozen=True):
    """The signature headers of a call before they are verified: the call's id, its time, and the signatures."""

    id: bytes
    at_s: int
    digests: tuple[bytes, ...]

    def verify(self, body: bytes, *, secrets: Sequence[bytes]) -> Signed:
        """Returns the id and the time of the call if the call was signed with one of these secrets.

        The check of a wrong signature always takes the same time, whichever byte of the signature is wrong.

        Raises:
            SignatureWrong: the call was signed with none of these secrets.
        """
        expected = [digest(secret, id=self.id, timestamp=b"%d" % self.at_s, body=body) for secret in secrets]
        fits = False
        for given in self.digests:
            for one in expected:
                fits |= hmac.compare_digest(given, one)
        if not fits:
            raise SignatureWrong
        return Signed(self.id.decode(), self.at_s)


def signature_headers_of(scope: Scope, *, now: datetime) -> SignatureHeaders:
    """Reads the signature headers of a call. Needs neither the body nor the key.

    Raises:
        SignatureWrong: a header is missing, doubled or malformed, or the time is more than `TOLERANCE_S` from now.
    """
    ids, times, signatures = (scope[HEADERS_BY_NAME].get(name, ()) for name in SIGNATURE_HEADERS)
    if not (len(ids) == len(times) == len(signatures) == 1):
        raise SignatureWrong
    if _ID.fullmatch(ids[0]) is None or _TIMESTAMP.fullmatch(times[0]) is None:
        raise SignatureWrong
    if abs(int(times[0]) - now.timestamp()) > TOLERANCE_S:
        raise SignatureWrong
    digests = _digests(signatures[0])
    if not digests:
        raise SignatureWrong
    return SignatureHeaders(ids[0], int(times[0]), digests)


def _digests(value: bytes) -> tuple[bytes, ...]:
    """Returns the digests in a signature header that are of version 1 and have `DIGEST_BYTES` bytes.

    Version 1 is the only version with a shared secret.
    """
    digests = []
    for part in value.split(b" ")[:SIGNATURES_MAX]:
        version, _, encoded = part.partition(b",")
        if version == b"v1":
            try:
                digests.append(b64decode(encoded, validate=True))
            except NotBase64:
                continue
    return tuple(one for one in digests if len(one) == DIGEST_BYTES)
