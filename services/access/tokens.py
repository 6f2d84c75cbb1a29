"""A token as it is kept, and how one is made. Holds hashes only; never the token itself.

A token made here is 256 random bits, so one round of SHA-256 hides it: there is nothing to guess. Those that a
configuration refers to must have 24 characters, for the same reason.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from services.access.roles import Role

#: A token that can be guessed is none.
LEAST_CHARACTERS = 24
_PREFIX = "vreid_"
#: What looks like one of our tokens in a text.
_SHAPE = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{8,}}")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept.

    Attributes:
        name: Who comes with it.
        role: What it may do.
        sha256: Of the token, hexadecimal.
        created_at: None for those of the configuration.
        expires_at: Not accepted from then on; None for never.
    """

    name: str
    role: Role
    sha256: str
    created_at: datetime | None = None
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it is past its time."""
        return self.expires_at is not None and now >= self.expires_at


def new_secret() -> str:
    """A fresh token: 256 random bits behind a prefix by which scanners of source code know it."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """SHA-256 of a token, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def redact_tokens(text: str) -> str:
    """A text without tokens of ours.

    >>> redact_tokens("Bearer vreid_AbCdEfGhIjKl failed")
    'Bearer vreid_… failed'
    """
    return _SHAPE.sub(f"{_PREFIX}…", text)
