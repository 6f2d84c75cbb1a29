"""Opens the networks for serving: detector and embedder, from the model cache alone. Never downloads."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from detector.settings import DetectorSettings
from detector.telemetry import forbid_telemetry
from services.errors import ModelFileError
from services.models.precisions import PrecisionChoice, choose_folder
from services.models.store import ModelStore

if TYPE_CHECKING:
    from detector.yolo import OpenVinoDetector
    from reid.runtime import OpenVinoEmbedder

log = logging.getLogger(__name__)


def open_detector(settings: DetectorSettings, threads: int | None = None) -> OpenVinoDetector:
    """The detector that a configuration names.

    Args:
        settings: Its model and input size.
        threads: CPU threads; None for what the settings say.

    Raises:
        ModelFileError: It is missing or damaged; the message says what to do.
    """
    folder = detector_folder(ModelStore(offline=True), settings)
    log.info("detector %s from %s", settings.model, folder.name)
    return open_form(folder, settings, threads)


def open_form(folder: Path, settings: DetectorSettings, threads: int | None = None) -> OpenVinoDetector:
    """One form of a detector.

    Args:
        folder: As `ModelStore.prepare` or `ModelStore.prepare_int8` gives it.
        settings: Its input size must be the one that the form was made for.
        threads: CPU threads; None for what the settings say.

    Raises:
        ModelFileError: It is damaged.
    """
    forbid_telemetry()
    from detector.yolo import OpenVinoDetector

    try:
        return OpenVinoDetector(folder / "model.xml", settings, threads)
    except (OSError, RuntimeError, ValueError) as exc:
        raise ModelFileError(f"detector {settings.model} cannot be loaded: {exc}") from exc


def detector_folder(store: ModelStore, settings: DetectorSettings) -> Path:
    """Where the detector lies in the precision that the settings ask for.

    Raises:
        ModelFileError: It is missing or damaged, or INT8 was asked for and cannot be made.
    """
    if settings.precision == "int8":
        return store.prepare_int8(settings.model, settings.input_hw)
    exact = store.prepare(settings.model, settings.input_hw)
    return exact if settings.precision == "fp32" else store.ready_int8(exact) or exact


def detector_ready(settings: DetectorSettings) -> bool:
    """Whether the detector was converted for its input size, so that opening it makes nothing.

    Raises:
        ModelFileError: The configuration names no known model.
    """
    return ModelStore(offline=True).ready(settings.model, settings.input_hw) is not None


def open_embedder(model: str, threads: int | None = None, precision: PrecisionChoice = "fp32") -> OpenVinoEmbedder:
    """The embedder of that name in the manifest.

    Args:
        model: As `ModelStore.prepare` takes it.
        threads: CPU threads; None for one per core.
        precision: What to serve; vectors of either are comparable.

    Raises:
        ModelFileError: It is missing or damaged; the message says what to do.
    """
    forbid_telemetry()
    from reid.errors import ReidError
    from reid.runtime import OpenVinoEmbedder

    folder = choose_folder(ModelStore(offline=True), model, precision)
    try:
        embedder = OpenVinoEmbedder(folder, threads)
    except (OSError, ReidError, RuntimeError, ValueError) as exc:
        raise ModelFileError(f"embedder {model} cannot be loaded: {exc}") from exc
    named = (model, embedder.spec.model_id[:12], embedder.runtime, embedder.precision)
    log.info("embedder %s, model %s, runs in %s, %s", *named)
    return embedder
