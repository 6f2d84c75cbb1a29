"""What two models make of the same sightings: neighbours, separation, decisions. Pure but for ids; reads no store.

Identities were found with the active model, so what is counted as "the same vehicle" leans its way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from reid.types import EmbedderSpec
from services.matcher.observations import to_observation
from services.types import Sighting
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.scoring.camera_means import LINK_PREFIX
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import IdentityMerge, Outcome

_NEAREST = 10


@dataclass(frozen=True, slots=True)
class Separation:
    """How well a model tells vehicles apart, by the identities as they stand.

    Attributes:
        same: Median cosine of two sightings of one identity; None without such a pair.
        different: Median cosine of two sightings of different identities; None without such a pair.
        auc: Probability that a pair of one identity is more alike than one of two, in [0, 1]; None as above.
    """

    same: float | None
    different: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models over the same sightings.

    Attributes:
        sightings: That both have described and whose identity is decided.
        identities: Of these.
        nearest_agreement: Share of sightings for which both models find the same nearest other; None below two.
        nearest_overlap: Mean share of their nearest ten that both find; None below two.
        active: Separation by the active model.
        other: Separation by the other.
        changed: Share of sightings that association, played over both, puts together with others; None for none.
    """

    sightings: int
    identities: int
    nearest_agreement: float | None
    nearest_overlap: float | None
    active: Separation
    other: Separation
    changed: float | None


def compare(
    decided: Sequence[tuple[Sighting, str]],
    specs: tuple[EmbedderSpec, EmbedderSpec],
    association: AssociationSettings,
    links: Mapping[str, str],
) -> Comparison:
    """Compares the active with the other model.

    Args:
        decided: Sightings that both have described, with their identities.
        specs: Of the active and of the other model.
        association: As the site decides.
        links: What it has learned; camera means are left out for both, because the other model has none yet.
    """
    names = [identity_id for _, identity_id in decided]
    sides = [[s.seen_by(spec.model_id) for s, _ in decided] for spec in specs]
    alike = [_similarities(side) for side in sides]
    agreement, overlap = _neighbours(*alike)
    places = {name: text for name, text in links.items() if not name.startswith(LINK_PREFIX)}
    parts = [_played(side, spec, association, places) for side, spec in zip(sides, specs, strict=True)]
    return Comparison(
        sightings=len(decided),
        identities=len(set(names)),
        nearest_agreement=agreement,
        nearest_overlap=overlap,
        active=_separation(alike[0], names),
        other=_separation(alike[1], names),
        changed=_changed(*parts),
    )


def _similarities(sightings: Sequence[Sighting]) -> NDArray[np.float32]:
    """Cosines, float32 (N, N); the diagonal is -inf."""
    if not sightings:
        return np.zeros((0, 0), np.float32)
    vectors = np.stack([s.embedding for s in sightings])
    alike: NDArray[np.float32] = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    return alike


def _neighbours(one: NDArray[np.float32], two: NDArray[np.float32]) -> tuple[float | None, float | None]:
    n = len(one)
    if n < 2:
        return None, None
    k = min(_NEAREST, n - 1)
    first, second = (np.argsort(-side, axis=1, kind="stable")[:, :k] for side in (one, two))
    same = float((first[:, 0] == second[:, 0]).mean())
    shared = [len(set(a) & set(b)) / k for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    return same, float(np.mean(shared))


def _separation(alike: NDArray[np.float32], names: Sequence[str]) -> Separation:
    rows, columns = np.triu_indices(len(names), 1)
    labels = np.array(names)
    together = labels[rows] == labels[columns] if len(rows) else np.zeros(0, np.bool_)
    values = alike[rows, columns]
    same, different = values[together], values[~together]
    if not len(same) or not len(different):
        return Separation(_median(same), _median(different), None)
    # Source: Mann and Whitney 1947: the area under the ROC curve is their U over the number of pairs of pairs.
    ranks = rankdata(values)[together].sum()
    auc = (ranks - len(same) * (len(same) + 1) / 2) / (len(same) * len(different))
    return Separation(_median(same), _median(different), float(auc))


def _median(values: NDArray[np.float32]) -> float | None:
    return float(np.median(values)) if len(values) else None


def _played(
    sightings: Sequence[Sighting], spec: EmbedderSpec, association: AssociationSettings, links: Mapping[str, str]
) -> dict[str, str]:
    """Whose each sighting is when association meets them anew, in the order in which they ended."""
    ids = count()
    associator = Associator(association, spec.calibration, spec.model_id, lambda: f"i{next(ids)}")
    associator.restore((), links)
    labels: dict[str, str] = {}
    for sighting in sorted(sightings, key=lambda s: (s.end_ns, s.sighting_id)):
        if associator.due(sighting.end_ns):
            _fold(associator.decide(), labels)
        associator.push(to_observation(sighting, spec.calibration.detail), sighting.end_ns)
    _fold(associator.decide(), labels)
    return labels


def _fold(outcome: Outcome, labels: dict[str, str]) -> None:
    for decision in outcome.decisions:
        labels.setdefault(decision.sighting_id, decision.identity_id)
    for change in outcome.changes:
        if isinstance(change, IdentityMerge):
            moved = [s for s, owner in labels.items() if owner == change.absorbed_id]
            labels.update(dict.fromkeys(moved, change.survivor_id))
        else:
            labels.update(dict.fromkeys(change.sighting_ids, change.new_identity_id))


def _changed(one: Mapping[str, str], two: Mapping[str, str]) -> float | None:
    """Share of sightings that are not with the same others."""
    if not one:
        return None
    groups: list[dict[str, set[str]]] = []
    for labels in (one, two):
        members: dict[str, set[str]] = {}
        for sighting_id, owner in labels.items():
            members.setdefault(owner, set()).add(sighting_id)
        groups.append(members)
    moved = sum(groups[0][one[s]] != groups[1].get(two.get(s, ""), set()) for s in one)
    return moved / len(one)
