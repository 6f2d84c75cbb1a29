"""Whether two identities are one vehicle. Owns that comparison; merges nothing."""

from __future__ import annotations

import numpy as np

from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.score import Scorer

#: Identities nearest by appearance that are looked at as possible twins of one.
NEAREST = 8


def twin(scorer: Scorer, memory: IdentityMemory, identity_id: str) -> tuple[str, float] | None:
    """The identity that is most probably the same vehicle as another.

    Returns:
        It and the evidence in nats, None when no other can be it.
    """
    row = memory.row(identity_id)
    count = int(memory.vector_counts[row])
    if not count:
        return None
    k, x, d = memory.vectors.shape
    mean = memory.vectors[row, :count].mean(axis=0)
    similar = (memory.vectors.reshape(k * x, d) @ mean).reshape(k, x).sum(axis=1) / np.maximum(memory.vector_counts, 1)
    similar[memory.vector_counts == 0] = -np.inf
    similar[row] = -np.inf
    nearest = [str(memory.row_ids[r]) for r in np.argsort(-similar, kind="stable")[:NEAREST] if similar[r] > -np.inf]
    scored = [(merge_nats(scorer, memory, identity_id, other), other) for other in nearest]
    best, other = max(scored, default=(-np.inf, ""))
    return None if best == -np.inf else (other, best)


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
