"""What all tests share: libraries that an oracle imports change nothing for the tests after it, and certificates."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import pytest

#: Kept before any test's module is imported.
_OPEN_PICTURE = PIL.Image.open


@pytest.fixture(autouse=True)
def _pillow_stays_as_it_is(monkeypatch):
    """ultralytics replaces PIL.Image.open when it is imported; the product never imports it where it reads pictures.

    What it leaves there takes bytes that are no picture for a reason to install a package. A fixture of a module
    imports it before this one is asked, so the function is put back and not only kept.
    """
    monkeypatch.setattr(PIL.Image, "open", _OPEN_PICTURE)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as PEM files."""

    certificate: Path
    key: Path


@dataclass
class Authority:
    """Signs certificates into a folder."""

    folder: Path
    name: str
    made: int = field(default=0)

    def __post_init__(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.name)])
        certificate = self._built(self._subject, self._key.public_key(), (-1, 30), None)
        self.certificate = self._file("ca", self._pem(certificate))

    def issue(self, name: str, days: tuple[float, float] = (-1, 30), host: str = "127.0.0.1") -> Pair:
        """A certificate for ``host`` that is valid within these days from now."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = self._built(subject, key.public_key(), days, host)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.made += 1
        return Pair(
            self._file(f"{name}-{self.made}", self._pem(certificate)), self._file(f"{name}-{self.made}-key", private)
        )

    def _built(self, subject, public_key, days, host):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days[0]))
            .not_valid_after(now + datetime.timedelta(days[1]))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is None:
            usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            try:
                names = [x509.IPAddress(ipaddress.ip_address(host))]
            except ValueError:
                names = [x509.DNSName(host)]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _pem(certificate) -> bytes:
        from cryptography.hazmat.primitives import serialization

        return certificate.public_bytes(serialization.Encoding.PEM)

    def _file(self, name: str, content: bytes) -> Path:
        path = self.folder / f"{self.name}-{name}.pem"
        path.write_bytes(content)
        path.chmod(0o600)
        return path


@dataclass(frozen=True)
class Certificates:
    """Two authorities, and what the first one signed for this machine."""

    authority: Authority
    other: Authority
    server: Pair
    client: Pair


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    """Certificates for 127.0.0.1, good for a month."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = Authority(folder, "house"), Authority(folder, "stranger")
    return Certificates(authority, other, authority.issue("server"), authority.issue("client"))
