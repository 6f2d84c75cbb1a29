"""Puts the console together: routes, pages, guard and server. The only place of this package that wires things."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import StreamingResponse
from nicegui import app, ui
from nicegui.server import Server

from services.access.book import TokenBook
from services.access.tls import tls_files
from services.client.archive import archive_of
from services.errors import VreidError
from services.matcher.settings import is_loopback, split_address
from services.web.access import Guard
from services.web.figures import RequestFigures
from services.web.login import add_login
from services.web.machine import Machine
from services.web.pages.activity import activity
from services.web.pages.alerts import AlertsPage
from services.web.pages.gallery import GalleryPage
from services.web.pages.identity import IdentityPage
from services.web.pages.search import SearchPage
from services.web.pages.system import SystemPage
from services.web.pages.topology import topology
from services.web.pages.wall import wall
from services.web.parts.frame import frame, may_correct
from services.web.renewal import follow_certificates
from services.web.sessions import Sessions
from services.web.settings import WebSettings
from services.web.site import Site
from services.web.texts import _
from services.web.visitor import Role, visitor_of

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DRAIN_S = 3
_PATIENCE_S = 60.0
#: Of 9: what is beyond packs hardly smaller and takes several times as long.
_PACKING = 4
_NOTHING = Response(status_code=404)


def serve(settings: WebSettings, book: TokenBook, site: Site, machine: Machine) -> None:
    """Serves the console until the process is told to end.

    Args:
        settings: Where to listen.
        book: Which tokens open it.
        site: What to show.
        machine: What it runs on.
    """
    host, port = split_address(settings.listen)
    sessions = Sessions(book)
    register(site, machine, sessions, secure=settings.has_tls)
    hosts = () if is_loopback(host) else _names(settings)
    app.add_middleware(Guard, sessions=sessions, hosts=hosts, secure=settings.has_tls)
    app.add_middleware(RequestFigures)  # The last one added is the outermost.
    app.on_startup(lambda: asyncio.create_task(site.follow(), name="follow"))
    tls: dict[str, Any] = {}
    if (files := tls_files("web", settings.tls_certificate, settings.tls_key)) is not None:
        tls = {"ssl_certfile": str(files.certificate), "ssl_keyfile": str(files.key)}
        fresh = partial(follow_certificates, files, lambda: Server.instance.config.ssl)
        app.on_startup(lambda: asyncio.create_task(fresh(), name="certificates"))
    ui.run(
        host=host,
        port=port,
        title="vreid",
        reload=False,
        show=False,
        show_welcome_message=False,
        # Its compiler would run in the browser at every page for two dozen classes, which style.css has instead.
        tailwind=False,
        # On one machine packing costs more than it saves.
        gzip_middleware_factory=None if is_loopback(host) else partial(GZipMiddleware, compresslevel=_PACKING),
        storage_secret=secrets.token_urlsafe(32),
        # A browser that keeps a TLS connection open would otherwise hold up the end for half a minute.
        timeout_graceful_shutdown=_DRAIN_S,
        **tls,
    )


def register(site: Site, machine: Machine, sessions: Sessions, *, secure: bool) -> None:
    """Adds every page and route to NiceGUI's application."""
    _pages(site, machine, can_log_out=lambda: not sessions.open)
    _media(site)
    _exports(site)
    add_login(app, sessions, secure=secure)


#: A page that a busy machine makes slowly is shown late; the toolkit would show an error after three seconds.
_page = partial(ui.page, response_timeout=_PATIENCE_S)


def _pages(site: Site, machine: Machine, *, can_log_out: Callable[[], bool]) -> None:
    @_page("/")
    async def cameras() -> None:
        with frame(_("Cameras"), "/", site, can_log_out=can_log_out()):
            await wall(site)

    @_page("/activity")
    async def what_happens() -> None:
        with frame(_("Activity"), "/activity", site, can_log_out=can_log_out()):
            await activity(site)

    @_page("/search")
    async def search(sighting: str = "", held: str = "") -> None:
        with frame(_("Search by image"), "/search", site, can_log_out=can_log_out()):
            await SearchPage(site, sighting if _ID.fullmatch(sighting) else "", site.held(held)).build()

    @_page("/alerts")
    async def alerts() -> None:
        with frame(_("Alerts"), "/alerts", site, can_log_out=can_log_out()):
            await AlertsPage(site).build()

    @_page("/gallery")
    async def gallery() -> None:
        with frame(_("Gallery"), "/gallery", site, can_log_out=can_log_out()):
            await GalleryPage(site).build()

    @_page("/identity/{identity_id}")
    async def identity(identity_id: str, request: Request) -> None:
        with frame(_("Vehicle"), "", site, can_log_out=can_log_out()):
            await IdentityPage(site, identity_id, may_correct=may_correct(request)).build()

    @_page("/topology")
    async def links() -> None:
        with frame(_("Topology"), "/topology", site, can_log_out=can_log_out()):
            await topology(site)

    @_page("/system")
    async def health() -> None:
        with frame(_("System"), "/system", site, can_log_out=can_log_out()):
            await SystemPage(site, machine).build()


def _media(site: Site) -> None:
    @app.get("/media/picture/{sighting_id}/{index}")
    async def picture(sighting_id: str, index: int) -> Response:
        found = await site.picture(sighting_id, index) if _ID.fullmatch(sighting_id) and 0 <= index < 16 else None
        return _jpeg(found, "private, max-age=30") if found is not None else _NOTHING

    @app.get("/media/live/{camera_id}")
    async def live(camera_id: str, at: int = 0) -> Response:
        found = site.shown_picture(camera_id, at) or await site.live_picture(camera_id)
        return _jpeg(found.jpeg, "no-store") if found is not None else _NOTHING


def _exports(site: Site) -> None:
    @app.get("/media/export")
    async def export(request: Request, identity: Annotated[list[str] | None, Query()] = None) -> Response:
        names = identity or []
        if not visitor_of(request).role.may(Role.ADMIN) or not all(_ID.fullmatch(name) for name in names):
            return Response(status_code=403)
        try:
            parts = archive_of(site.client.gallery_export(names))
            first = await site.ask(next, parts), await site.ask(next, parts)  # what fails does so before the answer
        except VreidError as exc:
            return Response(" ".join(str(exc).split()), status_code=409, media_type="text/plain")
        name = f"vreid-{datetime.now().astimezone():%Y%m%d-%H%M%S}.gallery"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return StreamingResponse(chain(first, parts), media_type="application/octet-stream", headers=headers)


def _jpeg(data: bytes, cache: str) -> Response:
    return Response(
        data, media_type="image/jpeg", headers={"cache-control": cache, "x-content-type-options": "nosniff"}
    )


def _names(settings: WebSettings) -> Sequence[str]:
    """By which names the console may be called; what listens everywhere takes those configured."""
    host, _port = split_address(settings.listen)
    return (*settings.names, host)
