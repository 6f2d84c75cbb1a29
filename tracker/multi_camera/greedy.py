"""The baseline: greedy nearest joining of tracklets. Owns nothing but appearance and the rule of exclusion."""

from __future__ import annotations

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
        start_ns: N starts.
        end_ns: N ends.
        threshold: Least cosine similarity to join; below it a new label begins.

    Returns:
        int64 (N,), labels from 0 in the order of first use, in the order given. Tracklets that one camera saw at the
        same time never share one. Ties go to the lower label.

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
    means = np.zeros((n, embeddings.shape[1] if n else 0), np.float64)
    spans: list[list[tuple[str, int, int]]] = []
    for i in sorted(range(n), key=lambda i: (start_ns[i], i)):
        known = means[: len(spans)]
        norms = np.maximum(np.linalg.norm(known, axis=1), 1e-12)
        similarity = known @ embeddings[i] / norms
        busy = [
            any(c == camera_ids[i] and s < end_ns[i] and start_ns[i] < e for c, s, e in visited) for visited in spans
        ]
        similarity[np.array(busy, bool)] = -np.inf
        best = int(np.argmax(similarity)) if len(similarity) else -1
        if best < 0 or similarity[best] < threshold:
            best = len(spans)
            spans.append([])
        labels[i] = best
        means[best] += embeddings[i]
        spans[best].append((camera_ids[i], start_ns[i], end_ns[i]))
    return labels
