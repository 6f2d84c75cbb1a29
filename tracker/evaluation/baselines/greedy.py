"""The baseline: greedy nearest joining of tracklets. Owns nothing but appearance and the rule of exclusion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def join_greedily(
    embeddings: NDArray[np.float32],
    camera_ids: Sequence[str],
    start_ns: Sequence[int],
    end_ns: Sequence[int],
    threshold: float,
) -> NDArray[np.int64]:
    """Labels tracklets one after another with the identity whose mean vector is nearest.

    Args:
        embeddings: float32 (N, D), L2 = 1 each.
        camera_ids: N camera ids.
        start_ns: N starts, times of the first boxes.
        end_ns: N ends, times of the last boxes: still in view then.
        threshold: Least cosine similarity to join; below it a new label begins.

    Returns:
        int64 (N,), labels from 0 in the order of first use, in the order given. Tracklets that one camera saw at the
        same time, if only in one frame, never share one. Ties go to the lower label.

    Raises:
        ValueError: Lengths differ.

    >>> e = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> join_greedily(e, ["a", "b", "b"], [0, 5, 5], [4, 9, 9], 0.5).tolist()
    [0, 0, 1]
    """
    n = len(embeddings)
    if not len(camera_ids) == len(start_ns) == len(end_ns) == n:
        raise ValueError(f"lengths differ: {n}, {len(camera_ids)}, {len(start_ns)}, {len(end_ns)}")
    labels = np.full(n, -1, np.int64)
    sums = np.zeros((n, embeddings.shape[1] if n else 0), np.float64)
    norms = np.ones(n)
    known = 0
    # By camera: start, end and label of what may still be in view; starts only ascend: what has ended is done with.
    in_view: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for i in sorted(range(n), key=lambda i: (start_ns[i], i)):
        similarity = sums[:known] @ embeddings[i] / norms[:known]
        here = in_view[camera_ids[i]] = [visit for visit in in_view[camera_ids[i]] if visit[1] >= start_ns[i]]
        similarity[[label for start, _, label in here if start <= end_ns[i]]] = -np.inf
        best = int(np.argmax(similarity)) if known else -1
        if best < 0 or similarity[best] < threshold:
            best = known
            known += 1
        labels[i] = best
        sums[best] += embeddings[i]
        norms[best] = max(float(np.linalg.norm(sums[best])), 1e-12)
        here.append((start_ns[i], end_ns[i], best))
    return labels
