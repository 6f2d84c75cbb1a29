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


@contextmanager
def model_folder(out_dir: Path, spec: ExportSpec) -> Iterator[Path]:
    """A folder beside the target to write to; put in its place, with the specification, when all went well."""
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        yield draft
        write_document(draft / SPEC_FILE, spec)
        draft.chmod(0o755)
        if out_dir.exists():
            shutil.rmtree(out_dir)
        draft.rename(out_dir)
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
