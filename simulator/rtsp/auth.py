"""Owns digest authentication (RFC 2617, MD5); never stores or logs what a client sent."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulator.rtsp.message import Request

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_REALM = "city"
_UNKNOWN = secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one account of the city's cameras."""

    user: str
    password: str = field(repr=False)


def unknown_password(user: str) -> Credentials:
    """Credentials that nobody knows; the same ones throughout this process."""
    return Credentials(user, _UNKNOWN)


class DigestAuth:
    """Challenges one connection and checks its answers."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._nonce = secrets.token_hex(16)

    @property
    def challenge(self) -> str:
        """The value of WWW-Authenticate."""
        return f'Digest realm="{_REALM}", nonce="{self._nonce}"'

    def admits(self, request: Request) -> bool:
        """Whether the request proves knowledge of the password for just this method and address."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "digest":
            return False
        given = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        uri = given.get("uri", "")
        if urlsplit(uri).path.rstrip("/") != urlsplit(request.uri).path.rstrip("/"):
            return False
        account = _md5(f"{self._credentials.user}:{_REALM}:{self._credentials.password}")
        action = _md5(f"{request.method}:{uri}")
        expected = _md5(f"{account}:{self._nonce}:{action}")
        return hmac.compare_digest(expected.encode(), given.get("response", "").encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
