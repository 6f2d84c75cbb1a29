"""Who may come in: the host and origin that a browser names, and a session for a token. Knows no page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from services.access.roles import Caller
from services.matcher.settings import is_loopback
from services.web.sessions import Sessions

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "vreid_session"
LOGIN = "/login"
#: Who sent the request that is being answered; None outside of one.
ASKING: ContextVar[Caller | None] = ContextVar("vreid-web-asking", default=None)
#: Nobody frames the console, guesses a type, or hears its addresses.
_HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class Guard:
    """ASGI middleware before everything, WebSockets included.

    Refuses requests for another host than the console's (a page elsewhere that had its name point here) and those that
    another site's page sends; without a session leads to the login. Puts into the request's state as ``visitor`` what
    tells who asks, now and for as long as the page stays open.
    """

    def __init__(self, app: App, sessions: Sessions, hosts: Iterable[str] = (), *, secure: bool = False) -> None:
        """Wraps an application.

        Args:
            app: What is guarded.
            sessions: Who is in.
            hosts: Names that the console may be called by; none for any on loopback only.
            secure: It is reached by HTTPS, and browsers are told to keep to that.
        """
        self._app = app
        self._sessions = sessions
        self._hosts = frozenset(hosts)
        self._headers = (*_HEADERS, _HSTS) if secure else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves or refuses one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._known(headers):
            await _refuse(scope, send, 403, b"this console is not called by that name, or another site asked")
            return
        look = partial(self._sessions.visitor, session_of(headers))
        caller = look()
        if caller is None and scope["path"] != LOGIN:
            await _refuse(scope, send, 303, b"log in", (b"location", LOGIN.encode()))
            return
        scope.setdefault("state", {})["visitor"] = look
        kept = ASKING.set(caller)
        try:
            await self._app(scope, receive, partial(self._send, send))
        finally:
            ASKING.reset(kept)

    async def _send(self, send: Send, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await send(message)

    def _known(self, headers: Mapping[str, str]) -> bool:
        try:
            host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
            origin = headers.get("origin")
            same = origin is None or urlsplit(origin).netloc == headers["host"]
        except (KeyError, ValueError):
            return False
        return same and (host in self._hosts if self._hosts else is_loopback(host))


def session_of(headers: Mapping[str, str]) -> str:
    """The session that a request carries; empty without one.

    Cookies of other programs on this host, whatever their port, come along, and not all of them are well formed.

    >>> session_of({"cookie": 'theme={"dark":1}; vreid_session=abc'})
    'abc'
    """
    given = (cookie.strip().partition("=") for cookie in headers.get("cookie", "").split(";"))
    return next((value.strip('"') for name, _, value in given if name == COOKIE), "")


async def _refuse(scope: Scope, send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": body})
