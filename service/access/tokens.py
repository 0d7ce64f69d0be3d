"""Tokens and codes: how they are made, what they look like, and the hash that is kept of them instead."""

import re
import secrets
from hashlib import sha256
from typing import Final

TOKEN_BYTES: Final = 32
CODE_BYTES: Final = 20
"""160 bits: a code lives minutes or days, and is read from a link or a picture, not typed."""

# The prefix lets a scanner for leaked secrets recognise ours.
TOKEN: Final = re.compile(rb"sn1_[A-Za-z0-9_-]{43}")
_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(sn1_[A-Za-z0-9_-]{43})")


def new_token() -> str:
    """A device token of 256 random bits."""
    return "sn1_" + secrets.token_urlsafe(TOKEN_BYTES)


def new_code() -> str:
    """A code for an invite or a pairing."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_of(secret: str | bytes) -> bytes:
    """SHA-256, 32 bytes. No salt and no stretching: there is nothing to guess in 160 random bits."""
    return sha256(secret.encode() if isinstance(secret, str) else secret).digest()


def token_in(authorization: bytes | None) -> bytes | None:
    """The token of an Authorization header; None where there is none of the right form."""
    found = _BEARER.fullmatch(authorization) if authorization is not None else None
    return None if found is None else found[1]
