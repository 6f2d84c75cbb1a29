"""Whether two identities are one vehicle. Owns that comparison; merges nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.score import Scorer
from tracker.multi_camera.travel import Floats

#: Identities nearest by appearance that are looked at as possible twins of one.
NEAREST = 4
#: Nats that time and zones may add at most for a pair to be looked at.
HEADROOM = 2.0

#: Nats, and the two identities they speak of.
Twins = tuple[float, str, str]


def twins(scorer: Scorer, memory: IdentityMemory, identity_ids: Sequence[str], least_nats: float) -> list[Twins]:
    """Pairs of identities that may be one vehicle.

    Args:
        scorer: Judges them.
        memory: Holds them.
        identity_ids: First of each pair.
        least_nats: Pairs with less evidence are left out.

    Returns:
        For each identity its most probable twin, if it has one, in the order given.
    """
    rows = np.array([r for r in map(memory.row, identity_ids) if memory.sources[r]], np.intp)
    if not len(rows):
        return []
    similar = memory.centres[rows] @ memory.centres.T
    similar[:, memory.sources == 0] = -np.inf
    similar[np.arange(len(rows)), rows] = -np.inf
    count = min(NEAREST, similar.shape[1])
    near = np.argpartition(similar, -count, axis=1)[:, -count:]
    alike = np.take_along_axis(similar, near, axis=1).astype(np.float64)
    looks = scorer.appearance_nats(alike, memory.sources[rows][:, None], memory.sources[near])
    at, k = np.nonzero((alike > -np.inf) & (looks > least_nats - HEADROOM))
    pairs = list(zip(rows[at].tolist(), near[at, k].tolist(), strict=True))
    nats = looks[at, k] + scorer.paths.joint_nats(pairs)
    best: dict[int, tuple[float, int]] = {}
    for (row, other), value in zip(pairs, nats.tolist(), strict=True):
        best[row] = max(best.get(row, (least_nats, -1)), (value, other))
    found = [(value, row, other) for row, (value, other) in best.items() if other >= 0]
    return [(value, str(memory.row_ids[row]), str(memory.row_ids[other])) for value, row, other in found]


def merge_nats(scorer: Scorer, memory: IdentityMemory, one: str, other: str) -> float:
    """Evidence that two remembered identities are the same vehicle.

    Appearance is judged once over all sightings. Time is the sum over the transitions of the joint path less those of
    the two paths apart.

    Returns:
        Nats; -inf when one camera saw both at the same time, or there is nothing to compare.
    """
    rows = memory.row(one), memory.row(other)
    sources = memory.sources[list(rows)]
    if not sources.all():
        return -np.inf
    similarity: Floats = np.asarray(memory.centres[rows[0]] @ memory.centres[rows[1]], np.float64)
    looks = float(scorer.appearance_nats(similarity, sources[0], sources[1]))
    return looks + float(scorer.paths.joint_nats([rows])[0])
