"""Contact sheets of vehicles: each from all around on an empty square, to be looked at by eye.

Owns the arrangement of pictures; never draws who looks how. Opens a renderer: one per process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.meshes import MeshLibrary
from simulator.renderer.looks import LIGHTS
from simulator.renderer.primitives import quad_triangles
from simulator.renderer.scene import Placed, Renderer, View
from simulator.renderer.surface import Mesh, MeshBuilder, Slot
from simulator.vehicles.identity import Appearance

#: Bearings of the camera from the nose, degrees, towards the vehicle's right; in the order of ``views.VIEWS``.
ALL_AROUND_DEG = (0.0, 45.0, 90.0, 135.0, 180.0, -135.0, -90.0, -45.0)
_FOV_DEG = 28.0
_SQUARE_M = 60.0


@dataclass(frozen=True, slots=True)
class Showroom:
    """How vehicles are shown.

    Attributes:
        cell_px: Width and height of one picture.
        bearings_deg: One column each; 0 shows the nose, 90 the right flank.
        elevation_deg: How steeply the camera looks down.
        light: Name in ``LIGHTS``.
        fill: Share of the picture's width that the vehicle's length takes from its side.
    """

    cell_px: tuple[int, int] = (240, 150)
    bearings_deg: tuple[float, ...] = ALL_AROUND_DEG
    elevation_deg: float = 14.0
    light: str = "noon"
    fill: float = 0.8


def render_showroom(
    appearances: Sequence[Appearance], showroom: Showroom | None = None, renderer: Renderer | None = None
) -> NDArray[np.uint8]:
    """Shows vehicles from all around.

    Args:
        appearances: One row each.
        showroom: Arrangement; the default one if None.
        renderer: Renderer of the cell's size to draw with; one is opened and closed if None.

    Returns:
        uint8 (rows * cell height, columns * cell width, 3) RGB; no rows without appearances.

    Raises:
        MeshesMissing: No vehicle meshes.
        RendererMissing: No OpenGL.
    """
    showroom = showroom or Showroom()
    width, height = showroom.cell_px
    own = renderer or Renderer(width, height, MeshLibrary.open())
    square = _square()
    rows = []
    for appearance in appearances:
        cells = []
        for bearing in showroom.bearings_deg:
            own.set_stage(square, _view(showroom, own.body_size_m(appearance.model), bearing))
            cells.append(own.frame([Placed(appearance, 0.0, 0.0, 0.0)]).image)
        rows.append(np.hstack(cells))
        own.forget_decals()
    if renderer is None:
        own.close()
    columns = len(showroom.bearings_deg)
    return np.vstack(rows) if rows else np.zeros((0, width * columns, 3), np.uint8)


def _view(showroom: Showroom, size_m: tuple[float, float, float], bearing_deg: float) -> View:
    """A camera that looks at the middle of a body standing in the origin, heading along +z."""
    width, height, length = size_m
    reach = length / showroom.fill / 2 / np.tan(np.radians(_FOV_DEG / 2)) + width / 2
    bearing, elevation = np.radians(bearing_deg), np.radians(showroom.elevation_deg)
    level = reach * np.cos(elevation)
    eye = (-level * np.sin(bearing), height / 2 + reach * np.sin(elevation), level * np.cos(bearing))
    x, y, z = (float(value) for value in eye)
    return View((x, y, z), (0.0, height * 0.45, 0.0), _FOV_DEG, (0.0, 0.0, 0.0), LIGHTS[showroom.light])


def _square() -> Mesh:
    half = _SQUARE_M
    builder = MeshBuilder()
    ground = quad_triangles((-half, 0, half), (half, 0, half), (half, 0, -half), (-half, 0, -half))
    builder.add(ground, (0.3, 0.3, 0.3), Slot.ASPHALT)
    return builder.build()
