"""The external store's password comes by reference, and only to the external store."""

import pytest
from pydantic import ValidationError

from services.errors import ConfigError
from services.identity.redis_client import connect
from services.identity.settings import RedisSettings

URL = "redis://192.0.2.1:6379/0"


def account(where, **settings):
    with connect(where, RedisSettings(**settings)) as client:
        said = client.connection_pool.connection_kwargs
        return said.get("username"), said.get("password")


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    return f"file:{path}"


def test_user_and_password_reach_the_external_store(secret, monkeypatch):
    assert account(URL, url=URL, password=secret) == (None, "s3cret")
    monkeypatch.setenv("STORE_PASSWORD", "other")
    assert account(URL, url=URL, user="vreid", password="env:STORE_PASSWORD") == ("vreid", "other")


def test_what_the_url_names_goes_first(secret):
    url = "redis://me:mine@192.0.2.1:6379/0"
    assert account(url, url=url, user="vreid", password=secret) == ("me", "mine")


def test_the_embedded_store_is_told_nothing(secret):
    assert account("unix:///nowhere.sock", password=secret) == (None, None)


def test_a_missing_secret_is_said_without_a_secret(tmp_path):
    with pytest.raises(ConfigError, match=r"redis\.password: cannot read"):
        account(URL, url=URL, password=f"file:{tmp_path / 'none'}")


def test_a_password_itself_is_refused():
    with pytest.raises(ValidationError):
        RedisSettings(url=URL, password="s3cret")
