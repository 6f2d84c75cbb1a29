"""Binds the matcher's listeners: where only this machine can reach in the clear, elsewhere with TLS and tokens only."""

from __future__ import annotations

import errno
import socket
import threading

import grpc

from services.access.book import TokenBook
from services.access.tls import Renewal, TlsFiles, tls_files
from services.errors import ConfigError, PortInUse
from services.live.wire import private_folder
from services.matcher.door.admission import Door
from services.matcher.door.serving import LoopServer
from services.matcher.settings import MatcherSettings, is_loopback, split_address


def listener_files(settings: MatcherSettings, book: TokenBook) -> TlsFiles | None:
    """The certificates to listen with; None for a listener in the clear, which only this machine can reach.

    Raises:
        ConfigError: Certificates cannot be used, or other machines could reach it without TLS and tokens.
    """
    files = tls_files("matcher", settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    host, _ = split_address(settings.listen)
    if not is_loopback(host) and not (files is not None and book.on):
        raise ConfigError(
            f"matcher.listen: {settings.listen} can be reached from other machines, which needs TLS and tokens: "
            "set matcher.tls_certificate and matcher.tls_key and make a token with `vreid token new`; "
            "or listen on 127.0.0.1"
        )
    return files


def listen(server: LoopServer, settings: MatcherSettings, door: Door) -> str:
    """Binds what the settings name, and the local socket where the door has one.

    Returns:
        The address that was bound, host:port.

    Raises:
        ConfigError: The address cannot be listened on, its certificates cannot be used, or other machines could reach
            it without TLS and tokens.
        PortInUse: Somebody else listens there.
    """
    host, port = split_address(settings.listen)
    files = listener_files(settings, door.book)
    _probe(host, port, settings.listen)
    try:
        if files is None:
            bound = server.add_insecure_port(settings.listen)
        else:
            bound = server.add_secure_port(settings.listen, _credentials(files))
    except RuntimeError as exc:
        raise PortInUse(f"matcher.listen: {settings.listen} cannot be bound") from exc
    if door.local_socket is not None:
        _listen_locally(server, door)
    return f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"


def _listen_locally(server: LoopServer, door: Door) -> None:
    path = door.local_socket
    if path is None:
        return
    try:
        private_folder(path.parent)
        server.add_insecure_port(f"unix:{path}")
    except (OSError, RuntimeError) as exc:
        raise ConfigError(f"data_dir: no socket can be made at {path}: {exc}") from exc


def _credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Certificates that are read again at the handshake after they were renewed."""
    renewal, lock = Renewal(files, "matcher"), threading.Lock()

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        with lock:
            return renewal.fresh(lambda: _read(files))

    return grpc.dynamic_ssl_server_credentials(
        _read(files), fetch, require_client_authentication=files.client_ca is not None
    )


def _read(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    pair = (files.key.read_bytes(), files.certificate.read_bytes())
    roots = files.client_ca.read_bytes() if files.client_ca is not None else None
    return grpc.ssl_server_certificate_configuration((pair,), root_certificates=roots)


def _probe(host: str, port: int, listen: str) -> None:
    """Finds out why an address cannot be bound, which gRPC does not tell."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise PortInUse(f"matcher.listen: {listen} is in use by another program") from exc
            raise ConfigError(f"matcher.listen: {listen} cannot be bound: {exc.strerror}") from exc
