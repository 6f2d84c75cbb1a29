"""Certificates on disk: checked before a listener takes them, noticed when they are renewed."""

import ssl

import pytest

from services.access.tls import Renewal, TlsFiles, tls_files
from services.errors import ConfigError


def test_files_that_belong_together_pass(certificates):
    server = certificates.server
    files = tls_files("matcher", server.certificate, server.key, certificates.authority.certificate)
    assert files == TlsFiles(server.certificate, server.key, certificates.authority.certificate)
    assert tls_files("matcher", None, None) is None


def test_what_cannot_be_used_is_one_line(certificates, tmp_path):
    server, client = certificates.server, certificates.client
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    for files, told in (
        ((server.certificate, None), "give both or none"),
        ((None, None, server.certificate), "give both or none"),
        ((tmp_path / "none.pem", server.key), r"matcher\.tls_certificate: no such file"),
        ((server.certificate, bad), "no PEM files that belong together"),
        ((server.certificate, client.key), "no PEM files that belong together"),
        ((server.certificate, server.key, bad), r"matcher\.tls_client_ca: no certificates"),
    ):
        with pytest.raises(ConfigError, match=told) as caught:
            tls_files("matcher", *files)
        assert "\n" not in str(caught.value)


def test_a_key_with_a_pass_phrase_does_not_ask_for_it(certificates, tmp_path):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(certificates.server.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ConfigError, match="pass phrase"):
        tls_files("web", certificates.server.certificate, locked)


def test_renewal_is_noticed_once_and_only_when_both_files_fit(certificates, tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_bytes(certificates.server.certificate.read_bytes())
    key.write_bytes(certificates.server.key.read_bytes())
    renewal = Renewal(TlsFiles(certificate, key), "matcher")
    read = certificate.read_bytes
    assert renewal.fresh(read) is None
    fresh = certificates.authority.issue("renewed")
    certificate.write_bytes(fresh.certificate.read_bytes())
    assert renewal.fresh(read) is None
    key.write_bytes(fresh.key.read_bytes())
    assert renewal.fresh(read) == fresh.certificate.read_bytes()
    assert renewal.fresh(read) is None
    key.unlink()
    assert renewal.fresh(read) is None


def test_files_that_change_while_they_are_read_are_read_again(certificates, tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_bytes(certificates.server.certificate.read_bytes())
    key.write_bytes(certificates.server.key.read_bytes())
    renewal = Renewal(TlsFiles(certificate, key), "web")
    fresh = certificates.authority.issue("renewed")
    certificate.write_bytes(fresh.certificate.read_bytes())
    key.write_bytes(fresh.key.read_bytes())

    def gone():
        raise ssl.SSLError("half a file")

    assert renewal.fresh(gone) is None
    assert renewal.fresh(lambda: "read") == "read"
