#!/usr/bin/env python3
"""Writes the locked requirement files of deploy/requirements from pyproject.toml. Needs uv: `pip install uv`.

Each set is what pyproject asks for, changed where a container differs: OpenCV without its windows (no libGL in a slim
image), and FAISS for the GPU in place of the one for the CPU, never both. A file's first lines hold a digest of what it
was made from, so that a test finds it stale without a network.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "requirements"
#: The interpreter of the images.
PYTHON = "3.11"

#: Containers show no windows.
HEADLESS = {"opencv-python": "opencv-python-headless>=4.10"}


@dataclass(frozen=True)
class RequirementSet:
    """One locked file.

    Attributes:
        name: Of the file, without its suffix.
        purpose: One line for who reads it.
        extras: Optional groups of pyproject beside the base.
        replaced: Requirement by the name of the one whose place it takes; "" for none.
        added: Requirements that pyproject does not know.
        dropped: Packages left out of the locked file although others ask for them.
        hashes: Whether files are pinned by hash; not where torch may come from another index than the rest.
    """

    name: str
    purpose: str
    extras: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = tuple(HEADLESS.items())
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    hashes: bool = True


SETS = (
    RequirementSet("serve", "Serving on CPUs: every role, the console, crops in S3. No torch.", ("s3", "telemetry")),
    RequirementSet("milvus", "As serve, with the client of Milvus.", ("s3", "telemetry"), added=("pymilvus>=3.0",)),
    RequirementSet(
        "gpu",
        "Serving with the gallery on a GPU: faiss-gpu (CUDA 12) in place of faiss-cpu, torch (CUDA 13) beside it.",
        ("s3", "telemetry"),
        replaced=(*HEADLESS.items(), ("faiss-cpu", "faiss-gpu>=1.15.1")),
        added=("torch==2.14.1",),
        hashes=False,
    ),
    RequirementSet(
        "train",
        "Training, conversion and export, with torch (CUDA 13).",
        ("s3", "train", "trials"),
        # ultralytics asks for it by that name; its headless twin takes its place, and files are installed --no-deps.
        dropped=("opencv-python",),
        hashes=False,
    ),
)


def name_of(requirement: str) -> str:
    """The package that a requirement names, normalised.

    >>> name_of("Types_PyYAML>=6; python_version > '3'")
    'types-pyyaml'
    """
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    if found is None:
        raise ValueError(f"no requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def inputs(wanted: RequirementSet, project: dict[str, object]) -> list[str]:
    """The requirements of a set, sorted.

    Raises:
        KeyError: pyproject has no such group.
    """
    table = dict(project["project"])  # type: ignore[call-overload]
    found = list(table["dependencies"])
    for extra in wanted.extras:
        found += table["optional-dependencies"][extra]
    swap = dict(wanted.replaced)
    chosen = [swap.get(name_of(each), each) for each in found]
    return sorted({*filter(None, chosen), *wanted.added})


def digest(requirements: list[str]) -> str:
    """Of what a file is made from."""
    return hashlib.sha256("\n".join([PYTHON, *requirements]).encode()).hexdigest()


def header(wanted: RequirementSet, requirements: list[str]) -> str:
    """First lines of a locked file."""
    return (
        f"# {wanted.purpose}\n"
        f"# Locked for Python {PYTHON} by scripts/lock.py; change pyproject.toml, not this file.\n"
        f"# made from: {digest(requirements)}\n"
    )


def read_project() -> dict[str, object]:
    """The project's pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def stale(wanted: RequirementSet, project: dict[str, object]) -> bool:
    """Whether a locked file is missing, or was made from other requirements."""
    path = FOLDER / f"{wanted.name}.txt"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return not lines or lines[:3] != header(wanted, inputs(wanted, project)).splitlines()


def resolve(wanted: RequirementSet, requirements: list[str], uv: str, more: list[str]) -> str:
    """The locked file's lines.

    Raises:
        SystemExit: They cannot be met together.
    """
    command = [uv, "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--python-version", PYTHON]
    command += ["--python-platform", "x86_64-manylinux_2_28", *(("--generate-hashes",) if wanted.hashes else ()), *more]
    done = subprocess.run(command, input="\n".join(requirements), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{wanted.name}: {done.stderr.strip()}")
    if wanted.hashes and wanted.dropped:
        raise ValueError(f"{wanted.name}: a package with hashes takes several lines and cannot be left out")
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if name_of(line) not in wanted.dropped) if wanted.dropped else done.stdout


def main() -> None:
    """Writes the files, or with --check says which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is stale")
    parser.add_argument("names", nargs="*", help="only these sets")
    known, more = parser.parse_known_args()
    project = read_project()
    sets = [each for each in SETS if not known.names or each.name in known.names]
    if known.check:
        old = [each.name for each in sets if stale(each, project)]
        sys.exit(f"stale: {', '.join(old)}; run scripts/lock.py" if old else 0)
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("uv resolves requirements and is not installed: pip install uv")
    FOLDER.mkdir(exist_ok=True)
    for each in sets:
        requirements = inputs(each, project)
        text = header(each, requirements) + resolve(each, requirements, uv, more)
        (FOLDER / f"{each.name}.txt").write_text(text, encoding="utf-8")
        print(f"{each.name}: {sum('==' in line for line in text.splitlines())} packages")


if __name__ == "__main__":
    main()
