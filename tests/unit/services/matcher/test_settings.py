from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.matcher.settings import MatcherSettings, is_loopback, split_address


@pytest.mark.parametrize("address", ["", "host", ":1", "host:", "host:x", "host:70000", "host:-1"])
def test_addresses_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        split_address(address)
    with pytest.raises(ValidationError, match="listen"):
        MatcherSettings(listen=address)


def test_addresses() -> None:
    assert split_address("127.0.0.1:50661") == ("127.0.0.1", 50661)
    assert split_address("[::1]:0") == ("::1", 0)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("::", False), ("10.0.0.1", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="lissen"):
        MatcherSettings.model_validate({"lissen": "127.0.0.1:1"})
