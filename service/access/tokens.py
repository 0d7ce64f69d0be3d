"""Makes tokens and codes, finds the token in a header, and hashes tokens and codes. Only the hashes are stored."""

import re
import secrets
from hashlib import sha256
from typing import Final

TOKEN_BYTES: Final = 32
CODE_BYTES: Final = 20
"""160 bits are enough, because a code is valid for minutes or days. People do not type codes: they use a link or a QR code."""

# The prefix lets scanners for leaked secrets recognise our tokens.
TOKEN: Final = re.compile(rb"sn1_[A-Za-z0-9_-]{43}")
_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(sn1_[A-Za-z0-9_-]{43})")


def new_token() -> str:
    """Returns a new device token of 256 random bits."""
    return "sn1_" + secrets.token_urlsafe(TOKEN_BYTES)


def new_code() -> str:
    """Returns a new code for an invite or a pairing."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_of(secret: str | bytes) -> bytes:
    """Returns the SHA-256 of a token or a code (32 bytes). Uses no salt, because 160 or more random bits cannot be guessed."""
    return sha256(secret.encode() if isinstance(secret, str) else secret).digest()


def token_in(authorization: bytes | None) -> bytes | None:
    """Returns the token of an Authorization header, or None if the header has no token of the right form."""
    found = _BEARER.fullmatch(authorization) if authorization is not None else None
    return None if found is None else found[1]
