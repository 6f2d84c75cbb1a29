"""The HTTP endpoint: what it answers, whom it lets in, where it may listen."""

import contextlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from ssl import create_default_context

import pytest

from services.config import VreidConfig
from services.errors import ConfigError, StoreUnavailable
from services.observability import catalogue
from services.observability import endpoint as endpoint_module
from services.observability.endpoint import MetricsEndpoint, checked_token, exposed
from services.observability.instruments import single
from services.observability.settings import MetricsSettings

TOKEN = "a-token-of-24-characters"


def get(url, token=None, context=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=20, context=context
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


@pytest.fixture
def certificate(tmp_path):
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost "
    command += f"-addext subjectAltName=IP:127.0.0.1 -out {files[0]} -keyout {files[1]}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return files


@pytest.fixture
def config(tmp_path):
    settings = MetricsSettings(enabled=True, matcher_port=1)
    return VreidConfig(data_dir=tmp_path, metrics=settings)


@pytest.fixture
def any_port(monkeypatch):
    """Settings cannot ask for any free port, because a scraper could not find it."""
    real = MetricsEndpoint.__init__
    monkeypatch.setattr(MetricsEndpoint, "__init__", lambda self, settings, port, *rest: real(self, settings, 0, *rest))


def test_a_scrape_shows_the_role_the_machine_and_the_process(config, any_port):
    def ping():
        raise StoreUnavailable("away")

    with exposed(config, "matcher", lambda: iter([single(catalogue.VECTORS, 42)]), ping=ping) as endpoint:
        status, text = get(f"http://127.0.0.1:{endpoint.port}/metrics")
    assert status == 200
    assert "vreid_gallery_vectors 42.0" in text
    assert 'role="matcher"' in text
    assert "vreid_store_up 0.0" in text
    assert "vreid_data_disk_free_bytes " in text
    assert "process_resident_memory_bytes " in text


def test_two_roles_of_one_process_may_follow_each_other(config, any_port):
    for value in (1, 2):
        with exposed(config, "matcher", lambda value=value: iter([single(catalogue.VECTORS, value)])) as endpoint:
            assert f"vreid_gallery_vectors {value}.0" in get(f"http://127.0.0.1:{endpoint.port}/metrics")[1]


def test_health_and_unknown_paths(config, any_port):
    well = [True]
    with exposed(config, "matcher", lambda: iter(()), well=lambda: well[0]) as endpoint:
        url = f"http://127.0.0.1:{endpoint.port}"
        assert get(f"{url}/healthz") == (200, "ok\n")
        well[0] = False
        assert get(f"{url}/healthz")[0] == 503
        assert get(f"{url}/secret")[0] == 404


def test_nothing_listens_where_it_is_off_or_has_no_port(tmp_path):
    for settings in (MetricsSettings(), MetricsSettings(enabled=True, web_port=0)):
        with exposed(VreidConfig(data_dir=tmp_path, metrics=settings), "web", lambda: iter(())) as endpoint:
            assert endpoint is None


def test_a_taken_port_costs_the_metrics_and_not_the_process(config, caplog):
    first = MetricsEndpoint(config.metrics, 0)
    taken = config.model_copy(update={"metrics": MetricsSettings(enabled=True, matcher_port=first.port)})
    with exposed(taken, "matcher", lambda: iter(())) as endpoint:
        assert endpoint is None
    first.close()
    assert f"127.0.0.1:{first.port} cannot be used" in caplog.text


def test_with_tls_and_token_only_who_brings_it_reads(tmp_path, monkeypatch, certificate):
    monkeypatch.setenv("SCRAPE", TOKEN)
    settings = MetricsSettings(
        enabled=True, host="127.0.0.1", token="env:SCRAPE", tls_certificate=certificate[0], tls_key=certificate[1]
    )
    endpoint = MetricsEndpoint(settings, 0, token=checked_token(settings))
    context = create_default_context(cafile=str(certificate[0]))
    url = f"https://127.0.0.1:{endpoint.port}/metrics"
    try:
        assert get(url, context=context)[0] == 401
        assert get(url, "wrong", context)[0] == 401
        assert get(url, TOKEN, context)[0] == 200
    finally:
        endpoint.close()


def test_renewed_certificates_are_taken_while_it_listens(certificates, tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint_module, "_LOOK_EVERY_S", 0.0)
    pair = tmp_path / "cert.pem", tmp_path / "key.pem"

    def install(issued):
        shutil.copy(issued.certificate, pair[0])
        shutil.copy(issued.key, pair[1])

    install(certificates.server)
    endpoint = MetricsEndpoint(MetricsSettings(enabled=True, tls_certificate=pair[0], tls_key=pair[1]), 0)
    url = f"https://127.0.0.1:{endpoint.port}/healthz"
    old, new = (create_default_context(cafile=str(a.certificate)) for a in (certificates.authority, certificates.other))
    try:
        assert get(url, context=old)[0] == 200
        pair[0].write_text("-----BEGIN CERTIFICATE-----\nMIIB")
        assert get(url, context=old)[0] == 200
        install(certificates.other.issue("renewed"))
        for _ in range(200):
            with contextlib.suppress(urllib.error.URLError):
                assert get(url, context=new)[0] == 200
                break
            time.sleep(0.05)
        else:
            raise AssertionError("the renewed certificate was not taken")
    finally:
        endpoint.close()


def test_a_key_of_another_certificate_is_refused(certificates):
    pair = {"tls_certificate": certificates.server.certificate, "tls_key": certificates.client.key}
    with pytest.raises(ConfigError, match=r"metrics\.tls_certificate, metrics\.tls_key: no PEM files that belong"):
        checked_token(MetricsSettings(enabled=True, **pair))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": "0.0.0.0"}, "needs metrics.tls_certificate"),
        ({"host": "192.0.2.1", "token": "env:SCRAPE"}, "needs metrics.tls_certificate"),
        ({"token": "env:NOT_THERE"}, "NOT_THERE"),
        ({"token": "env:SHORT"}, "at least 16"),
        ({"tls_key": "key.pem"}, "give both or none"),
        ({"tls_key": "none.pem", "tls_certificate": "none.pem"}, "no such file"),
    ],
)
def test_what_is_refused(monkeypatch, changes, says):
    monkeypatch.setenv("SCRAPE", TOKEN)
    monkeypatch.setenv("SHORT", "short")
    with pytest.raises(ConfigError, match=says) as refused:
        checked_token(MetricsSettings(enabled=True, **changes))
    assert "\n" not in str(refused.value)
