"""The house keeps its shape: names nobody else owns, serving without torch, no import that reaches out."""

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("detector", "reid", "tracker", "services", "simulator", "benchmarks")
TOOLBOX = ("reid.losses", "reid.mining", "reid.heads", "reid.baselines")
TRAINING_ONLY = ("torch", "torchreid", "torchvision", "ultralytics", "optuna", "reid.objective", *TOOLBOX)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_dependency_installs_a_package_of_our_name(package):
    owners = set(importlib.metadata.packages_distributions().get(package, [])) - {"vreid"}
    assert owners == set()


def test_proto_holds_sources_only():
    assert [path.name for path in (ROOT / "proto").iterdir()] == ["vreid.proto"]


@pytest.mark.parametrize(
    "module",
    ["services.ingest.__main__", "services.matcher.__main__", "services.cli.main", "simulator.rtsp.__main__"],
)
def test_serving_starts_without_training_libraries(module):
    code = f"import sys, {module}; print(' '.join(n for n in {TRAINING_ONLY!r} if n in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_contracts_keep_the_whole_toolbox_out_of_all_that_serves():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    apart = [contract for contract in contracts if {*contract.get("forbidden_modules", ())} & {*TOOLBOX}]
    assert set(TOOLBOX) <= {module for contract in apart for module in contract["forbidden_modules"]}
    serving = {
        f"services.{path.stem}"
        for path in (ROOT / "services").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    } - {"services.__init__", "services.cli"}
    for contract in apart:
        assert set(contract["source_modules"]) == serving, contract["name"]
        assert not contract.get("allow_indirect_imports"), contract["name"]


def test_import_contracts_hold():
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
