"""Puts the console together: routes, pages, guard and server. The only place of this package that wires things."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response
from nicegui import app, ui

from services.access.book import TokenBook
from services.matcher.settings import is_loopback, split_address
from services.web.access import Guard
from services.web.login import add_login
from services.web.pages.activity import activity
from services.web.pages.frame import frame, may_correct
from services.web.pages.identity import IdentityPage
from services.web.pages.search import SearchPage
from services.web.pages.system import system
from services.web.pages.topology import topology
from services.web.pages.wall import wall
from services.web.sessions import Sessions
from services.web.settings import WebSettings
from services.web.site import Site

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NOTHING = Response(status_code=404)


def serve(settings: WebSettings, book: TokenBook, site: Site) -> None:
    """Serves the console until the process is told to end.

    Args:
        settings: Where to listen.
        book: Which tokens open it.
        site: What to show.
    """
    host, port = split_address(settings.listen)
    sessions = Sessions(book)
    register(site, sessions, secure=settings.has_tls)
    hosts = () if is_loopback(host) else _names(settings)
    app.add_middleware(Guard, sessions=sessions, hosts=hosts, secure=settings.has_tls)
    app.on_startup(lambda: asyncio.create_task(site.follow(), name="follow"))
    tls: dict[str, Any] = {}
    if settings.has_tls:
        tls = {"ssl_certfile": str(settings.tls_certificate), "ssl_keyfile": str(settings.tls_key)}
    ui.run(
        host=host,
        port=port,
        title="vreid",
        reload=False,
        show=False,
        show_welcome_message=False,
        storage_secret=secrets.token_urlsafe(32),
        **tls,
    )


def register(site: Site, sessions: Sessions, *, secure: bool) -> None:
    """Adds every page and route to NiceGUI's application."""
    _pages(site, can_log_out=not sessions.open)
    _media(site)
    add_login(app, sessions, secure=secure)


def _pages(site: Site, *, can_log_out: bool) -> None:
    @ui.page("/")
    async def cameras() -> None:
        with frame("Cameras", "/", site, can_log_out=can_log_out):
            await wall(site)

    @ui.page("/activity")
    async def what_happens() -> None:
        with frame("Activity", "/activity", site, can_log_out=can_log_out):
            await activity(site)

    @ui.page("/search")
    async def search(sighting: str = "") -> None:
        with frame("Search by image", "/search", site, can_log_out=can_log_out):
            await SearchPage(site, sighting if _ID.fullmatch(sighting) else "").build()

    @ui.page("/identity/{identity_id}")
    async def identity(identity_id: str, request: Request) -> None:
        with frame("Vehicle", "", site, can_log_out=can_log_out):
            await IdentityPage(site, identity_id, may_correct=may_correct(request)).build()

    @ui.page("/topology")
    async def links() -> None:
        with frame("Topology", "/topology", site, can_log_out=can_log_out):
            await topology(site)

    @ui.page("/system")
    async def health() -> None:
        with frame("System", "/system", site, can_log_out=can_log_out):
            await system(site)


def _media(site: Site) -> None:
    @app.get("/media/picture/{sighting_id}/{index}")
    async def picture(sighting_id: str, index: int) -> Response:
        found = await site.picture(sighting_id, index) if _ID.fullmatch(sighting_id) and 0 <= index < 16 else None
        return _jpeg(found, "private, max-age=30") if found is not None else _NOTHING

    @app.get("/media/live/{camera_id}")
    async def live(camera_id: str) -> Response:
        found = site.last_picture(camera_id) or await site.live_picture(camera_id)
        return _jpeg(found.jpeg, "no-store") if found is not None else _NOTHING


def _jpeg(data: bytes, cache: str) -> Response:
    return Response(
        data, media_type="image/jpeg", headers={"cache-control": cache, "x-content-type-options": "nosniff"}
    )


def _names(settings: WebSettings) -> Sequence[str]:
    """By which names the console may be called; what listens everywhere takes those configured."""
    host, _port = split_address(settings.listen)
    return (*settings.names, host)
