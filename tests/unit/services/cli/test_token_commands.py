"""`vreid token`: a token is shown once and kept as a hash; bad input is one line."""

import doctest
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from services.access.book import TokenBook
from services.access.roles import Role
from services.access.settings import AccessSettings
from services.access.tokens_file import TokensFile
from services.cli import token as token_module
from services.cli.main import app
from services.errors import InputError, Unauthenticated

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def vreid(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, ["token", *arguments, "--data-dir", str(tmp_path)])
        assert result.exit_code == code, result.output
        return result

    return run


def book(tmp_path):
    return TokenBook(file=TokensFile(AccessSettings().file_in(tmp_path)))


def test_a_token_is_shown_once_and_opens(vreid, tmp_path):
    result = vreid("new", "ann", "--role", "operator")
    secret = result.stdout.strip()
    assert "first token" in result.stderr
    assert "first token" not in vreid("new", "bob").stderr
    known = book(tmp_path).identify(secret)
    assert (known.name, known.role) == ("ann", Role.OPERATOR)
    assert abs(known.expires_at - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=5)
    listed = vreid("list")
    assert secret not in listed.output
    assert "ann" in listed.stdout
    rows = json.loads(vreid("list", "--json").stdout)["tokens"]
    assert [(row["name"], row["role"], row["expired"]) for row in rows] == [
        ("ann", "operator", False),
        ("bob", "viewer", False),
    ]
    vreid("revoke", "ann")
    with pytest.raises(Unauthenticated):
        book(tmp_path).identify(secret)
    vreid("revoke", "bob")
    assert book(tmp_path).on


def test_json_has_the_secret(vreid, tmp_path):
    document = json.loads(vreid("new", "ann", "--expires", "never", "--json").stdout)
    assert book(tmp_path).identify(document["token"]).expires_at is None
    assert document["expires"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new", "a:b"), "NAME: letters"),
        (("new", "ann", "--expires", "soon"), "--expires: expected 90d"),
        (("new", "ann", "--expires", "2001-01-01"), "does not lie in the future"),
        (("new", "ann", "--expires", "0d"), "0d does not lie in the future"),
        (("new", "ann", "--expires", "99999y"), "99999y is further away than a date can say"),
        (("new", "ann", "--expires", "9999-12-31T23:59:59-05:00"), "further away than a date can say"),
        (("new", "taken"), "a token taken already"),
        (("revoke", "nobody"), "no token nobody"),
    ],
)
def test_bad_input_is_one_line(vreid, arguments, told):
    vreid("new", "taken")
    result = vreid(*arguments, code=1)
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_tokens_of_the_configuration_are_listed_and_not_revoked_here(vreid, tmp_path):
    config = tmp_path / "vreid.yaml"
    config.write_text("access:\n  tokens:\n    - {name: dash, role: viewer, secret: 'env:DASH', expires: 2001-01-01}\n")
    rows = json.loads(vreid("list", "--config", str(config), "--json").stdout)["tokens"]
    assert [(row["name"], row["source"], row["expired"]) for row in rows] == [("dash", "configuration", True)]
    assert "remove it there" in vreid("revoke", "dash", "--config", str(config), code=1).stderr
    assert "in the configuration already" in vreid("new", "dash", "--config", str(config), code=1).stderr


def test_spans_and_moments():
    assert doctest.testmod(token_module).failed == 0
    assert token_module.expiry("2w", NOW) == NOW + timedelta(days=14)
    assert token_module.expiry("2026-02-01T00:00Z", NOW) == datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(InputError):
        token_module.expiry("", NOW)


def test_a_time_without_an_offset_is_utc_wherever_the_machine_stands(monkeypatch):
    """As in the configuration's `expires`."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert token_module.expiry("2026-02-01T12:00", NOW) == datetime(2026, 2, 1, 12, tzinfo=UTC)
        assert token_module.expiry("2026-02-01T12:00+02:00", NOW) == datetime(2026, 2, 1, 10, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()
