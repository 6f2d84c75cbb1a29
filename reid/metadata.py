"""What travels beside weights and beside exported models, and what a model is called. Never imports torch.

`<weights>.json` describes a checkpoint; `spec.json` describes an exported model with all that a runtime must know.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reid.errors import ModelError
from reid.preprocess import Preprocessing
from reid.types import Calibration, Detail, EmbedderSpec
from reid.whole import written_whole

HEAD_VERSION = "pool-linear-bnneck-l2/1"
SPEC_FILE = "spec.json"
PARITY_FILE = "parity.json"

#: Of an exported model's arithmetic.
Precision = Literal["fp32", "int8"]

Described = TypeVar("Described", bound=BaseModel)


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(_Document):
    """What to build before weights can be loaded."""

    backbone: str = Field(description="Name known to torchreid.")
    last_stride: Literal[1, 2] = Field(1, description="Stride of the last stage that would halve the feature map.")
    pooling: str = Field("gem", description="Feature map to vector: a name in reid.heads.pooling.POOLINGS.")
    levels: tuple[str, ...] = Field((), description="Earlier stages of the backbone whose maps are pooled as well.")
    dim: int = Field(256, ge=8, le=256, description="Length of the embedding.")


class DetailData(_Document):
    """`reid.types.Detail`, as written to a file."""

    sizes_px: tuple[float, ...] = Field((), description="Square roots of area, ascending.")
    shares: tuple[float, ...] = Field((), description="Of the similarity that is left, by size.")


class CalibrationData(_Document):
    """`reid.types.Calibration`, as written to a file."""

    slope: float = Field(gt=0)
    offset: float
    limit: float = Field(8.0, gt=0)
    detail: DetailData = Field(DetailData(), description="What pictures with few pixels still show.")
    independence: float = Field(
        0.0, ge=0, le=1, description="Share of a vehicle's further sighting that counts as independent of those before."
    )

    def build(self) -> Calibration:
        """The calibration itself."""
        detail = Detail(self.detail.sizes_px, self.detail.shares)
        return Calibration(self.slope, self.offset, self.limit, detail, self.independence)

    @classmethod
    def of(cls, calibration: Calibration) -> CalibrationData:
        """The file's form of a calibration."""
        detail = DetailData(sizes_px=calibration.detail.sizes_px, shares=calibration.detail.shares)
        return cls(
            slope=calibration.slope,
            offset=calibration.offset,
            limit=calibration.limit,
            detail=detail,
            independence=calibration.independence,
        )


class CheckpointMetadata(_Document):
    """Stands beside a checkpoint as `<name>.json`."""

    architecture: Architecture
    preprocessing: Preprocessing
    calibration: CalibrationData
    head_version: str = HEAD_VERSION
    seed: int = 0
    training_command: str = ""
    figures: dict[str, Any] = Field(default_factory=dict, description="What was measured at the end of training.")


class ExportSpec(_Document):
    """Stands beside an exported model as `spec.json`."""

    model_id: str
    dim: int = Field(ge=1)
    input_hw: tuple[int, int]
    calibration: CalibrationData
    max_batch: int = Field(32, ge=1, description="Most crops in one inference call.")
    precision: Precision = Field("fp32", description="Not part of the model's identity: parity is tested at export.")

    def build(self) -> EmbedderSpec:
        """The specification that the product compares."""
        return EmbedderSpec(self.model_id, self.dim, self.input_hw, self.calibration.build())


class ParityRecord(_Document):
    """Stands beside an exported model as `parity.json` once it has proved interchangeable with its checkpoint."""

    model_id: str
    precision: Precision
    pictures: int = Field(ge=1, description="How many were compared.")
    least_cosine: float = Field(description="To torch, over all of them and every batch size.")
    median_cosine: float
    rank1: tuple[float, float] | None = Field(None, description="Of torch and of this model, cross-camera.")
    ms_per_crop: dict[str, float] = Field(
        default_factory=dict, description="By precision, batch 16, on the machine that exported."
    )

    @property
    def faster(self) -> bool:
        """Whether this precision beat FP32 where it was exported."""
        mine, plain = self.ms_per_crop.get(self.precision), self.ms_per_crop.get("fp32")
        return mine is not None and plain is not None and mine < plain


def model_id(checkpoint: Path, preprocessing: Preprocessing, head_version: str) -> str:
    """Names a model: vectors may be compared only where this agrees.

    Calibration is not part of it (a better one does not move vectors), nor is runtime or precision.

    Args:
        checkpoint: The weights; every byte counts.
        preprocessing: How pixels are prepared.
        head_version: Names the head's arithmetic.

    Returns:
        sha256 in hexadecimal, 64 characters.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    digest = hashlib.sha256()
    try:
        digest.update(hashlib.sha256(checkpoint.read_bytes()).digest())
    except OSError as exc:
        raise ModelError(f"cannot read the weights {checkpoint}: {exc.strerror}") from exc
    digest.update(json.dumps(preprocessing.model_dump(mode="json"), sort_keys=True).encode())
    digest.update(head_version.encode())
    return digest.hexdigest()


def metadata_path(weights: Path) -> Path:
    """Where the description of a checkpoint stands."""
    return weights.with_suffix(".json")


def read_document(path: Path, kind: type[Described]) -> Described:
    """Reads and checks a description.

    Raises:
        ModelError: The file is missing, no JSON, or lacks something.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise ModelError(f"cannot read {path}: {exc.strerror}") from exc
    except ValidationError as exc:
        raise ModelError(f"{path} is damaged: {first_error(exc)}") from exc


def first_error(invalid: ValidationError) -> str:
    """The first thing wrong with a document, its key in front."""
    first = invalid.errors()[0]
    said = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in first['loc']) or 'document'}: {said}"


def write_document(path: Path, document: BaseModel) -> None:
    """Writes a description, indented, whole or not at all."""
    with written_whole(path) as draft:
        draft.write_text(json.dumps(document.model_dump(mode="json"), indent=2) + "\n")
