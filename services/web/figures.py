"""What the console tells a scrape, and the request id of every request of a browser. Serves nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from nicegui import Client
from prometheus_client.metrics_core import Metric as Family
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.observability import catalogue
from services.observability.instruments import counter, histogram, single
from services.observability.request_ids import REQUEST_KEY, accepted, set_request_id
from services.web.site import Site

#: First parts of paths that are told apart; all others are one.
_PAGES = frozenset(
    {
        "activity",
        "search",
        "alerts",
        "gallery",
        "identity",
        "topology",
        "system",
        "media",
        "login",
        "logout",
        "_nicegui",
    }
)


def page_of(path: str) -> str:
    """By which name a path is counted.

    >>> page_of("/"), page_of("/identity/0199"), page_of("/wp-admin.php")
    ('cameras', 'identity', 'other')
    """
    first = path.strip("/").partition("/")[0]
    return "cameras" if not first else first if first in _PAGES else "other"


class RequestFigures:
    """ASGI middleware, the outermost: counts, times and names requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = next((value.decode("latin-1") for key, value in scope["headers"] if key == REQUEST_KEY.encode()), None)
        request_id = accepted(said)
        set_request_id(request_id)
        page, status, began_s = page_of(scope["path"]), 500, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [*message.get("headers", ()), (REQUEST_KEY.encode(), request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            counter(catalogue.WEB_REQUESTS).labels(page, f"{status // 100}xx").inc()
            histogram(catalogue.WEB_SECONDS).labels(page).observe(time.perf_counter() - began_s)


def web_families(site: Site) -> Iterator[Family]:
    """Values of now."""
    viewers = [client for client in list(Client.instances.values()) if client.has_socket_connection]
    yield single(catalogue.WEB_VIEWERS, len(viewers))
    yield single(catalogue.WEB_MATCHER_UP, float(site.reachable))
