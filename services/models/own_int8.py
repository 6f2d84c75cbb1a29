"""Makes a detector's eight-bit form of own footage, and takes it into use where it proves as good. Keeps no picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detector.letterbox import letterbox_into
from detector.settings import DetectorSettings
from detector.types import Detections
from services.errors import ModelFileError
from services.models.conversion import quantise_in_subprocess
from services.models.folders import draft_beside, remove_whole
from services.models.networks import open_form
from services.models.store import ModelStore
from tracker.metrics.average_precision import COCO_IOUS, agreement, sure_boxes

#: With fewer pictures nothing is made: half of them judge.
MIN_PICTURES = 8

Image = NDArray[np.uint8]
#: Fills a folder from a converted detector's ``model.xml`` and own pictures.
Quantiser = Callable[[Path, Path, Sequence[Image]], None]


class Finder(Protocol):
    """What finds vehicles."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The vehicles of each picture."""


#: Opens a form of a detector.
FormOpener = Callable[[Path, DetectorSettings], Finder]


@dataclass(frozen=True, slots=True)
class OwnForm:
    """What came of own footage for one input size.

    Attributes:
        size: Width and height of the network's input, px.
        pictures: How many calibrated, and how many judged.
        former: Whether the form so far was the "shipped" one or an "own" one.
        vehicles: Boxes that FP32 is sure of in the pictures that judge.
        agreement_before: Of the form so far with FP32 in those pictures, mean over COCO's overlaps, in [0, 1].
        agreement_after: Of the new form.
        installed: The new form was taken into use, because it agrees no less.
        path: The form that serves now.
    """

    size: tuple[int, int]
    pictures: tuple[int, int]
    former: str
    vehicles: int
    agreement_before: float
    agreement_after: float
    installed: bool
    path: Path

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "pictures": {"calibrating": self.pictures[0], "judging": self.pictures[1]},
            "former": self.former,
            "vehicles": self.vehicles,
            "agreement": {"before": round(self.agreement_before, 4), "after": round(self.agreement_after, 4)},
            "installed": self.installed,
            "path": str(self.path),
        }


class OwnPictures:
    """Pictures as the network sees them in each input size: every other one calibrates, the others judge."""

    def __init__(self, pictures: Iterable[Image], sizes: Sequence[tuple[int, int]]) -> None:
        """Fits every picture and lets go of it.

        Args:
            pictures: uint8 (H, W, 3) BGR.
            sizes: Widths and heights of the network's input, px.

        Raises:
            ModelFileError: There are too few.
        """
        self._fitted: dict[tuple[int, int], list[Image]] = {size: [] for size in sizes}
        for picture in pictures:
            for (width, height), fitted in self._fitted.items():
                fitted.append(np.empty((height, width, 3), np.uint8))
                letterbox_into(picture, fitted[-1])
        count = len(self._fitted[sizes[0]])
        if count < MIN_PICTURES:
            raise ModelFileError(
                f"{MIN_PICTURES} pictures are needed, half of them to judge by; the footage has {count}"
            )

    def calibrating(self, size: tuple[int, int]) -> list[Image]:
        """What ranges are taken from."""
        return self._fitted[size][::2]

    def judging(self, size: tuple[int, int]) -> list[Image]:
        """What forms are held against FP32 in."""
        return self._fitted[size][1::2]


def make_own_int8(
    store: ModelStore,
    settings: DetectorSettings,
    pictures: OwnPictures,
    *,
    quantiser: Quantiser = quantise_in_subprocess,
    opener: FormOpener = open_form,
) -> OwnForm:
    """Quantises a detector for one input size with own pictures beside the usual ones, and judges it.

    Args:
        store: Where models are kept.
        settings: Name of the detector and input size, one of those that the pictures were fitted to.
        pictures: Of the cameras that it will serve.
        quantiser: Makes the form.
        opener: Opens FP32 and the forms that are compared with it.

    Raises:
        ModelFileError: As `ModelStore.prepare_int8`; or no vehicle is seen in the pictures that judge; or the form
            cannot be made. Nothing was changed then.
        OSError: The cache cannot be written.
    """
    size = (settings.input_width_px, settings.input_height_px)
    exact = store.prepare(settings.model, settings.input_hw)
    calibrating, judging = pictures.calibrating(size), pictures.judging(size)
    truth = opener(exact, settings).detect(judging)
    vehicles = sure_boxes(truth)
    if not vehicles:
        raise ModelFileError(f"no vehicle was found in the {len(judging)} pictures that judge: nothing to compare by")
    with store.locked(store.own_int8_dir(exact).name), draft_beside(exact) as draft:
        former = store.prepare_int8(settings.model, settings.input_hw)
        was = "own" if former == store.own_int8_dir(exact) else "shipped"
        quantiser(exact / "model.xml", draft, calibrating)
        before = agreement(truth, opener(former, settings).detect(judging), COCO_IOUS)
        after = agreement(truth, opener(draft, settings).detect(judging), COCO_IOUS)
        installed = after >= before
        path = store.install_own_int8(exact, draft) if installed else former
    return OwnForm(size, (len(calibrating), len(judging)), was, vehicles, before, after, installed, path)


def remove_own_int8(store: ModelStore, settings: DetectorSettings) -> bool:
    """Gives up what own footage gave for one input size; whether there was any.

    Raises:
        ModelFileError: The model is unknown or not on this machine.
        OSError: The cache cannot be written.
    """
    exact = store.ready(settings.model, settings.input_hw)
    if exact is None or store.ready_own_int8(exact) is None:
        return False
    folder = store.own_int8_dir(exact)
    with store.locked(folder.name):
        # Another process may have removed it meanwhile.
        there = store.ready_own_int8(exact) is not None
        if there:
            remove_whole(folder)
    return there
