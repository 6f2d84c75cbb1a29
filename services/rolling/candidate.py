"""Checks a model before a site begins to use it: it opens, agrees with its checkpoint, is calibrated, tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from reid.types import Calibration, Embedder, Image
from services.crops import CropStore
from services.errors import ModelFileError
from services.identity.rolling.contract import ModelRef, RollingStore
from services.models.networks import open_embedder
from services.models.parity import prove_parity
from services.models.precisions import PrecisionChoice
from services.models.store import ModelStore
from services.rolling.pictures import stored_picture
from services.rolling.roster import site_name

_PICTURES = 48
#: Vectors of different pictures that are all more alike than this say nothing.
_COLLAPSED = 0.999


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be rolled out.

    Attributes:
        ref: Its id and its name, a file by its absolute path.
        dim: Length of its vectors.
        input_hw: Network input height and width, px.
        calibration: Of its similarities.
        least_cosine: To its checkpoint; None where there is none to compare with.
        pictures: It was looked at with.
    """

    ref: ModelRef
    dim: int
    input_hw: tuple[int, int]
    calibration: Calibration
    least_cosine: float | None
    pictures: int


def named_model(store: ModelStore, name: str, precision: PrecisionChoice) -> ModelRef:
    """The id of a model that serves.

    Raises:
        ModelFileError: It is missing or damaged.
    """
    from reid.errors import ReidError
    from reid.metadata import SPEC_FILE, ExportSpec, read_document
    from services.models.precisions import choose_folder

    try:
        spec = read_document(choose_folder(store, name, precision) / SPEC_FILE, ExportSpec)
    except ReidError as exc:
        raise ModelFileError(str(exc)) from exc
    return ModelRef(spec.model_id, site_name(name))


def check_candidate(store: ModelStore, name: str, pictures: Sequence[Image]) -> Candidate:
    """Looks at a model in all that could make a site regret it.

    Args:
        store: Where models are kept; converts what is not converted yet.
        name: In the manifest, or a checkpoint's file.
        pictures: uint8 (H, W, 3) BGR of vehicles; others are made up where there are few.

    Raises:
        ModelFileError: It cannot be used; the message says why.
    """
    known = site_name(name)
    if not known.endswith(".safetensors") and store.manifest.get(known).kind not in ("reid", "imagenet"):
        raise ModelFileError(f"{name} is no embedder")
    prepared = store.prepare(known)
    embedder = open_embedder(known, 1)
    spec = embedder.spec
    crossing = -spec.calibration.offset / spec.calibration.slope
    if not -1 < crossing < 1:
        raise ModelFileError(f"{name} is not calibrated: by its file no similarity is even odds; run vreid calibrate")
    views = [*pictures, *_made_up(max(0, 8 - len(pictures)))]
    _require_sense(name, embedder, views)
    own = known.endswith(".safetensors")
    least = None
    if own or store.manifest.get(known).kind == "reid":
        least = prove_parity(Path(known) if own else store.fetch(known), prepared, views).least_cosine
    return Candidate(ModelRef(spec.model_id, known), spec.dim, spec.input_hw, spec.calibration, least, len(pictures))


def _require_sense(name: str, embedder: Embedder, views: Sequence[Image]) -> None:
    vectors = embedder.embed(views)
    norms = np.linalg.norm(vectors, axis=1)
    if not bool(np.isfinite(vectors).all()) or not bool((abs(norms - 1) < 1e-2).all()):
        raise ModelFileError(f"{name} gives vectors that are not finite or not of length 1")
    alike = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    if float(alike.min()) > _COLLAPSED:
        raise ModelFileError(f"{name} finds every vehicle alike: no two pictures are less alike than {alike.min():.4f}")


def site_pictures(store: RollingStore, crops: CropStore) -> list[Image]:
    """Stored pictures of the newest sightings, one each, at most some dozens."""
    pictures = []
    for described in islice(store.scan_described(), 4 * _PICTURES):
        found = (stored_picture(crops, key) for key in described.crop_keys[:1])
        pictures += [picture for picture in found if picture is not None]
        if len(pictures) == _PICTURES:
            break
    return pictures


def _made_up(how_many: int) -> list[Image]:
    """Smooth noise of any colour, where a site has no pictures yet."""
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (6, 6, 3), np.uint8) for _ in range(how_many)]
    return [np.kron(picture, np.ones((16, 16, 1), np.uint8)) for picture in coarse]
