"""Secrets and digests as Standard Webhooks have them (standardwebhooks.com), for what daycares sign and for what we sign."""

import hmac
from base64 import b64encode
from hashlib import sha256
from secrets import token_bytes
from typing import Final

SECRET_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    """256 random bits."""
    return token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """A secret as people paste it: it is told once."""
    return SECRET_PREFIX + b64encode(secret).decode()


def digest(secret: bytes, *, id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 over `id.timestamp.body`, 32 bytes."""
    return hmac.digest(secret, b"%b.%b.%b" % (id, timestamp, body), sha256)
