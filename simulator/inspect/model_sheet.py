"""A sheet of all body models, each from all around. Opens a renderer: one per process."""

from __future__ import annotations

from simulator.inspect.drawing import Cell, Image, Layout, Row, draw_sheet
from simulator.showroom import Showroom, render_showroom
from simulator.splits import UNTRAINED_BODIES
from simulator.vehicles.catalogue import MODELS
from simulator.vehicles.identity import draw_appearance
from simulator.views import VIEWS


def model_sheet(seed: int = 0) -> Image:
    """One vehicle of every body model, seen from the eight sides that labels distinguish.

    Args:
        seed: Settles paint and cues.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        MeshesMissing: No vehicle meshes.
        RendererMissing: No OpenGL.
    """
    looks = [draw_appearance(number, seed + number, model=name) for number, name in enumerate(MODELS, 1)]
    room = Showroom()
    width, height = room.cell_px
    picture = render_showroom(looks, room)
    rows = []
    for number, look in enumerate(looks):
        strip = picture[number * height : (number + 1) * height]
        cells = tuple(Cell(strip[:, left : left + width]) for left in range(0, strip.shape[1], width))
        use = "never in training" if look.model in UNTRAINED_BODIES else f"{MODELS[look.model].length_m:g} m"
        rows.append(Row((look.model, look.kind, look.colour, use), cells))
    heading = f"{len(rows)} body models, seed {seed}"
    return draw_sheet(rows, Layout(room.cell_px, 150, 0, (heading,), VIEWS))
