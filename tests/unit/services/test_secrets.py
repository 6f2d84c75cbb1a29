"""A secret by reference: its own bytes but for a file's line end, and one clear line where there is none."""

import pytest

from services.errors import ConfigError
from services.secrets import read_secret


def test_a_secret_comes_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text(" p@ss word \r\n")
    monkeypatch.setenv("WORD", " p@ss word ")
    assert read_secret(f"file:{tmp_path / 'secret'}") == read_secret("env:WORD") == " p@ss word "
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_secret("file:~/secret") == " p@ss word "


def test_what_leads_nowhere_names_setting_and_place(tmp_path, monkeypatch):
    monkeypatch.setenv("EMPTY", "  ")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for reference, told in (
        ("env:NOWHERE", r"^redis\.password: there is no environment variable NOWHERE$"),
        ("file:/nowhere", r"^redis\.password: cannot read /nowhere: "),
        (f"file:{tmp_path / 'bytes'}", "is not text"),
        ("env:EMPTY", r"^redis\.password: env:EMPTY is empty$"),
        ("plain", "expected env:NAME or file:PATH"),
    ):
        with pytest.raises(ConfigError, match=told):
            read_secret(reference, "redis.password")
    with pytest.raises(ConfigError, match=r"^there is no"):
        read_secret("env:NOWHERE")
