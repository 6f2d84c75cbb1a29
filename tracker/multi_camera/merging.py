"""Whether two identities are one vehicle. Owns that comparison; merges nothing."""

from __future__ import annotations

import numpy as np

from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.score import Scorer


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
    return scorer.appearance_nats(
        float((a @ b.T).mean()), max(int(memory.sources[r]) for r in rows)
    ) + scorer.joint_path_nats(*rows)
