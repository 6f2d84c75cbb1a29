"""How an exported model comes onto the disk: whole or not at all, with its description. Converts nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reid.errors import ModelError
from reid.metadata import SPEC_FILE, CalibrationData, ExportSpec, Precision, model_id, write_document

if TYPE_CHECKING:
    from reid.metadata import CheckpointMetadata

MODEL_FILE = "model.xml"
ONNX_FILE = "model.onnx"


@contextmanager
def explained_missing_packages() -> Iterator[None]:
    """Names the package that conversion, unlike serving, needs.

    Raises:
        ModelError: In place of the import's own error.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        raise ModelError(f"converting weights needs {exc.name}; install vreid[train]") from exc


def replaceable(out_dir: Path, weights: Path) -> Path:
    """Where an exported model goes, links followed.

    Raises:
        ModelError: It is, or holds, the folder that the process works in, or the weights: replacing it would take them.
    """
    target = out_dir.resolve()
    if Path.cwd().is_relative_to(target):
        raise ModelError(f"{out_dir} is, or holds, the folder that this runs in: give another one")
    if weights.resolve().is_relative_to(target):
        raise ModelError(f"{out_dir} holds the weights {weights}: give another folder")
    return target


def put_in_place(draft: Path, folder: Path) -> None:
    """Makes a draft the folder; one that was there goes when the new one is in its place.

    Raises:
        OSError: It cannot be put there; one that was there stays.
    """
    former = draft.with_name(f"{draft.name}-former")
    if folder.exists():
        folder.rename(former)
    try:
        draft.rename(folder)
    except BaseException:
        if former.exists() and not folder.exists():
            former.rename(folder)
        raise
    shutil.rmtree(former, ignore_errors=True)


@contextmanager
def model_folder(out_dir: Path, spec: ExportSpec, weights: Path) -> Iterator[Path]:
    """A folder beside the target to write to; put in its place, with the specification, when all went well.

    Raises:
        ModelError: The target would take what is needed with it, see `replaceable`.
    """
    target = replaceable(out_dir, weights)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield draft
        write_document(draft / SPEC_FILE, spec)
        draft.chmod(0o755)
        put_in_place(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def spec_of(weights: Path, metadata: CheckpointMetadata, precision: Precision = "fp32") -> ExportSpec:
    """What a runtime must know of an exported checkpoint."""
    return ExportSpec(
        model_id=model_id(weights, metadata.preprocessing, metadata.head_version),
        dim=metadata.architecture.dim,
        input_hw=metadata.preprocessing.input_hw,
        calibration=CalibrationData.of(metadata.calibration.build()),
        precision=precision,
    )
