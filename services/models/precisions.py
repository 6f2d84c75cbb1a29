"""Which arithmetic an embedder is served in: FP32, or an INT8 form that proved interchangeable. Quantises nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from services.errors import ModelFileError
from services.models.folders import draft_beside, put_in_place

if TYPE_CHECKING:
    from reid.metadata import ExportSpec, ParityRecord
    from services.models.store import ModelStore

#: "auto" is INT8 where one is installed that was faster than FP32 when it was exported, else FP32.
PrecisionChoice = Literal["fp32", "int8", "auto"]

_LEAST_COSINE = 0.99


def choose_folder(store: ModelStore, name: str, precision: PrecisionChoice) -> Path:
    """The converted form of an embedder in the precision wanted.

    Args:
        store: Where models are kept.
        name: As `ModelStore.prepare` takes it.
        precision: What to serve.

    Raises:
        ModelFileError: As `ModelStore.prepare`; or INT8 is wanted and none is installed, or what is there is damaged.
    """
    plain = store.prepare(name)
    if precision == "fp32":
        return plain
    quantised = _int8_beside(plain)
    if not quantised.is_dir():
        if precision == "auto":
            return plain
        raise ModelFileError(
            f"no INT8 form of {name} is installed; make one: vreid export --format openvino-int8 --data NAME=DIR "
            "--out FOLDER, then: vreid models install FOLDER"
        )
    _, record = _proved(quantised)
    return quantised if precision == "int8" or record.faster else plain


def installed_int8(store: ModelStore, name: str) -> ParityRecord | None:
    """What the parity test found of the INT8 form of an embedder, None where none is installed.

    Raises:
        ModelFileError: As `ModelStore.prepare`; or what is installed is damaged.
    """
    folder = _int8_beside(store.prepare(name))
    return _proved(folder)[1] if folder.is_dir() else None


def install_int8(store: ModelStore, name: str, folder: Path) -> Path:
    """Puts an exported INT8 model into the cache, from where serving may choose it.

    Args:
        store: Where models are kept.
        name: The embedder it is a form of, as `ModelStore.prepare` takes it.
        folder: As ``vreid export --format openvino-int8`` wrote it, with its parity record.

    Returns:
        Its folder in the cache; one that was there is replaced.

    Raises:
        ModelFileError: As `ModelStore.prepare`; or the folder is no exported INT8 model, did not pass the parity
            test, or was made of another model.
    """
    from reid.errors import ReidError
    from reid.metadata import SPEC_FILE, ExportSpec, read_document

    spec, _ = _proved(folder)
    plain = store.prepare(name)
    try:
        wanted = read_document(plain / SPEC_FILE, ExportSpec).model_id
    except ReidError as exc:
        raise ModelFileError(str(exc)) from exc
    if spec.model_id != wanted:
        raise ModelFileError(f"{folder} is a form of model {spec.model_id[:12]}, {name} is {wanted[:12]}: export anew")
    target = _int8_beside(plain)
    try:
        with draft_beside(target) as draft:
            shutil.copytree(folder, draft, dirs_exist_ok=True)
            put_in_place(draft, target)
    except OSError as exc:
        raise ModelFileError(f"cannot install {folder}: {exc.strerror or exc}") from exc
    return target


def _int8_beside(plain: Path) -> Path:
    """Named after the FP32 form, so that other weights or another runtime never meet an old INT8 form."""
    return plain.with_name(f"{plain.name}-int8")


def _proved(folder: Path) -> tuple[ExportSpec, ParityRecord]:
    from reid.errors import ReidError
    from reid.metadata import PARITY_FILE, SPEC_FILE, ExportSpec, ParityRecord, read_document

    if not (folder / PARITY_FILE).is_file() or not (folder / "model.xml").is_file():
        raise ModelFileError(f"{folder} is no exported model with a parity record: write it with vreid export")
    try:
        spec, record = read_document(folder / SPEC_FILE, ExportSpec), read_document(folder / PARITY_FILE, ParityRecord)
    except ReidError as exc:
        raise ModelFileError(str(exc)) from exc
    if (spec.precision, record.precision) != ("int8", "int8") or spec.model_id != record.model_id:
        raise ModelFileError(f"{folder} is not an INT8 model with a parity record of its own")
    if record.least_cosine < _LEAST_COSINE:
        raise ModelFileError(f"{folder} strays from its checkpoint: cosine {record.least_cosine:.4f} < {_LEAST_COSINE}")
    return spec, record
