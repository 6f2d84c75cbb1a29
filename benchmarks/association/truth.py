"""How right identities are that came of a load. Owns that count; times nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import groupby, pairwise

from tracker.multi_camera.types import Assigned


def joined(assigned: Iterable[Assigned], vehicles: Mapping[str, int], arrived: set[str]) -> tuple[float, float]:
    """Precision and recall of steps from one sighting to the next, as far as the second is one that arrived.

    Args:
        assigned: Sightings with their identities.
        vehicles: Whose each sighting is.
        arrived: Sightings that arrived while it was measured.

    Returns:
        The share of steps within identities that are one vehicle's, and of steps of vehicles that are within one
        identity; NaN where there are none.

    >>> from types import SimpleNamespace as S
    >>> seen = [("s1", 0, "i"), ("s2", 1, "j"), ("s3", 2, "i"), ("s4", 3, "j")]
    >>> put = [S(observation=S(sighting_id=s, start_ns=t), identity_id=i) for s, t, i in seen]
    >>> joined(put, {"s1": 7, "s2": 7, "s3": 7, "s4": 8}, {"s3", "s4"})
    (0.5, 0.0)
    """
    known = sorted(assigned, key=lambda a: (a.observation.start_ns, a.observation.sighting_id))
    names = [a.observation.sighting_id for a in known]
    identities = {name: a.identity_id for name, a in zip(names, known, strict=True)}
    precision, recall = (
        _share(_steps(names, of, arrived), other) for of, other in ((identities, vehicles), (vehicles, identities))
    )
    return precision, recall


def _share(steps: list[tuple[str, str]], of: Mapping[str, Hashable]) -> float:
    """The share of steps whose two ends stand for one thing."""
    return sum(of[one] == of[other] for one, other in steps) / len(steps) if steps else float("nan")


def _steps(names: list[str], of: Mapping[str, Hashable], arrived: set[str]) -> list[tuple[str, str]]:
    """Pairs of names that follow each other among those that stand for one thing."""
    order = sorted(names, key=lambda name: str(of[name]))
    together = (pairwise(mine) for _, mine in groupby(order, key=lambda name: str(of[name])))
    return [(one, other) for steps in together for one, other in steps if other in arrived]
