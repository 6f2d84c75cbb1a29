"""Makes `roll_site` importable by the tests of this folder, and builds what they work on."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.config import VreidConfig
from services.models.store import ModelStore

NAME = "roll_site"

if NAME not in sys.modules:
    spec = importlib.util.spec_from_file_location(NAME, Path(__file__).with_name(f"{NAME}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)

from roll_site import SHIPPED, RollSite, turned  # noqa: E402 - importable only now


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return turned(ModelStore(offline=True).fetch(SHIPPED), tmp_path_factory.mktemp("weights"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model cache of its own, in which the shipped model is converted already."""
    ready = ModelStore().prepare(SHIPPED)
    root = tmp_path / "cache"
    shutil.copytree(ready, root / "models" / "prepared" / ready.name)
    monkeypatch.setenv("VREID_CACHE", str(root))
    return root


@pytest.fixture
def site(tmp_path: Path, cache: Path) -> Iterator[RollSite]:
    (tmp_path / "d").mkdir()
    config = VreidConfig.model_validate({"data_dir": tmp_path / "d", "matcher": {"listen": "127.0.0.1:0"}})
    site = RollSite(config)
    yield site
    site.close()
