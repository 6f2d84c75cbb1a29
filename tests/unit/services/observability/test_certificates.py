"""The end of a certificate, read from its file, against what OpenSSL says."""

import subprocess
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from services.observability.certificates import certificate_ends, certificate_files, ends_by_name


@pytest.fixture(params=["1", "40000"], ids=["two-digit year", "four-digit year"])
def certificate(request, tmp_path):
    path = tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days {request.param} -subj /CN=x -out {path} "
    command += f"-keyout {tmp_path / 'key.pem'}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return path


def test_agrees_with_openssl(certificate):
    said = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-enddate"], check=True, capture_output=True, text=True
    ).stdout.strip()
    month, day, clock, year, _ = said.removeprefix("notAfter=").split()
    want = parsedate_to_datetime(f"{day} {month} {year} {clock} +0000")
    assert certificate_ends(certificate) == want > datetime.now(UTC)


@pytest.mark.parametrize(
    "text",
    ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
    ids=["empty", "text", "cut short"],
)
def test_what_is_none_is_said_so(tmp_path, text):
    path = tmp_path / "bad.pem"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.pem"):
        certificate_ends(path)
    assert ends_by_name({"web": path, "gone": tmp_path / "gone.pem"}) == {"web": 0.0, "gone": 0.0}


class Inner(BaseModel):
    tls_certificate: Path | None = None
    tls_key: Path | None = None


class Outer(BaseModel):
    web: Inner = Inner(tls_certificate=Path("w.pem"), tls_key=Path("w.key"))
    matcher: Inner = Inner()
    certificate: Path = Path("own.pem")


def test_finds_every_configured_one():
    assert dict(certificate_files(Outer())) == {"web": Path("w.pem"), "certificate": Path("own.pem")}
