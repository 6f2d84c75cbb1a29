"""What the checks of deploy/ share: where it lies, and the product's own reading of a configuration found in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.config import VreidConfig, load_config

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def deploy() -> Path:
    """The folder under test."""
    return ROOT / "deploy"


@pytest.fixture
def read_config(tmp_path) -> Callable[[str], VreidConfig]:
    """Reads a configuration as the product does; an unknown key fails."""

    def read(text: str) -> VreidConfig:
        path = tmp_path / "vreid.yaml"
        path.write_text(text)
        return load_config(path)

    return read
