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
    rows = [r for r in map(memory.row, identity_ids) if memory.sources[r]]
    if not rows:
        return []
    similar = memory.centres[rows] @ memory.centres.T
    similar[:, memory.sources == 0] = -np.inf
    similar[np.arange(len(rows)), rows] = -np.inf
    found = []
    for row, alike in zip(rows, similar, strict=True):
        near = np.argpartition(alike, -NEAREST)[-NEAREST:] if len(alike) > NEAREST else np.arange(len(alike))
        near = near[alike[near] > -np.inf]
        looks = scorer.appearance_nats(alike[near].astype(np.float64), memory.sources[row], memory.sources[near])
        worth = near[looks > least_nats - HEADROOM]
        scored = [(merge_nats(scorer, memory, str(memory.row_ids[row]), str(memory.row_ids[r])), int(r)) for r in worth]
        best, other = max(scored, default=(-np.inf, -1))
        if best > least_nats:
            found.append((best, str(memory.row_ids[row]), str(memory.row_ids[other])))
    return [(one, other) for _, one, other in sorted(found, key=lambda f: (-f[0], f[1]))]


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
    similarity = np.float64(memory.centres[rows[0]] @ memory.centres[rows[1]])
    looks = float(scorer.appearance_nats(np.asarray(similarity), *sources))
    return looks + scorer.joint_path_nats(*rows)
