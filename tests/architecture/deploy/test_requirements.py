"""The locked requirement files agree with pyproject.toml and with each other. Resolving them again needs a network."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
_SPEC = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
lock = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def _loaded():
    sys.modules["lock"] = lock
    _SPEC.loader.exec_module(lock)
    yield
    del sys.modules["lock"]


def locked(name: str) -> dict[str, str]:
    """Version by package of a locked file."""
    text = (ROOT / "deploy" / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;\\]+)", text, flags=re.MULTILINE))


def names() -> list[str]:
    return ["serve", "milvus", "gpu", "train"]


def test_every_set_is_written_and_none_is_stale():
    project = lock.read_project()
    assert [each.name for each in lock.SETS] == names()
    stale = [each.name for each in lock.SETS if lock.stale(each, project)]
    assert not stale, "pyproject.toml changed: run scripts/lock.py"


def test_a_changed_requirement_makes_a_file_stale():
    project = lock.read_project()
    project["project"]["dependencies"].append("one-more>=1")
    assert lock.stale(lock.SETS[0], project)


@pytest.mark.parametrize("name", names())
def test_what_is_asked_for_is_locked_at_a_version_that_is_allowed(name):
    wanted = next(each for each in lock.SETS if each.name == name)
    have = locked(name)
    for text in lock.inputs(wanted, lock.read_project()):
        asked = Requirement(text)
        if lock.name_of(text) in wanted.dropped:
            continue
        assert have[lock.name_of(text)] in asked.specifier, text


@pytest.mark.parametrize("name", names())
def test_one_opencv_and_one_faiss(name):
    have = locked(name)
    assert "opencv-python-headless" in have
    assert "opencv-python" not in have
    assert ("faiss-gpu" in have) == (name == "gpu")
    assert ("faiss-cpu" in have) != ("faiss-gpu" in have)
    assert "milvus-lite" not in have
    assert ("torch" in have) == (name in ("gpu", "train"))


def test_networks_are_converted_by_the_runtime_that_serves_them():
    assert {locked(name)["openvino"] for name in names()} == {locked("serve")["openvino"]}


@pytest.mark.parametrize("name", ["serve", "milvus"])
def test_what_serves_is_pinned_by_hash(name):
    text = (ROOT / "deploy" / "requirements" / f"{name}.txt").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", "\n" + "\n".join(line for line in text.splitlines() if line[0] != "#"))
    assert all("--hash=sha256:" in block for block in blocks if block.strip())
