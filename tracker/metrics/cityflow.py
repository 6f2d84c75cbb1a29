"""Owns CityFlow's text format as arrays: one row per box. Never opens a file and never judges what it read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN_VISIBILITY = -1.0

_MIN_COLUMNS = 7
_MAX_COLUMNS = 9
_COLUMN_NAMES = ("camera", "identity", "frame", "x", "y", "width", "height", "visible share", "unused")
_INTEGER_COLUMNS = (0, 1, 2)


class CityFlowFormatError(ValueError):
    """A line that is not CityFlow text; the message names file and line."""


@dataclass(frozen=True, slots=True)
class CityFlowTracks:
    """Boxes of many vehicles in many cameras, in the order of the text.

    Attributes:
        camera: int64 (N,), camera number.
        identity: int64 (N,), vehicle number, the same in every camera.
        frame: int64 (N,), 1-based frame number of that camera.
        xywh: float64 (N, 4), left, top, width, height in source pixels.
        visible: float64 (N,), share of the box not hidden, in [0, 1], or -1 where unknown.
    """

    camera: NDArray[np.int64]
    identity: NDArray[np.int64]
    frame: NDArray[np.int64]
    xywh: NDArray[np.float64]
    visible: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.camera)
        shapes = (self.identity.shape, self.frame.shape, self.visible.shape)
        if shapes != ((n,),) * 3 or self.xywh.shape != (n, 4):
            raise ValueError(f"expected {n} rows in every array, got {shapes} and xywh {self.xywh.shape}")

    def __len__(self) -> int:
        return len(self.camera)

    def select(self, mask: NDArray[np.bool_]) -> CityFlowTracks:
        """The rows where ``mask``, bool (N,), is true, in the same order."""
        return CityFlowTracks(
            self.camera[mask], self.identity[mask], self.frame[mask], self.xywh[mask], self.visible[mask]
        )

    @classmethod
    def empty(cls) -> CityFlowTracks:
        """No box."""
        none = np.zeros(0, np.int64)
        return cls(none, none, none, np.zeros((0, 4)), np.zeros(0))


def parse_cityflow(text: str, name: str = "text", *, read_visible: bool = True) -> CityFlowTracks:
    r"""Reads ``camera identity frame x y width height [visible [unused]]``, whitespace between, one box a line.

    Args:
        text: The file's content; empty lines are skipped, line ends of any system are fine.
        name: What error messages call the file.
        read_visible: Column 8 is the visible share (truth). False ignores it: submissions keep world coordinates there.

    Returns:
        The boxes in the order of the lines; no rows for an empty text. A missing column 8 reads as unknown (-1).

    Raises:
        CityFlowFormatError: A line has too few or too many columns, something that is no number, a frame below 1, a
            size that is not positive, or a visible share outside [0, 1] other than -1.

    Source: AI City Challenge 2019-2022, Track "Multi-Camera Vehicle Tracking", ground truth format; visible share in
        column 8 is this project's use of an unused column.

    >>> tracks = parse_cityflow("1 7 1 10 20 64 48 0.5 -1\n2 7 3 0 0 40 30 -1 -1\n")
    >>> tracks.camera.tolist(), tracks.frame.tolist(), tracks.visible.tolist()
    ([1, 2], [1, 3], [0.5, -1.0])
    """
    table = _table(text, name)
    if not len(table):
        return CityFlowTracks.empty()
    visible = table[:, 7] if read_visible else np.full(len(table), UNKNOWN_VISIBILITY)
    bad = _bad_rows(table, visible)
    if bad.any():
        row = int(np.argmax(bad))
        line, _ = list(_lines(text))[row]
        raise CityFlowFormatError(f"{name}:{line}: {_complaint(table[row], float(visible[row]))}")
    integers = table[:, :3].astype(np.int64)
    return CityFlowTracks(
        integers[:, 0].copy(), integers[:, 1].copy(), integers[:, 2].copy(), table[:, 3:7].copy(), visible.copy()
    )


def format_cityflow(tracks: CityFlowTracks) -> str:
    r"""The text that ``parse_cityflow`` reads, sizes with two decimals, one line a box.

    >>> format_cityflow(parse_cityflow("1 7 1 10 20 64 48.25"))
    '1 7 1 10.00 20.00 64.00 48.25 -1 -1\n'
    """
    rows = zip(
        tracks.camera.tolist(),
        tracks.identity.tolist(),
        tracks.frame.tolist(),
        tracks.xywh.tolist(),
        tracks.visible.tolist(),
        strict=True,
    )
    return "".join(f"{c} {i} {f} {x:.2f} {y:.2f} {w:.2f} {h:.2f} {v:.4g} -1\n" for c, i, f, (x, y, w, h), v in rows)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(1-based line number, columns) of every line that holds something."""
    for number, line in enumerate(text.splitlines(), start=1):
        columns = line.split()
        if columns:
            yield number, columns


def _table(text: str, name: str) -> NDArray[np.float64]:
    """float64 (N, 9); columns that a line lacks are -1."""
    rows: list[list[str]] = []
    for number, columns in _lines(text):
        if not _MIN_COLUMNS <= len(columns) <= _MAX_COLUMNS:
            raise CityFlowFormatError(
                f"{name}:{number}: expected {_MIN_COLUMNS} to {_MAX_COLUMNS} columns, got {len(columns)}"
            )
        rows.append(columns + ["-1"] * (_MAX_COLUMNS - len(columns)))
    try:
        return np.array(rows, dtype=np.float64).reshape(-1, _MAX_COLUMNS)
    except ValueError:
        raise CityFlowFormatError(f"{name}:{_first_non_number(text)}") from None


def _first_non_number(text: str) -> str:
    for number, columns in _lines(text):
        for column, value in enumerate(columns):
            try:
                float(value)
            except ValueError:
                return f"{number}: {_COLUMN_NAMES[column]} is not a number: {value[:20]!r}"
    return "?: not a number"


def _bad_rows(table: NDArray[np.float64], visible: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows that hold a value outside its range: bool (N,)."""
    integers = table[:, _INTEGER_COLUMNS]
    whole = (integers == np.floor(integers)) & (np.abs(integers) <= 2**31)
    sizes = (table[:, 5] > 0) & (table[:, 6] > 0)
    shares = (visible == UNKNOWN_VISIBILITY) | ((visible >= 0) & (visible <= 1))
    good = np.column_stack([np.isfinite(table), whole, table[:, 2] >= 1, sizes, shares]).all(axis=1)
    return np.logical_not(good)


def _complaint(row: NDArray[np.float64], visible: float) -> str:
    """What is wrong with a row that ``_bad_rows`` found."""
    values = [float(value) for value in row]
    for column, value in enumerate(values):
        if not math.isfinite(value):
            return f"{_COLUMN_NAMES[column]} is not finite: {value}"
        if column in _INTEGER_COLUMNS and value != math.floor(value):
            return f"{_COLUMN_NAMES[column]} is not a whole number: {value:g}"
    if values[2] < 1:
        return f"frame numbers start at 1, got {values[2]:g}"
    if values[5] <= 0 or values[6] <= 0:
        return f"width and height must be > 0, got {values[5]:g} and {values[6]:g}"
    if visible != UNKNOWN_VISIBILITY and not 0 <= visible <= 1:
        return f"visible share must be in [0, 1] or -1, got {visible:g}"
    return "a number is too large"
