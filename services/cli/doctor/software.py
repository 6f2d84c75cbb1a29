"""Checks of what is installed: Python packages, shared libraries, models, FAISS and a GPU with a real search."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from services.cli.doctor.check import Finding, Status
from services.models.store import ModelStore

_PACKAGES = ("vreid", "openvino", "faiss-cpu", "grpcio", "av", "prometheus-client", "torch")
_SEARCH_TIMEOUT_S = 60.0
_LIBRARIES = "apt-get install libgl1 libglib2.0-0, or the like; or replace opencv-python by opencv-python-headless"

#: Searches 4096 vectors on the device named, finds each by itself, says JSON. A process of its own, because a driver
#: that hangs cannot be interrupted.
_SEARCH = """
import json, sys, time
import faiss, numpy as np
rng = np.random.default_rng(7)
vectors = rng.standard_normal((4096, 128), dtype=np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
queries = vectors[:16]
gpus = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
said = {"gpus": gpus, "build": "gpu" if hasattr(faiss, "StandardGpuResources") else "cpu", "right": None, "ms": 0.0}
began = None
if sys.argv[1] == "cpu":
    index = faiss.IndexFlatIP(128)
    index.add(vectors)
    began = time.perf_counter()
    found = index.search(queries, 10)[1]
elif gpus:
    resources = faiss.StandardGpuResources()
    faiss.knn_gpu(resources, queries, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)
    began = time.perf_counter()
    found = faiss.knn_gpu(resources, queries, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)[1]
if began is not None:
    said["ms"] = (time.perf_counter() - began) * 1000
    said["right"] = bool((found[:, 0] == np.arange(16)).all())
print(json.dumps(said))
"""


def python() -> Finding:
    """The interpreter and the packages that matter."""
    parts = [f"Python {sys.version.split()[0]}"]
    for package in _PACKAGES:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"no {package}")
    return Finding("ok", ", ".join(parts))


def libraries() -> Finding:
    """Whether OpenCV finds the shared libraries of the system that it is linked against (libGL, GLib)."""
    code = "import cv2; print(cv2.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=_SEARCH_TIMEOUT_S, check=False
    )
    if done.returncode == 0:
        return Finding("ok", f"OpenCV {done.stdout.strip()} loads")
    lines = done.stderr.strip().splitlines()
    return Finding("fail", f"OpenCV does not load: {lines[-1] if lines else 'no message'}", _LIBRARIES)


def models(detector: str, embedder: str, input_hw: tuple[int, int], store: ModelStore | None = None) -> Finding:
    """Whether the networks that the configuration names are here, unaltered and converted.

    Args:
        detector: Name in the manifest, or a file of one's own.
        embedder: The same.
        input_hw: Of the detector.
        store: The cache; None for the default one.
    """
    states = {state.entry.name: state for state in (store or ModelStore(offline=True)).states(input_hw)}
    missing, unready, hashes = [], [], []
    for name in (detector, embedder):
        state = states.get(name)
        if state is None:
            if not Path(name).is_file():
                missing.append(name)
            continue
        if state.path is None:
            missing.append(name)
        elif state.prepared is None or not (state.prepared / "model.bin").is_file():
            unready.append(name)
        else:
            hashes.append(f"{name} {(state.entry.sha256 or 'shipped')[:12]}")
    if missing:
        return Finding(
            "fail", f"missing, or not what the manifest says: {', '.join(missing)}", "run: vreid models fetch"
        )
    if unready:
        return Finding("fail", f"not converted: {', '.join(unready)}", "run: vreid models fetch")
    return Finding("ok", f"converted, hashes agree: {', '.join(hashes) or 'files of your own'}")


def search(device: Literal["cpu", "gpu"], timeout_s: float = _SEARCH_TIMEOUT_S) -> dict[str, float | str | bool | None]:
    """What a real search of FAISS on a device says, in a process of its own under a time limit.

    Returns:
        ``gpus``, ``build``, ``right`` (None where nothing was searched), ``ms``; or ``error``.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SEARCH, device], capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {timeout_s:.0f} s"}
    try:
        said: dict[str, float | str | bool | None] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"the process ended with {done.returncode}"}
    return said


def faiss_on_cpu() -> Finding:
    """A real search on the CPU."""
    said = search("cpu")
    if said.get("right") is True:
        return Finding("ok", f"search on the CPU answers rightly in {float(said['ms'] or 0):.1f} ms")
    return Finding("fail", f"search on the CPU: {said.get('error', 'wrong answer')}", "reinstall faiss-cpu")


def gpu(index: str, driver: Path = Path("/proc/driver/nvidia/version")) -> Finding:
    """A real search on the GPU, where there is one or the configuration wants one.

    Args:
        index: `matcher.index` of the configuration.
        driver: Exists where the NVIDIA driver is loaded.
    """
    wanted = index == "faiss-gpu"
    if not wanted and not driver.exists():
        return Finding("ok", "no GPU driver is loaded; everything runs on the CPU")
    said = search("gpu")
    bad: Status = "fail" if wanted else "warn"
    if said.get("right") is True:
        return Finding("ok", f"{said['gpus']} GPU(s), search answers rightly in {float(said['ms'] or 0):.1f} ms")
    if "error" in said:
        return Finding(bad, f"search on the GPU: {said['error']}", "check nvidia-smi and the driver's version")
    if said["build"] == "cpu":
        return Finding(
            bad, "the CPU build of FAISS is installed", "install the GPU requirement set instead of faiss-cpu"
        )
    if not said["gpus"]:
        return Finding(bad, "FAISS sees no GPU", "check nvidia-smi; in a container, that the GPU is passed in")
    return Finding("fail", "search on the GPU answers wrongly", "set matcher.index: faiss and report this")
