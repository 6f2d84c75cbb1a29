"""The login: a page, a session for a token, the way out. Attempts are counted; what was typed is never repeated."""

from __future__ import annotations

import logging
from html import escape
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.errors import Unauthenticated
from services.web.access import COOKIE, LOGIN, session_of
from services.web.sessions import Attempts, Sessions

log = logging.getLogger(__name__)

#: Of a form with a token. Who is not in yet fills neither memory nor disk.
_MOST_BYTES = 8192
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in · vreid</title>
<meta name="viewport" content="width=device-width"><style>:root{{color-scheme:light dark}}body{{font:16px sans-serif;
max-width:22rem;margin:15vh auto;padding:1rem}}input,button{{font:inherit;width:100%;padding:.6rem;margin:.4rem 0;
box-sizing:border-box}}small{{opacity:.8}}</style></head><body><main><h1>vreid</h1><form method="post">
<label for="t">Token</label>
<input id="t" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button></form><p role="alert">{note}</p>
<small>Whoever keeps this site makes tokens with <code>vreid token new</code>.</small></main></body></html>"""


def add_login(app: FastAPI, sessions: Sessions, *, secure: bool, attempts: Attempts | None = None) -> None:
    """Adds the routes.

    Args:
        app: What they are added to.
        sessions: Who is in.
        secure: The console is reached by HTTPS, and the cookie travels by nothing else.
        attempts: Counts wrong tokens; None for the usual limits.
    """
    attempts = attempts or Attempts()

    @app.get(LOGIN)
    async def ask() -> HTMLResponse:
        return _page("", 200)

    @app.post(LOGIN)
    async def answer(request: Request) -> Response:
        token = await _typed(request)  # before attempts are counted: nobody waits between that and the judgement
        address = request.client.host if request.client is not None else ""
        if (wait_s := attempts.wait_s(address)) > 0:
            refusal = _page("Too many wrong tokens; wait a minute.", 429)
            refusal.headers["retry-after"] = str(int(wait_s) + 1)
            return refusal
        try:
            session = sessions.log_in(token.strip())
        except Unauthenticated as exc:
            attempts.failed(address)
            log.warning("login refused from %s: %s", address, exc)
            return _page("That token is not known, or no longer.", 401)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict", secure=secure)
        return response

    @app.get("/logout")
    async def leave(request: Request) -> Response:
        sessions.log_out(session_of(dict(request.headers)))
        response = RedirectResponse(LOGIN, status_code=303)
        response.delete_cookie(COOKIE)
        return response


async def _typed(request: Request) -> str:
    """The token in a form; empty where it holds none, or is larger than a form with one."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return ""
    return parse_qs(body.decode("latin-1")).get("token", [""])[0]


def _page(note: str, status: int) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(note=escape(note)), status_code=status, headers={"cache-control": "no-store"})
