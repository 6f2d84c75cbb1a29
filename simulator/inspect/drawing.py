"""Text, boxes and grids on pictures, legible at their own size. Arrays only, uint8 RGB."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

INK: Colour = (235, 238, 242)
DIM: Colour = (150, 158, 168)
PAPER: Colour = (24, 27, 31)
_PANEL: Colour = (38, 42, 48)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE = 0.42
LINE_PX = 16
_PAD_PX = 4
_DASH_PX = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        caption: Lines below it.
    """

    image: Image
    caption: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet.

    Attributes:
        title: Lines to its left.
        cells: From left to right; None leaves a gap.
        mark: Colour of a bar at its left edge; rows of one colour belong together.
    """

    title: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    mark: Colour | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of a sheet's parts, px.

    Attributes:
        cell_px: Width and height of a picture.
        title_px: Width of the titles; 0 for none.
        caption_lines: Lines below every picture.
        heading: Lines at the top.
        columns: Names above the columns, if any.
    """

    cell_px: tuple[int, int] = (132, 100)
    title_px: int = 150
    caption_lines: int = 2
    heading: tuple[str, ...] = field(default=())
    columns: tuple[str, ...] = field(default=())


def put_text(image: Image, text: str, origin: tuple[int, int], colour: Colour = INK) -> None:
    """Writes one line; origin is its upper left corner. What does not fit is cut off."""
    x, y = origin
    cv2.putText(image, text, (x, y + LINE_PX - 5), _FONT, _SCALE, colour, 1, cv2.LINE_AA)


def text_width(text: str) -> int:
    """Width of a line in px."""
    return int(cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0])


def fit(image: Image, size: tuple[int, int]) -> Image:
    """A picture scaled into a cell, its shape kept, its margins dark.

    Args:
        image: uint8 (H, W, 3) with pixels.
        size: Width and height of the cell.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = cv2.resize(image, small, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    cell = np.full((size[1], size[0], 3), _PANEL, np.uint8)
    left, top = (size[0] - small[0]) // 2, (size[1] - small[1]) // 2
    cell[top : top + small[1], left : left + small[0]] = scaled
    return cell


def draw_sheet(rows: Sequence[Row], layout: Layout) -> Image:
    """A contact sheet.

    Args:
        rows: From top to bottom.
        layout: Sizes and headings.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    columns = max([len(row.cells) for row in rows] + [len(layout.columns), 1])
    step_x, step_y = layout.cell_px[0] + _PAD_PX, layout.cell_px[1] + layout.caption_lines * LINE_PX + 2 * _PAD_PX
    top = _PAD_PX + LINE_PX * (len(layout.heading) + bool(layout.columns)) + _PAD_PX
    size = (top + step_y * len(rows), layout.title_px + step_x * columns + 2 * _PAD_PX)
    sheet = np.full((*size, 3), PAPER, np.uint8)
    for number, line in enumerate(layout.heading):
        put_text(sheet, line, (2 * _PAD_PX, _PAD_PX + number * LINE_PX))
    left = layout.title_px + _PAD_PX
    for number, name in enumerate(layout.columns):
        put_text(sheet, name, (left + number * step_x, top - LINE_PX - 2), DIM)
    for number, row in enumerate(rows):
        _draw_row(sheet, row, layout, (left, top + number * step_y))
    return sheet


def _draw_row(sheet: Image, row: Row, layout: Layout, origin: tuple[int, int]) -> None:
    left, top = origin
    width, height = layout.cell_px
    if row.mark is not None:
        cv2.rectangle(sheet, (0, top), (3, top + height + layout.caption_lines * LINE_PX), row.mark, -1)
    for number, line in enumerate(row.title):
        put_text(sheet, line, (2 * _PAD_PX, top + number * LINE_PX), INK if number == 0 else DIM)
    for number, cell in enumerate(row.cells):
        x = left + number * (width + _PAD_PX)
        if cell is None:
            continue
        sheet[top : top + height, x : x + width] = fit(cell.image, layout.cell_px)
        for line_number, line in enumerate(cell.caption[: layout.caption_lines]):
            put_text(sheet[:, : x + width], line, (x, top + height + 1 + line_number * LINE_PX), DIM)


def colour_of(number: int) -> Colour:
    """A bright colour that neighbours in number do not share.

    >>> colour_of(1) != colour_of(2)
    True
    """
    r, g, b = colorsys.hsv_to_rgb(number * 0.381966 % 1.0, 0.65, 1.0)
    return int(r * 255), int(g * 255), int(b * 255)


def draw_box(image: Image, box: tuple[int, int, int, int], colour: Colour, *, dashed: bool = False) -> None:
    """Outlines a box in place.

    Args:
        image: uint8 (H, W, 3).
        box: x1, y1, x2, y2, px.
        colour: RGB.
        dashed: Broken lines.
    """
    x1, y1, x2, y2 = box
    if not dashed:
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1)
        return
    for start in range(x1, x2, 2 * _DASH_PX):
        for y in (y1, y2):
            cv2.line(image, (start, y), (min(start + _DASH_PX, x2), y), colour, 1)
    for start in range(y1, y2, 2 * _DASH_PX):
        for x in (x1, x2):
            cv2.line(image, (x, start), (x, min(start + _DASH_PX, y2)), colour, 1)


def draw_label(image: Image, text: str, anchor: tuple[int, int], colour: Colour) -> None:
    """Writes on a plate of the given colour whose lower left corner is the anchor, moved into the picture."""
    height, width = image.shape[:2]
    wide = text_width(text) + 4
    x = max(0, min(anchor[0], width - wide))
    y = max(0, min(anchor[1] - LINE_PX, height - LINE_PX))
    cv2.rectangle(image, (x, y), (x + wide, y + LINE_PX - 1), colour, -1)
    put_text(image, text, (x + 2, y), PAPER)
