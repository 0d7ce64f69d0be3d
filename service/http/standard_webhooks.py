"""Makes secrets and digests by Standard Webhooks (standardwebhooks.com), for calls of daycares and for our webhooks."""

import hmac
from base64 import b64encode
from hashlib import sha256
from secrets import token_bytes
from typing import Final

SECRET_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    """Returns a new secret of 256 random bits."""
    return token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Returns a secret as text for people to copy. The service shows it only once."""
    return SECRET_PREFIX + b64encode(secret).decode()


def digest(secret: bytes, *, id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """Returns the HMAC-SHA256 of `id.timestamp.body`, 32 bytes."""
    return hmac.digest(secret, b"%b.%b.%b" % (id, timestamp, body), sha256)
