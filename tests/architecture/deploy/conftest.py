"""What the checks of deploy/ share: where it lies, and the product's own reading of a configuration found in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

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
        document: dict[str, Any] = yaml.safe_load(text)
        for section in {"access", "client", "metrics"} - set(VreidConfig.model_fields):
            document.pop(section, None)
        if "access" not in VreidConfig.model_fields:
            for key in ("tls_certificate", "tls_key"):
                document["matcher"].pop(key, None)
        path = tmp_path / "vreid.yaml"
        path.write_text(yaml.safe_dump(document))
        return load_config(path)

    return read
