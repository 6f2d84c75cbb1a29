"""Serves a process's metrics and whether it is well over HTTP, in a thread of its own. Counts nothing."""

from __future__ import annotations

import hmac
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING, Any, cast

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family

from services.access.tls import Renewal, TlsFiles, tls_files
from services.errors import ConfigError
from services.matcher.settings import is_loopback
from services.observability.certificates import certificate_files
from services.observability.instruments import REGISTRY, ScrapeCollector
from services.observability.machine import machine_families
from services.observability.settings import MetricsSettings, Role
from services.secrets import read_secret

if TYPE_CHECKING:
    from services.config import VreidConfig

log = logging.getLogger(__name__)

_IDLE_S = 10.0
_LOOK_EVERY_S = 30.0
_LEAST_TOKEN = 16
_TEXT = "text/plain; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE_S
    server_version = "vreid"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers /metrics and /healthz."""
        server = cast("_Server", self.server)
        path = self.path.partition("?")[0]
        if path == "/healthz":
            well = server.well()
            self._send(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, b"ok\n" if well else b"not well\n")
        elif path != "/metrics":
            self._send(HTTPStatus.NOT_FOUND, b"not found; see /metrics and /healthz\n")
        elif not server.admits(self.headers.get("Authorization", "")):
            self._send(HTTPStatus.UNAUTHORIZED, b"a bearer token is needed\n", **{"WWW-Authenticate": "Bearer"})
        else:
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._send(HTTPStatus.OK, encode(REGISTRY), content_type)

    def _send(self, status: HTTPStatus, body: bytes, content_type: str = _TEXT, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Scrapes are not worth a line."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, token: str | None, well: Callable[[], bool]) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        self._token = token
        self.well = well
        self._renew: Callable[[], None] | None = None
        self._look_at_s = 0.0
        super().__init__((host, port), _Handler)

    def encrypt(self, files: TlsFiles) -> None:
        """Speaks TLS from now on, with certificates that are read again when they were renewed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        renewal = Renewal(files, "metrics")
        self._renew = lambda: renewal.renew(context)
        # The handshake belongs to the thread of its connection: a silent client must not hold up the next.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def service_actions(self) -> None:
        """Called by the listening thread at every turn."""
        if self._renew is not None and time.monotonic() >= self._look_at_s:
            self._look_at_s = time.monotonic() + _LOOK_EVERY_S
            self._renew()

    def admits(self, authorization: str) -> bool:
        """Whether a caller may read the metrics."""
        if self._token is None:
            return True
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that goes away is nobody's affair."""
        log.debug("a scrape failed", exc_info=True)


class MetricsEndpoint:
    """An HTTP listener on one port."""

    def __init__(
        self, settings: MetricsSettings, port: int, well: Callable[[], bool] = lambda: True, token: str | None = None
    ) -> None:
        """Listens from now on.

        Args:
            settings: Host and TLS.
            port: Where; 0 takes a free one.
            well: Says without blocking whether the process works as it should.
            token: What scrapes must bring; None for nothing.

        Raises:
            OSError: The port cannot be taken.
            ConfigError: Certificate and key cannot be used together.
        """
        self._server = _Server(settings.host, port, token, well)
        if (files := tls_files("metrics", settings.tls_certificate, settings.tls_key)) is not None:
            self._server.encrypt(files)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Ends the listener."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)


def checked_token(settings: MetricsSettings) -> str | None:
    """The token that scrapes must bring.

    Raises:
        ConfigError: What is reachable from other machines lacks TLS or a token, a reference or file leads nowhere, or
            certificate and key do not belong together.
    """
    tls_files("metrics", settings.tls_certificate, settings.tls_key)
    token = None if settings.token is None else read_secret(settings.token)
    if token is not None and len(token) < _LEAST_TOKEN:
        raise ConfigError(f"metrics.token: must have at least {_LEAST_TOKEN} characters")
    if not is_loopback(settings.host) and (token is None or settings.tls_certificate is None):
        raise ConfigError(
            f"metrics.host: {settings.host} can be reached from other machines, which needs metrics.tls_certificate, "
            "metrics.tls_key and metrics.token; or listen on 127.0.0.1"
        )
    return token


@contextmanager
def exposed(
    config: VreidConfig,
    role: Role,
    read: Callable[[], Iterator[Family]],
    *,
    ping: Callable[[], None] | None = None,
    well: Callable[[], bool] = lambda: True,
) -> Iterator[MetricsEndpoint | None]:
    """A role's metrics while the block runs; nothing where they are switched off.

    A port that is taken costs the metrics of this process, not the process.

    Args:
        config: Says whether and where.
        role: Of this process.
        read: Gives the role's values of now.
        ping: Raises when the store does not answer; None for a role without one.
        well: For /healthz.

    Raises:
        ConfigError: See ``checked_token``.
    """
    settings = config.metrics
    port = settings.port(role)
    if not settings.enabled or not port:
        yield None
        return
    token = checked_token(settings)
    certificates = dict(certificate_files(config))

    def families() -> Iterator[Family]:
        yield from machine_families(role, config.site, config.data_dir, certificates, ping)
        yield from read()

    collector = ScrapeCollector(families)
    endpoint = None
    try:
        try:
            endpoint = MetricsEndpoint(settings, port, well, token)
            log.info("metrics on %s:%d", settings.host, endpoint.port)
        except OSError as exc:
            log.warning("no metrics, %s:%d cannot be used: %s", settings.host, port, exc.strerror or exc)
        yield endpoint
    finally:
        collector.close()
        if endpoint is not None:
            endpoint.close()
