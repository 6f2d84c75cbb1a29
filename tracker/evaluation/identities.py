"""Scores labels of whole tracklets: IDF1 as for their boxes, and who was rightly taken for new. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tracker.evaluation.truth import SECOND_NS, TruthTracklet
from tracker.metrics.mtmc import spans

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def tracklet_idf1(tracklets: Sequence[TruthTracklet], labels: Sequence[object], min_cameras: int = 2) -> float:
    """IDF1 of truth tracklets under predicted labels; what ``evaluate_mtmc`` says of their boxes.

    Vehicles with boxes in fewer than ``min_cameras`` cameras are not asked for, but stay as false positives; predicted
    identities in fewer cameras are dropped. Boxes of a tracklet that weigh nothing count nowhere.

    Args:
        tracklets: N truth tracklets.
        labels: N predicted identities; None where nothing was published.
        min_cameras: 2 for ``idf1``, 1 for ``idf1_all``.

    Returns:
        In [0, 1]; 0 where truth or prediction is empty.

    Source: Ristani et al., "Performance measures and a data set for multi-target, multi-camera tracking" (2016); the
        camera rule as in CityFlow.

    >>> def seen(camera, vehicle):
    ...     return TruthTracklet(camera, vehicle, 0, 1, 10, (0, 0), (1, 1))
    >>> tracklet_idf1([seen("a", 1), seen("b", 1), seen("a", 2)], ["x", "x", "y"])
    1.0
    """
    counted = [i for i, t in enumerate(tracklets) if t.boxes > 0]
    weight = np.array([tracklets[i].boxes for i in counted], np.float64)
    vehicle = _codes([tracklets[i].vehicle_id for i in counted])
    camera = _codes([tracklets[i].camera_id for i in counted])
    published = np.array([labels[i] is not None for i in counted], bool)
    identity = np.full(len(counted), -1, np.int64)
    identity[published] = _codes([labels[i] for i in counted if labels[i] is not None])

    asked = spans(vehicle, camera, np.ones(len(counted), bool), min_cameras)
    kept = spans(identity, camera, published, min_cameras)
    total = float(weight[asked].sum() + weight[kept].sum())
    both = asked & kept
    right = _agreement(vehicle[both], identity[both], weight[both])
    return 2 * right / total if total else 0.0


def _codes(names: Sequence[object]) -> Ints:
    number: dict[object, int] = {}
    return np.array([number.setdefault(name, len(number)) for name in names], np.int64)


def _agreement(vehicle: Ints, identity: Ints, weight: Floats) -> float:
    """Weight in agreement under the best one-to-one assignment, solved for each connected part alone."""
    if not len(vehicle):
        return 0.0
    v, vehicle = np.unique(vehicle, return_inverse=True)
    p, identity = np.unique(identity, return_inverse=True)
    shape = (len(v), len(p))
    together = coo_array((weight, (vehicle, identity)), shape=shape).tocsr()
    together.sum_duplicates()
    rows, columns = together.nonzero()
    values = together.data
    n = len(v) + len(p)
    graph = coo_array((np.ones(len(rows)), (rows, columns + len(v))), shape=(n, n))
    parts, part = connected_components(graph, directed=False)
    order = np.argsort(part[rows], kind="stable")
    bounds = np.searchsorted(part[rows][order], np.arange(parts + 1))
    total = 0.0
    for begin, end in pairwise(bounds.tolist()):
        chosen = order[begin:end]
        if len(chosen):
            total += _best(rows[chosen].astype(np.int64), columns[chosen].astype(np.int64), values[chosen])
    return total


def _best(rows: Ints, columns: Ints, values: Floats) -> float:
    r, rows = np.unique(rows, return_inverse=True)
    c, columns = np.unique(columns, return_inverse=True)
    if min(len(r), len(c)) == 1:
        return float(values.max())
    dense = np.zeros((len(r), len(c)))
    dense[rows, columns] = values
    return float(dense[linear_sum_assignment(dense, maximize=True)].sum())


@dataclass(frozen=True, slots=True)
class NewVehicles:
    """How well vehicles never seen before were told from known ones; both in [0, 1], nan where there is none."""

    precision: float
    recall: float


def truth_new(tracklets: Sequence[TruthTracklet], retention_s: float) -> NDArray[np.bool_]:
    """Which tracklets are of a vehicle that nobody can know: no earlier tracklet of it lies within retention, (N,)."""
    last_end_ns: dict[int, int] = {}
    result = np.zeros(len(tracklets), bool)
    for i in sorted(range(len(tracklets)), key=lambda i: (tracklets[i].start_ns, i)):
        tracklet = tracklets[i]
        before = last_end_ns.get(tracklet.vehicle_id)
        result[i] = before is None or tracklet.start_ns - before > retention_s * SECOND_NS
        last_end_ns[tracklet.vehicle_id] = max(before or 0, tracklet.end_ns)
    return result


def new_vehicles(truth: NDArray[np.bool_], said: Sequence[bool | None]) -> NewVehicles:
    """Precision and recall of "new".

    Args:
        truth: bool (N,), of :func:`truth_new`.
        said: N answers: new, not new, or None for ambiguous, which is wrong whatever the truth is.

    >>> new_vehicles(np.array([True, True, False]), [True, None, None])
    NewVehicles(precision=0.5, recall=0.5)
    """
    counts: dict[str, int] = defaultdict(int)
    for right, answer in zip(truth.tolist(), said, strict=True):
        called = answer is True or (answer is None and not right)
        counts["hit"] += right and called
        counts["called"] += called
        counts["new"] += right
    nan = float("nan")
    return NewVehicles(
        counts["hit"] / counts["called"] if counts["called"] else nan,
        counts["hit"] / counts["new"] if counts["new"] else nan,
    )
