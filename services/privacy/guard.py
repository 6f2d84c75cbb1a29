"""What pictures may look like that are stored or shown. Owns the rule; keeps no picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.plates import PlateDetector, blurred
from services.errors import ConfigError, ModelFileError
from services.models.store import ModelStore
from services.privacy.settings import PrivacySettings

Image = NDArray[np.uint8]


class PlateFinder(Protocol):
    """Pictures in, number plates out."""

    def find(self, pictures: Sequence[Image]) -> list[NDArray[np.float32]]:
        """The plates of each picture, float32 (N, 4), x1, y1, x2, y2 in its pixels."""
        ...


class PictureGuard:
    """Makes pictures fit to be stored or shown. Safe for threads if its finder is.

    Args:
        plates: Finds number plates; None where none is configured.
        margin: Blurred beyond a plate's box, as a share of its side.
    """

    def __init__(self, plates: PlateFinder | None = None, margin: float = 0.15) -> None:
        self._plates = plates
        self._margin = margin

    def stored(self, picture: Image, input_hw: tuple[int, int]) -> Image:
        """A picture of a vehicle as it may be stored.

        Args:
            picture: uint8 (H, W, 3) BGR; not changed.
            input_hw: What the network that describes vehicles takes, px.

        Returns:
            With a finder the picture, its plates made unreadable. Without one the picture within ``input_hw``, its
            aspect ratio kept; a smaller one as it is.
        """
        if self._plates is not None:
            return self.shown(picture)
        height, width = picture.shape[:2]
        scale = min(input_hw[0] / height, input_hw[1] / width)
        if scale >= 1:
            return picture
        size = (max(1, int(width * scale)), max(1, int(height * scale)))
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

    def shown(self, picture: Image) -> Image:
        """A camera's picture as it may be shown: with a finder, its plates made unreadable."""
        if self._plates is None:
            return picture
        return blurred(picture, self._plates.find([picture])[0], self._margin)


def open_guard(settings: PrivacySettings, store: ModelStore | None = None) -> PictureGuard:
    """The guard that a configuration asks for.

    Args:
        settings: What to do.
        store: Where models are kept; None for the machine's own, which downloads nothing.

    Raises:
        ConfigError: The file is not the one whose hash is given.
        ModelFileError: The detector is missing or cannot be converted; the message says what to do.
    """
    plates = settings.plates
    if plates.detector is None:
        return PictureGuard()
    store = store or ModelStore(offline=True)
    if plates.detector.endswith(".pt"):
        _require_hash(Path(plates.detector), str(plates.sha256))
    input_hw = (plates.input_height_px, plates.input_width_px)
    # A file is trusted because who configured it named its hash, which was just checked.
    folder = store.prepare(plates.detector, input_hw, trust=True)
    try:
        found = PlateDetector(folder / "model.xml", input_hw, plates.confidence)
    except (OSError, RuntimeError, ValueError) as exc:
        raise ModelFileError(f"privacy.plates.detector: {plates.detector} cannot be loaded: {exc}") from exc
    return PictureGuard(found, plates.margin)


def _require_hash(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ConfigError(f"privacy.plates.detector: cannot read {path}: {exc.strerror or exc}") from exc
    if found != sha256:
        raise ConfigError(f"privacy.plates.sha256: {path} has {found[:12]}…, not {sha256[:12]}…")
