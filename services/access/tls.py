"""Certificates on disk, read again when they are renewed. Opens no listener."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.errors import ConfigError

log = logging.getLogger(__name__)

T = TypeVar("T")
Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The PEM files of a listener.

    Attributes:
        certificate: The listener's own, followed by those between it and the root.
        key: Of the certificate, without a pass phrase.
        client_ca: Callers must show a certificate that one of these signed; None asks for none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.certificate, self.key) + ((self.client_ca,) if self.client_ca is not None else ())

    def stamp(self) -> Stamp:
        """Something that changes whenever one of the files does.

        Raises:
            OSError: One cannot be looked at.
        """
        found = [path.stat() for path in self.paths]
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)

    def check(self, section: str) -> None:
        """Sees whether the files can be used together.

        Args:
            section: Of the configuration, for messages: "matcher".

        Raises:
            ConfigError: One is missing, is no PEM file, or certificate and key do not belong together.
        """
        names = ("tls_certificate", "tls_key", "tls_client_ca")
        for name, path in zip(names, self.paths, strict=False):
            try:
                path.read_bytes()
            except OSError as exc:
                raise ConfigError(f"{section}.{name}: no such file: {path}: {exc.strerror}") from exc
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # A password that is asked for at a terminal would stop everything for ever.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (ssl.SSLError, ValueError) as exc:
            raise ConfigError(
                f"{section}.tls_certificate, {section}.tls_key: no PEM files that belong together, "
                "or the key has a pass phrase"
            ) from exc
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except ssl.SSLError as exc:
                raise ConfigError(f"{section}.tls_client_ca: no certificates in {self.client_ca}") from exc


def tls_files(
    section: str, certificate: Path | None, key: Path | None, client_ca: Path | None = None
) -> TlsFiles | None:
    """The files that a section of the configuration names, checked; None where it names none.

    Raises:
        ConfigError: Only one of certificate and key is given, or as ``TlsFiles.check``.
    """
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise ConfigError(f"{section}.tls_certificate and {section}.tls_key: give both or none")
    files = TlsFiles(certificate, key, client_ca)
    files.check(section)
    return files


class Renewal:
    """Notices that certificates were renewed. For one thread."""

    def __init__(self, files: TlsFiles, section: str) -> None:
        """Takes what is there now for known.

        Raises:
            OSError: A file is missing.
        """
        self._files = files
        self._section = section
        self._stamp = files.stamp()

    def fresh(self, read: Callable[[], T]) -> T | None:
        """What is read of the files once they have changed and fit together; None otherwise.

        While they do not, or reading fails because they change again, those that were read stay in use and the next
        call tries again.

        Args:
            read: Reads them; may raise OSError.
        """
        try:
            stamp = self._files.stamp()
            if stamp == self._stamp:
                return None
            self._files.check(self._section)
            made = read()
        except (OSError, ConfigError) as exc:  # SSLError is an OSError
            log.warning("certificates are not read again yet: %s", exc)
            return None
        self._stamp = stamp
        log.info("%s: certificates were renewed", self._section)
        return made

    def renew(self, context: ssl.SSLContext) -> None:
        """Has a listener's connections from now on get what the files hold, once they have changed."""
        self.fresh(lambda: context.load_cert_chain(self._files.certificate, self._files.key))
