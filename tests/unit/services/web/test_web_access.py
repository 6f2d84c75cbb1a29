"""Who may come in: settings that refuse, the guard before everything, and who it says asks."""

import asyncio

import pytest

from services.access.book import TokenBook
from services.access.roles import Role
from services.access.settings import AccessSettings
from services.access.tokens import Token, digest_of, new_secret
from services.errors import ConfigError
from services.web.access import ASKING, COOKIE, Guard
from services.web.sessions import Sessions
from services.web.settings import WebSettings, console_access

VIEWER = new_secret()
BOOK = TokenBook([Token("ann", Role.VIEWER, digest_of(VIEWER))])


@pytest.fixture
def access(monkeypatch):
    monkeypatch.setenv("CONSOLE_VIEWER", VIEWER)
    return AccessSettings(tokens=[{"name": "ann", "role": "viewer", "secret": "env:CONSOLE_VIEWER"}])


def test_beyond_loopback_needs_tls_and_a_token(access, certificates, tmp_path):
    files = {"tls_certificate": certificates.server.certificate, "tls_key": certificates.server.key}
    for tokens, tls in ((AccessSettings(), {}), (access, {}), (AccessSettings(), files)):
        with pytest.raises(ConfigError, match="can be reached from other machines"):
            console_access(WebSettings(listen="0.0.0.0:8650", **tls), tokens, tmp_path)
    book = console_access(WebSettings(listen="0.0.0.0:8650", **files), access, tmp_path)
    assert book.on
    assert not console_access(WebSettings(), AccessSettings(), tmp_path).on


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tls_certificate": "/nowhere/cert.pem"}, "give both or none"),
        ({"tls_certificate": "/nowhere/cert.pem", "tls_key": "/nowhere/key.pem"}, "no such file"),
    ],
)
def test_certificates_that_cannot_be_used_are_refused(settings, told, tmp_path):
    with pytest.raises(ConfigError, match=told):
        console_access(WebSettings(**settings), AccessSettings(), tmp_path)


def ask(guard_of, *, kind="http", path="/", host="127.0.0.1:8650", origin=None, session=None):
    """Status of a request through a guard, and the role that the application saw."""
    seen, sent = [], []

    async def application(scope, receive, send):
        visitor = scope["state"]["visitor"]()
        assert ASKING.get() == visitor
        seen.append(visitor.role.value if visitor is not None else None)

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if session is not None:
        headers.append((b"cookie", f"{COOKIE}={session}".encode()))
    asyncio.run(guard_of(application)({"type": kind, "path": path, "headers": headers}, None, send))
    return (sent[0].get("status", sent[0].get("code")) if sent else 200), (seen[0] if seen else None)


def test_only_known_hosts_and_the_same_origin_pass():
    sessions = Sessions(TokenBook())

    def guard(application):
        return Guard(application, sessions)

    assert ask(guard) == (200, "admin")
    assert ask(guard, host="localhost:8650", origin="http://localhost:8650") == (200, "admin")
    assert ask(guard, host="[::1]:8650") == (200, "admin")
    assert ask(guard, host="rebound.example:8650") == (403, None)
    assert ask(guard, host="") == (403, None)
    assert ask(guard, origin="http://elsewhere.example") == (403, None)
    assert ask(guard, kind="websocket", origin="http://elsewhere.example") == (1008, None)
    assert ask(lambda app: Guard(app, sessions, ("console.example",)), host="console.example") == (200, "admin")
    assert ask(lambda app: Guard(app, sessions, ("console.example",))) == (403, None)


def test_without_a_session_there_is_only_the_login():
    sessions = Sessions(BOOK)

    def guard(application):
        return Guard(application, sessions)

    assert ask(guard) == (303, None)
    assert ask(guard, path="/media/live/north") == (303, None)
    assert ask(guard, kind="websocket") == (1008, None)
    assert ask(guard, path="/login") == (200, None)
    assert ask(guard, session="made up") == (303, None)
    assert ask(guard, session=sessions.log_in(VIEWER)) == (200, "viewer")


@pytest.mark.parametrize("secure", [False, True])
def test_every_answer_carries_what_keeps_a_browser_careful(secure):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"host", b"127.0.0.1")]}
    asyncio.run(Guard(application, Sessions(TokenBook()), secure=secure)(scope, None, send))
    headers = dict(sent[0]["headers"])
    assert headers[b"a"] == b"b"
    assert headers[b"x-frame-options"] == b"DENY"
    assert (b"strict-transport-security" in headers) is secure
