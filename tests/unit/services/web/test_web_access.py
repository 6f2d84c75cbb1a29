"""Who may come in: settings that refuse, sessions, and the guard before everything."""

import asyncio

import pytest
from pydantic import ValidationError

from services.errors import ConfigError
from services.web.access import COOKIE, Guard, Sessions
from services.web.settings import WebSettings, tokens_of

VIEWER, OPERATOR = "v" * 20, "o" * 20


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("CONSOLE_VIEWER", VIEWER)
    (tmp_path / "operator").write_text(OPERATOR + "\n")
    (tmp_path / "cert.pem").write_text("")
    return tmp_path


def test_tokens_come_by_reference(secrets):
    settings = WebSettings(viewer_token="env:CONSOLE_VIEWER", operator_token=f"file:{secrets}/operator")
    assert tokens_of(settings) == {VIEWER: "viewer", OPERATOR: "operator"}
    assert tokens_of(WebSettings()) == {}
    with pytest.raises(ValidationError, match="a secret itself"):
        WebSettings(viewer_token=VIEWER)


def test_beyond_loopback_needs_tls_and_a_token(secrets):
    pem = secrets / "cert.pem"
    for lacking in (
        {},
        {"viewer_token": "env:CONSOLE_VIEWER"},
        {"tls_certificate": pem, "tls_key": pem},
    ):
        with pytest.raises(ConfigError, match="can be reached from other machines"):
            tokens_of(WebSettings(listen="0.0.0.0:8650", **lacking))
    tokens_of(WebSettings(listen="0.0.0.0:8650", viewer_token="env:CONSOLE_VIEWER", tls_certificate=pem, tls_key=pem))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"viewer_token": "env:NOWHERE"}, "no environment variable NOWHERE"),
        ({"operator_token": "file:/nowhere/token"}, "cannot read /nowhere/token"),
        ({"viewer_token": "env:SHORT"}, "at least 16 characters"),
        ({"viewer_token": "env:CONSOLE_VIEWER", "operator_token": "env:CONSOLE_VIEWER"}, "are the same"),
        ({"tls_certificate": "/nowhere/cert.pem"}, "give both or none"),
        ({"tls_certificate": "/nowhere/cert.pem", "tls_key": "/nowhere/key.pem"}, "no such file"),
    ],
)
def test_what_cannot_hold_is_refused(settings, told, secrets, monkeypatch):
    monkeypatch.setenv("SHORT", "short")
    with pytest.raises(ConfigError, match=told):
        tokens_of(WebSettings(**settings))


def test_sessions_end():
    now = [0.0]
    sessions = Sessions({VIEWER: "viewer", OPERATOR: "operator"}, lambda: now[0])
    assert sessions.log_in("wrong") is None
    viewer, operator = sessions.log_in(VIEWER), sessions.log_in(OPERATOR)
    assert (sessions.role(viewer), sessions.role(operator), sessions.role("")) == ("viewer", "operator", None)
    sessions.log_out(viewer)
    assert sessions.role(viewer) is None
    now[0] = 13 * 3600
    assert sessions.role(operator) is None
    assert Sessions({}).role("") == "operator"


def ask(guard_of, *, kind="http", path="/", host="127.0.0.1:8650", origin=None, session=None):
    """Status of a request through a guard, and the role that the application saw."""
    seen, sent = [], []

    async def application(scope, receive, send):
        seen.append(scope["state"]["role"])

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
    sessions = Sessions({})

    def guard(application):
        return Guard(application, sessions)

    assert ask(guard) == (200, "operator")
    assert ask(guard, host="localhost:8650", origin="http://localhost:8650") == (200, "operator")
    assert ask(guard, host="[::1]:8650") == (200, "operator")
    assert ask(guard, host="rebound.example:8650") == (403, None)
    assert ask(guard, host="") == (403, None)
    assert ask(guard, origin="http://elsewhere.example") == (403, None)
    assert ask(guard, kind="websocket", origin="http://elsewhere.example") == (1008, None)
    assert ask(lambda app: Guard(app, sessions, ("console.example",)), host="console.example") == (200, "operator")
    assert ask(lambda app: Guard(app, sessions, ("console.example",))) == (403, None)


def test_without_a_session_there_is_only_the_login():
    sessions = Sessions({VIEWER: "viewer"})

    def guard(application):
        return Guard(application, sessions)

    assert ask(guard) == (303, None)
    assert ask(guard, path="/media/live/north") == (303, None)
    assert ask(guard, kind="websocket") == (1008, None)
    assert ask(guard, path="/login") == (200, None)
    assert ask(guard, session="made up") == (303, None)
    assert ask(guard, session=sessions.log_in(VIEWER)) == (200, "viewer")
