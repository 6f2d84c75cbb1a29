"""Who may come in: the host and origin that a browser names, and a session for a token. Knows no page."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from services.matcher.settings import is_loopback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "vreid_session"
LOGIN = "/login"
_SESSION_S = 12 * 3600.0
_MOST_SESSIONS = 10_000


class Sessions:
    """Roles by session, in memory: a restart of the console logs everybody out."""

    def __init__(self, tokens: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        """Begins without sessions.

        Args:
            tokens: Role by token; none means that whoever reaches the console is an operator.
            clock: Seconds.
        """
        self._tokens = dict(tokens)
        self._clock = clock
        self._sessions: dict[str, tuple[str, float]] = {}

    @property
    def open(self) -> bool:
        """Whether no token is asked for."""
        return not self._tokens

    def log_in(self, token: str) -> str | None:
        """A new session for a token, None for one that is not known. Every token is compared in full."""
        role = None
        for known, its_role in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                role = its_role
        if role is None:
            return None
        now = self._clock()
        self._sessions = {name: kept for name, kept in self._sessions.items() if kept[1] > now}
        while len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        session = secrets.token_urlsafe(32)
        self._sessions[session] = (role, now + _SESSION_S)
        return session

    def log_out(self, session: str) -> None:
        """Ends a session."""
        self._sessions.pop(session, None)

    def role(self, session: str) -> str | None:
        """Role of a session: "viewer" or "operator"; None for none."""
        if self.open:
            return "operator"
        role, until = self._sessions.get(session, (None, 0.0))
        return role if until > self._clock() else None


class Guard:
    """ASGI middleware before everything, WebSockets included.

    Refuses requests for another host than the console's (a page elsewhere that had its name point here) and those that
    another site's page sends; without a session leads to the login. Puts the role into the request's state.
    """

    def __init__(self, app: App, sessions: Sessions, hosts: Iterable[str] = ()) -> None:
        """Wraps an application.

        Args:
            app: What is guarded.
            sessions: Who is in.
            hosts: Names that the console may be called by; none for any on loopback only.
        """
        self._app = app
        self._sessions = sessions
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves or refuses one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._known(headers):
            await _refuse(scope, send, 403, b"this console is not called by that name, or another site asked")
            return
        role = self._sessions.role(session_of(headers))
        if role is None and scope["path"] != LOGIN:
            await _refuse(scope, send, 303, b"log in", (b"location", LOGIN.encode()))
            return
        scope.setdefault("state", {})["role"] = role
        await self._app(scope, receive, send)

    def _known(self, headers: Mapping[str, str]) -> bool:
        try:
            host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
            origin = headers.get("origin")
            same = origin is None or urlsplit(origin).netloc == headers["host"]
        except (KeyError, ValueError):
            return False
        return same and (host in self._hosts if self._hosts else is_loopback(host))


def session_of(headers: Mapping[str, str]) -> str:
    """The session that a request carries; empty without one."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


async def _refuse(scope: Scope, send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": body})
