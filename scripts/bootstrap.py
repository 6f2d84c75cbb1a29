#!/usr/bin/env python3
"""Builds `.venv` with everything vreid needs. Standard library only; no root, no system packages.

Run through the Makefile. Does nothing when the environment is already what pyproject.toml asks for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "vreid-setup.json"
MINIMUM = (3, 11)
HEARTBEAT_S = 20.0

#: What each step brings, for the person who waits.
STEPS = (
    (
        "torch==2.14.1 torchvision==0.29.1",
        "PyTorch, to convert and train networks: up to 3 GB to fetch, 5.5 GB on disk",
    ),
    (".", "vreid and what it serves with (OpenVINO, FAISS, OpenCV, gRPC, Valkey): about 400 MB to download"),
)


def say(text: str) -> None:
    """Prints a line at once."""
    print(f"[setup] {text}", flush=True)


def run(*command: str | Path) -> None:
    """Runs a command, saying now and then that it goes on; ends the set-up with one line when it fails."""
    started = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT)
    while True:
        try:
            code = process.wait(timeout=HEARTBEAT_S)
            break
        except subprocess.TimeoutExpired:
            say(f"... {time.monotonic() - started:.0f} s")
    if code != 0:
        sys.exit(f"[setup] failed ({code}): {' '.join(str(part) for part in command)}")


def wanted(extras: str) -> dict[str, str]:
    """What the stamp of a complete environment says."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return {"pyproject": digest, "extras": extras, "python": sys.version.split()[0]}


def have() -> dict[str, str]:
    """What the stamp of the present environment says."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and PYTHON.exists() else {}


def satisfied(present: dict[str, str], target: dict[str, str]) -> bool:
    """Whether the present environment has at least the extras of the target, for the same project and Python."""
    if any(present.get(key) != target[key] for key in ("pyproject", "python")):
        return False
    return set(target["extras"].split(",")) <= set(present.get("extras", "").split(","))


def make_venv() -> None:
    """Creates `.venv` with pip in it, also where Debian left ensurepip out."""
    if (VENV / "bin" / "pip").exists():
        return
    say("creating .venv")
    complete = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if complete.returncode == 0:
        return
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
    wheel = download_pip_wheel()
    # A wheel is a zip that Python can import from: pip installs itself.
    run(PYTHON, f"{wheel}/pip", "install", "-qq", wheel)
    wheel.unlink()


def download_pip_wheel() -> Path:
    """Fetches pip's own wheel from the configured package index."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    request = urllib.request.Request(f"{index}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        files = json.load(reply)["files"]
    newest = [item for item in files if item["filename"].endswith("-py3-none-any.whl") and not item.get("yanked")][-1]
    target = VENV / str(newest["filename"])
    with urllib.request.urlopen(newest["url"], timeout=120) as reply:
        content = reply.read()
    if hashlib.sha256(content).hexdigest() != newest["hashes"]["sha256"]:
        sys.exit("[setup] pip's wheel does not match its published hash")
    target.write_bytes(content)
    return target


def install(extras: str) -> None:
    """Installs torch first (its index may differ), then the project with its extras."""
    pip = (PYTHON, "-m", "pip", "install", "--disable-pip-version-check")
    requirement, what = STEPS[0]
    if subprocess.run([PYTHON, "-c", "import torch, torchvision"], capture_output=True, check=False).returncode != 0:
        say(f"{what}")
        torch_index = os.environ.get("TORCH_INDEX")
        if torch_index:
            say("taking PyTorch from TORCH_INDEX")
        else:
            say("(set TORCH_INDEX to PyTorch's CPU wheel index for about 200 MB instead)")
        run(*pip, "-qq", *requirement.split(), *(("--index-url", torch_index) if torch_index else ()))
    say(STEPS[1][1])
    run(*pip, "-qq", "--editable", f".[{extras}]")


def mend_opencv() -> None:
    """opencv-python links libGL; where the system has none, its headless twin takes its place."""
    if subprocess.run([PYTHON, "-c", "import cv2"], capture_output=True, check=False).returncode == 0:
        return
    say("this system has no libGL: taking opencv-python-headless instead of opencv-python")
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "uninstall", "-qq", "--yes", "opencv-python")
    run(*pip, "install", "-qq", "opencv-python-headless>=4.10")
    run(PYTHON, "-c", "import cv2")


def prepare_models() -> None:
    """Fetches published weights and converts them, so that nothing is downloaded later."""
    say("models: fetching about 16 MB of published weights, converting them once")
    run(PYTHON, "-m", "services.cli.main", "models", "fetch")


def main() -> None:
    """Brings the environment to what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extras", default="train", help="comma-separated optional dependency groups")
    parser.add_argument("--skip-models", action="store_true", help="do not fetch and convert models")
    arguments = parser.parse_args()
    if sys.version_info < MINIMUM:
        sys.exit(f"[setup] Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, this is {sys.version.split()[0]}")
    target = wanted(arguments.extras)
    started = time.monotonic()
    if not satisfied(have(), target):
        make_venv()
        install(arguments.extras)
        mend_opencv()
        STAMP.write_text(json.dumps(target))
    if not arguments.skip_models:
        prepare_models()
    say(f"ready after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
