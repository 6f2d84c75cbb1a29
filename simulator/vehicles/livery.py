"""Paints a vehicle's decals, shut lines and plate into the layers that the shader lays over its sides. Pixels only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.vehicles.appearance import Appearance
from simulator.vehicles.catalogue import BodyModel
from simulator.vehicles.decal_painters import LAYER_HEIGHT_PX, LAYER_WIDTH_PX, Layer, paint_decal, put_text, rgba
from simulator.vehicles.shapes import body_of

__all__ = ["LAYERS", "LAYER_HEIGHT_PX", "LAYER_WIDTH_PX", "paint_layers", "plate_text"]

#: Layers in the order the shader counts them. Each is seen from outside, upright, so lettering reads on both flanks.
LAYERS = ("left", "right", "front", "rear", "top", "rear_window", "plate")
_PLATE_PX = (256, 56)
_SEAM = (8, 8, 9, 190)
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def paint_layers(appearance: Appearance) -> NDArray[np.uint8]:
    """Everything laid over one vehicle.

    Returns:
        uint8 (7, 128, 256, 4) RGBA, transparent where the body shows.
    """
    layers = np.zeros((len(LAYERS), LAYER_HEIGHT_PX, LAYER_WIDTH_PX, 4), np.uint8)
    _seams(layers, body_of(appearance.model))
    for decal in appearance.decals:
        for side in ("left", "right") if decal.side == "flanks" else (decal.side,):
            paint_decal(layers[LAYERS.index(side)], decal, side)
    layers[LAYERS.index("plate")] = _plate(appearance.plate_seed)
    return layers


def plate_text(seed: int) -> str:
    """What a plate reads.

    >>> plate_text(5) == plate_text(5)
    True
    """
    rng = np.random.default_rng([seed, 3])
    letters = "".join(_LETTERS[int(i)] for i in rng.integers(len(_LETTERS), size=4))
    return f"{letters[:2]} {rng.integers(100, 1000)} {letters[2:]}"


def _plate(seed: int | None) -> Layer:
    """A plate, stretched to its layer: black on white or yellow, a blue band at its left; blank without a seed."""
    width, height = _PLATE_PX
    yellow = seed is not None and np.random.default_rng([seed, 5]).random() < 0.2
    plate = np.zeros((height, width, 4), np.uint8)
    plate[:] = rgba((0.93, 0.75, 0.12) if yellow else (0.93, 0.93, 0.93))
    if seed is not None:
        cv2.rectangle(plate, (0, 0), (20, height - 1), rgba((0.10, 0.20, 0.60)), -1)
        put_text(plate, plate_text(seed), (28, 9, width - 38, height - 18), rgba((0.05, 0.05, 0.05)))
    cv2.rectangle(plate, (0, 0), (width - 1, height - 1), rgba((0.1, 0.1, 0.1)), 2)
    stretched: Layer = cv2.resize(plate, (LAYER_WIDTH_PX, LAYER_HEIGHT_PX), interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )
    stretched[..., 3] = 255
    return stretched


def _seams(layers: Layer, body: BodyModel) -> None:
    """Shut lines of doors, bonnet, boot and bumpers where the mesh has none."""
    if body.seams is None:
        return
    top, bottom = (round((1 - share) * LAYER_HEIGHT_PX) for share in body.seams.rows)
    columns = [round(share * LAYER_WIDTH_PX) for share in body.seams.doors]
    flank = layers[LAYERS.index("left")]
    for column in columns:
        cv2.line(flank, (column, top), (column, bottom), _SEAM, 1)
    for column in columns[1:]:
        cv2.rectangle(flank, (column - 11, top + 7), (column - 4, top + 8), _SEAM, -1)
    cv2.line(flank, (columns[0], bottom), (columns[-1], bottom), _SEAM, 1)
    layers[LAYERS.index("right")] = flank[:, ::-1]
    row = round((1 - body.seams.bumper) * LAYER_HEIGHT_PX)
    for side in ("front", "rear"):
        cv2.line(layers[LAYERS.index(side)], (4, row), (251, row), _SEAM, 1)
