"""Whether two identities are one vehicle. Owns that comparison; merges nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracker.multi_camera.arrays import Floats
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.score import Scorer
from tracker.multi_camera.types import Observation

#: Identities nearest by appearance that are looked at as possible twins of one.
NEAREST = 4
#: Identities most like a sighting among which those nearest to its own are looked for.
COMPARED = 128
#: Nats that time and zones may add at most for a pair to be looked at.
HEADROOM = 2.0

#: Nats, and the two identities they speak of.
Twins = tuple[float, str, str]


def twins(scorer: Scorer, memory: IdentityMemory, closed: Sequence[Observation], least_nats: float) -> list[Twins]:
    """Pairs of identities that may be one vehicle.

    Args:
        scorer: Judges them.
        memory: Holds them.
        closed: Sightings; the identity of each is the first of a pair. Looked at as the second are those that look like
            the sighting.
        least_nats: Pairs with less evidence are left out.

    Returns:
        For each identity its most probable twin, if it has one, by sighting.
    """
    rows = [-1 if (owner := memory.owner(o.sighting_id)) is None else memory.row(owner) for o in closed]
    near = scorer.nearest(closed)
    ends = np.searchsorted(near.of, np.arange(len(closed) + 1)).tolist()
    pairs: list[tuple[int, int]] = []
    looks: list[Floats] = []
    seen: set[int] = set()
    for row, begin, end in zip(rows, ends, ends[1:], strict=False):
        others = near.rows[begin:end]
        if row < 0 or not memory.sources[row] or row in seen:
            continue
        if len(others) > COMPARED:
            others = others[np.argpartition(near.similarity[begin:end], -COMPARED)[-COMPARED:]]
        alike = memory.centres[others] @ memory.centres[row]
        alike[others == row] = -np.inf
        best = np.argpartition(alike, -NEAREST)[-NEAREST:] if len(alike) > NEAREST else np.arange(len(alike))
        best = best[alike[best] > -np.inf]
        others = others[best]
        detail = memory.details[row] * memory.details[others]
        nats = scorer.appearance_nats(
            alike[best].astype(np.float64), memory.sources[row], memory.sources[others], detail
        )
        worth = np.flatnonzero(nats > least_nats - HEADROOM)
        if len(worth):
            seen.add(row)
            pairs += [(row, other) for other in others[worth].tolist()]
            looks.append(nats[worth])
    if not pairs:
        return []
    nats = np.concatenate(looks) + scorer.paths.joint_nats(pairs)
    found: dict[int, tuple[float, int]] = {}
    for (row, other), value in zip(pairs, nats.tolist(), strict=True):
        found[row] = max(found.get(row, (least_nats, -1)), (value, other))
    return [(v, str(memory.row_ids[row]), str(memory.row_ids[r])) for row, (v, r) in found.items() if r >= 0]


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
    detail = float(memory.details[rows[0]] * memory.details[rows[1]])
    looks = float(scorer.appearance_nats(similarity, sources[0], sources[1], detail))
    return looks + float(scorer.paths.joint_nats([rows])[0])
