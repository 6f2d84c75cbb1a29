"""The commands of docs/security.md that make certificates make ones that a matcher and its clients take."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.access.tls import tls_files

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "security.md"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine")
def test_the_commands_make_a_chain(tmp_path) -> None:
    from cryptography import x509

    (block,) = re.findall(r"```console\n(openssl.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    subprocess.run(["sh", "-ec", block], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    files = tls_files("matcher", tmp_path / "matcher.pem", tmp_path / "matcher-key.pem", tmp_path / "ca.pem")
    assert files is not None
    authority, own = (
        x509.load_pem_x509_certificate((tmp_path / f"{name}.pem").read_bytes()) for name in ("ca", "matcher")
    )
    own.verify_directly_issued_by(authority)
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["matcher.example.org"]
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
