"""Tokens: kept hashed, read by reference, judged by time, read again when their file changes."""

import json
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.access import book as book_module
from services.access import roles, tokens
from services.access.book import TokenBook
from services.access.roles import Caller, Role
from services.access.settings import AccessSettings
from services.access.tokens import Token, digest_of, new_secret, redact_tokens
from services.access.tokens_file import TokensFile
from services.errors import ConfigError, InputError, NotFound, Unauthenticated
from services.secrets import read_secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    return TokensFile(tmp_path / "data" / "tokens.json")


@pytest.fixture
def looking(monkeypatch):
    """Files are looked at before every answer."""
    monkeypatch.setattr(book_module, "_LOOK_EVERY_S", 0.0)


def token(name, secret, role=Role.VIEWER, **more):
    return Token(name, role, digest_of(secret), NOW, **more)


def test_doctests():
    import doctest

    from services.rpc import roles as table

    for module in (roles, tokens, table):
        assert doctest.testmod(module).failed == 0


def test_a_file_keeps_hashes_for_its_owner_only(file):
    secret = new_secret()
    assert file.read() == []
    file.add(token("ann", secret, Role.ADMIN, expires_at=NOW + timedelta(days=1)))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    text = file.path.read_text()
    assert secret not in text
    assert digest_of(secret) in text
    assert file.read() == [token("ann", secret, Role.ADMIN, expires_at=NOW + timedelta(days=1))]
    with pytest.raises(InputError, match="a token ann already"):
        file.add(token("ann", new_secret()))
    with pytest.raises(NotFound, match="no token bob"):
        file.remove("bob")
    assert file.remove("ann").name == "ann"
    assert json.loads(file.path.read_text()) == {"tokens": []}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tokens": [{"name": "a"}]}', '{"tokens": [], "more": 1}', "\udcff"])
def test_a_damaged_file_is_one_line(file, text):
    file.path.parent.mkdir()
    file.path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match="not a file of tokens") as caught:
        TokenBook(file=file)
    assert "\n" not in str(caught.value)


def test_concurrent_writers_lose_nothing(file):
    threads = [threading.Thread(target=file.add, args=(token(f"t{i}", new_secret()),)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(t.name for t in file.read()) == sorted(f"t{i}" for i in range(12))


def test_a_book_knows_its_tokens_and_their_time():
    now = [NOW]
    good, brief = new_secret(), new_secret()
    book = TokenBook(
        [token("ann", good, Role.OPERATOR), token("bob", brief, expires_at=NOW + timedelta(seconds=1))],
        clock=lambda: now[0],
    )
    assert book.on
    assert book.identify(good).name == "ann"
    kept = book.identify(brief)
    assert book.still(kept) == Caller("bob", Role.VIEWER)
    now[0] += timedelta(seconds=1)
    with pytest.raises(Unauthenticated, match="the token bob has expired") as caught:
        book.identify(brief)
    assert brief not in str(caught.value)
    assert book.still(kept) is None
    for wrong in ("", good[:-1], good + "x", new_secret()):
        with pytest.raises(Unauthenticated, match="not known"):
            book.identify(wrong)
    assert not TokenBook().on


def test_a_changed_file_is_read_again_and_tokens_stay_on(file, looking, caplog):
    book = TokenBook(file=file)
    assert not book.on
    secret = new_secret()
    file.add(token("ann", secret))
    assert book.on
    kept = book.identify(secret)
    file.path.write_text("{")
    assert book.still(kept) == Caller("ann", Role.VIEWER)
    assert "not read again" in caplog.text
    file.path.write_text('{"tokens": []}')
    assert book.still(kept) is None
    file.path.unlink()
    assert book.on
    with pytest.raises(Unauthenticated):
        book.identify(secret)


def test_tokens_of_a_configuration_come_by_reference(tmp_path, monkeypatch):
    from_env, from_file, hashed = new_secret(), new_secret(), new_secret()
    monkeypatch.setenv("ANN", from_env)
    (tmp_path / "bob").write_text(f"{from_file}\n")
    settings = AccessSettings.model_validate(
        {
            "tokens": [
                {"name": "ann", "role": "admin", "secret": "env:ANN"},
                {"name": "bob", "role": "operator", "secret": f"file:{tmp_path}/bob", "expires": "2099-01-01"},
                {"name": "cat", "role": "viewer", "secret": f"sha256:{digest_of(hashed)}"},
            ]
        }
    )
    book = TokenBook.open(settings, tmp_path)
    assert [book.identify(s).name for s in (from_env, from_file, hashed)] == ["ann", "bob", "cat"]
    assert book.tokens[1].expires_at == datetime(2099, 1, 1, tzinfo=UTC)
    assert from_env not in repr(settings) + settings.model_dump_json() + repr(book.tokens)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"secret": "open sesame, said by everybody"}, "a secret itself does not belong"),
        ({"secret": "sha256:abc"}, "64 hexadecimal digits"),
        ({"role": "king"}, "viewer"),
        ({"name": "a:b"}, "pattern"),
        ({"more": 1}, "Extra"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changed, told):
    with pytest.raises(ValidationError, match=told):
        AccessSettings.model_validate({"tokens": [{"name": "ann", "role": "viewer", "secret": "env:ANN"} | changed]})


def test_what_a_reference_cannot_give_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SHORT", "too-short")
    monkeypatch.setenv("EMPTY", " ")
    for reference, told in (
        ("env:NOWHERE", "no environment variable NOWHERE"),
        ("file:/nowhere/token", "cannot read /nowhere/token"),
        ("env:EMPTY", "is empty"),
        ("env:SHORT", "at least 24 characters"),
    ):
        settings = AccessSettings.model_validate({"tokens": [{"name": "a", "role": "viewer", "secret": reference}]})
        with pytest.raises(ConfigError, match=told) as caught:
            TokenBook.open(settings, tmp_path)
        assert "too-short" not in str(caught.value)
    with pytest.raises(ConfigError, match="expected env:NAME"):
        read_secret("plain")


def test_two_tokens_are_two(file):
    secret = new_secret()
    with pytest.raises(ConfigError, match=r"(ann|bob) has the same secret"):
        TokenBook([token("ann", secret), token("bob", secret)])
    file.add(token("ann", new_secret()))
    with pytest.raises(ConfigError, match="ann has the same name"):
        TokenBook([token("ann", new_secret())], file)
    twice = [{"name": "a", "role": "viewer", "secret": "env:A"}] * 2
    with pytest.raises(ValidationError, match="given twice"):
        AccessSettings.model_validate({"tokens": twice})


def test_every_known_token_is_compared(monkeypatch):
    compared = []
    real = book_module.hmac.compare_digest
    monkeypatch.setattr(book_module.hmac, "compare_digest", lambda a, b: compared.append(a) or real(a, b))
    secrets = [new_secret() for _ in range(4)]
    book = TokenBook([token(f"t{i}", s) for i, s in enumerate(secrets)])
    book.identify(secrets[0])
    assert len(compared) == 4


def test_a_token_in_a_text_is_made_unreadable():
    secret = new_secret()
    assert secret not in redact_tokens(f"authorization: Bearer {secret}, again {secret}")
