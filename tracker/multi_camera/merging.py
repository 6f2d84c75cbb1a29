"""Whether two identities are one vehicle. Owns that comparison; merges nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.score import Scorer

#: Identities nearest by appearance that are looked at as possible twins of one.
NEAREST = 4
#: Nats that time and zones may add at most for a pair to be looked at.
HEADROOM = 2.0


def twins(
    scorer: Scorer, memory: IdentityMemory, identity_ids: Sequence[str], least_nats: float
) -> list[tuple[str, str]]:
    """Pairs of identities that may be one vehicle.

    Args:
        scorer: Judges them.
        memory: Holds them.
        identity_ids: First of each pair.
        least_nats: Pairs with less evidence are left out.

    Returns:
        For each identity its most probable twin, if it has one; those with most evidence first.
    """
    rows = [memory.row(i) for i in identity_ids]
    rows = [r for r in rows if memory.vector_counts[r]]
    if not rows:
        return []
    k, x, d = memory.vectors.shape
    counts = np.maximum(memory.vector_counts, 1)
    means = memory.vectors[rows].sum(axis=1) / counts[rows, None]
    similar = (means @ memory.vectors.reshape(k * x, d).T).reshape(len(rows), k, x).sum(axis=2) / counts
    similar[:, memory.vector_counts == 0] = -np.inf
    similar[np.arange(len(rows)), rows] = -np.inf
    found = []
    for row, alike in zip(rows, similar, strict=True):
        near = np.argsort(-alike, kind="stable")[:NEAREST]
        worth = [
            r
            for r in near
            if alike[r] > -np.inf and _looks(scorer, memory, row, int(r), alike[r]) > least_nats - HEADROOM
        ]
        scored = [(merge_nats(scorer, memory, str(memory.row_ids[row]), str(memory.row_ids[r])), int(r)) for r in worth]
        best, other = max(scored, default=(-np.inf, -1))
        if best > least_nats:
            found.append((best, str(memory.row_ids[row]), str(memory.row_ids[other])))
    return [(one, other) for _, one, other in sorted(found, key=lambda f: (-f[0], f[1]))]


def _looks(scorer: Scorer, memory: IdentityMemory, one: int, other: int, similarity: float) -> float:
    return scorer.appearance_nats(similarity, int(max(memory.sources[one], memory.sources[other])))


def merge_nats(scorer: Scorer, memory: IdentityMemory, one: str, other: str) -> float:
    """Evidence that two remembered identities are the same vehicle.

    Appearance is judged once over all exemplars. Time is the sum over the transitions of the joint path less those of
    the two paths apart.

    Returns:
        Nats; -inf when one camera saw both at the same time, or there is nothing to compare.
    """
    rows = memory.row(one), memory.row(other)
    counts = [int(memory.vector_counts[r]) for r in rows]
    if not all(counts):
        return -np.inf
    a, b = (memory.vectors[r, :n] for r, n in zip(rows, counts, strict=True))
    return _looks(scorer, memory, *rows, float((a @ b.T).mean())) + scorer.joint_path_nats(*rows)
