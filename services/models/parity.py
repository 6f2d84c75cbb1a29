"""Holds an embedder as it is served against its checkpoint, in a process that loads torch, and writes the record.

Serving never runs this: it is asked for before a model is taken into use.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.errors import ModelFileError

if TYPE_CHECKING:
    from reid.metadata import ParityRecord

_PACKAGES_ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 600.0


def prove_parity(weights: Path, prepared: Path, pictures: Sequence[NDArray[np.uint8]]) -> ParityRecord:
    """Compares, and keeps the record beside the converted model; one that is there already is believed.

    Args:
        weights: Checkpoint.
        prepared: Folder with its converted form.
        pictures: uint8 (H, W, 3) BGR, at least one.

    Raises:
        ModelFileError: The converted model strays from its checkpoint, or what comparing needs is not installed.
    """
    from reid.errors import ReidError
    from reid.metadata import PARITY_FILE, ParityRecord, read_document

    try:
        if not (prepared / PARITY_FILE).is_file():
            _run(weights, prepared, pictures)
        return read_document(prepared / PARITY_FILE, ParityRecord)
    except ReidError as exc:
        raise ModelFileError(str(exc)) from exc


def _run(weights: Path, prepared: Path, pictures: Sequence[NDArray[np.uint8]]) -> None:
    paths = [str(_PACKAGES_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory(prefix="vreid-parity-") as folder:
        file = Path(folder) / "pictures.npz"
        np.savez(file, *pictures)
        command = [sys.executable, "-m", "services.models.parity", str(weights), str(prepared), str(file)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise ModelFileError(f"comparing {weights.name} with its converted form failed: {exc}") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ModelFileError(f"{weights.name}: {lines[-1] if lines else f'exit {done.returncode}'}")


def main(argv: list[str] | None = None) -> int:
    """Compares one converted model with its checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m services.models.parity", description=main.__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("pictures", type=Path)
    args = parser.parse_args(argv)
    try:
        _compare(args.weights, args.prepared, args.pictures)
    except ImportError as exc:
        sys.stderr.write(f"comparing needs {exc.name or exc}, which comes with the 'train' extra\n")
        return 1
    return 0


def _compare(weights: Path, prepared: Path, pictures: Path) -> None:
    from reid.export.parity import check_parity
    from reid.metadata import PARITY_FILE, SPEC_FILE, ExportSpec, read_document, write_document
    from reid.runtime import OpenVinoEmbedder

    spec = read_document(prepared / SPEC_FILE, ExportSpec)
    with np.load(pictures) as stored:
        views: list[Any] = [stored[name] for name in stored.files]
    found = check_parity(weights, OpenVinoEmbedder(prepared, 1), views)
    found.require(spec.precision)
    write_document(prepared / PARITY_FILE, found.record(spec, {}))


if __name__ == "__main__":
    raise SystemExit(main())
