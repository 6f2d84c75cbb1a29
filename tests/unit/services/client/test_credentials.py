"""Where a client finds certificates and a token: a file, the environment over it, never an argument."""

import pytest
from pydantic import ValidationError

from services.access.tokens import new_secret
from services.client import ClientSettings, Credentials, client_settings
from services.errors import ConfigError

SECRET = new_secret()
NAMES = ("ADDRESS", "TOKEN", "TOKEN_FILE", "CLIENT_FILE", "TLS", "TLS_CA", "TLS_CERTIFICATE", "TLS_KEY")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in (*NAMES, "TLS_SERVER_NAME"):
        monkeypatch.delenv(f"VREID_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "vreid").mkdir(parents=True)
    (tmp_path / "token").write_text(f"{SECRET}\n")
    (tmp_path / "ca.pem").write_text("authority")
    return tmp_path


def write(home, text):
    (home / "config" / "vreid" / "client.yaml").write_text(text)


def test_nothing_said_is_a_matcher_on_this_machine():
    assert client_settings() == ClientSettings()
    assert ClientSettings().credentials() == Credentials()


def test_a_file_says_everything(home):
    write(
        home,
        f"address: matcher.example:50661\ntoken: file:{home}/token\ntls_ca: {home}/ca.pem\ntls_server_name: other\n",
    )
    settings = client_settings()
    assert settings.address == "matcher.example:50661"
    shown = settings.credentials()
    assert shown == Credentials(SECRET, tls=True, ca=b"authority", server_name="other")
    assert shown.metadata(settings.address) == (("authorization", f"Bearer {SECRET}"),)
    assert SECRET not in repr(shown) + repr(settings)


def test_the_environment_comes_over_the_file(home, monkeypatch):
    write(home, f"address: a:1\ntoken: file:{home}/token\n")
    monkeypatch.setenv("VREID_ADDRESS", "b:2")
    monkeypatch.setenv("VREID_TLS", "true")
    other = new_secret()
    monkeypatch.setenv("VREID_TOKEN", other)
    settings = client_settings()
    assert (settings.address, settings.tls, settings.credentials().token) == ("b:2", True, other)
    monkeypatch.setenv("VREID_TOKEN", "")
    monkeypatch.setenv("VREID_TOKEN_FILE", str(home / "token"))
    assert client_settings().credentials().token == SECRET


def test_another_file_may_be_named(home, monkeypatch):
    (home / "mine.yaml").write_text("address: c:3\n")
    monkeypatch.setenv("VREID_CLIENT_FILE", str(home / "mine.yaml"))
    assert client_settings().address == "c:3"
    monkeypatch.setenv("VREID_CLIENT_FILE", str(home / "none.yaml"))
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        client_settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "not valid YAML"),
        ("- a", "expected keys and values"),
        ("adress: a:1", "adress: unknown key"),
        ("token: vreid_in-the-clear", "a secret itself does not belong"),
        ("tls: perhaps", "tls: "),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_line(home, text, told):
    write(home, text)
    with pytest.raises(ConfigError, match=told) as caught:
        client_settings()
    assert "\n" not in str(caught.value)
    assert "in-the-clear" not in str(caught.value)


def test_what_is_referred_to_must_be_there(home):
    for settings, told in (
        (ClientSettings(token="file:/nowhere"), r"client\.token: cannot read /nowhere"),
        (ClientSettings(tls_ca="/nowhere"), r"client\.tls_ca: cannot read /nowhere"),
        (ClientSettings(tls_key=home / "ca.pem"), "give both or none"),
    ):
        with pytest.raises(ConfigError, match=told):
            settings.credentials()
    with pytest.raises(ValidationError):
        ClientSettings(token="plain")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/somewhere/socket"])
def test_a_token_may_go_in_the_clear_within_this_machine(address):
    assert Credentials(SECRET).metadata(address)
