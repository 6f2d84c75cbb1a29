"""The true topology: what really happened between one camera and the next. Arithmetic on passages only."""

from __future__ import annotations

import numpy as np

from simulator.recording.model import Link
from simulator.recording.passages import Passages

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def links_of(passages: Passages, names: tuple[str, ...]) -> tuple[Link, ...]:
    """Transitions between consecutive passages of each vehicle.

    Args:
        passages: With true times.
        names: Of the cameras.
    """
    order = np.lexsort((passages.end_s, passages.start_s, passages.vehicle))
    vehicle, camera = passages.vehicle[order], passages.camera[order]
    start, end = passages.start_s[order], passages.end_s[order]
    follows = np.flatnonzero(vehicle[1:] == vehicle[:-1])
    source, target = camera[follows], camera[follows + 1]
    travel = start[follows + 1] - end[follows]
    left = np.bincount(source, minlength=len(names))
    links = []
    pair = source * len(names) + target
    grouped = np.argsort(pair, kind="stable")
    begins = np.flatnonzero(np.diff(pair[grouped], prepend=-1))
    for rows in np.split(grouped, begins[1:]) if len(begins) else []:
        a, b = int(source[rows[0]]), int(target[rows[0]])
        q5, q25, q50, q75, q95 = (round(value, 3) for value in np.quantile(travel[rows], _QUANTILES).tolist())
        overlap = round(float((travel[rows] < 0).mean()), 4)
        share = round(len(rows) / int(left[a]), 4)
        links.append(Link(names[a], names[b], len(rows), share, (q5, q25, q50, q75, q95), overlap))
    return tuple(links)
