"""How much of a vehicle's look the revisions of a sighting show before it is closed. Owns what is learned of that.

An early revision is embedded from fewer, smaller pictures. All revisions of a sighting show the same vehicle, so how
alike they are says, without anybody's labels, how much of a similarity is lost to the poorer pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from tracker.multi_camera.scoring.camera_means import LINK_PREFIX
from tracker.multi_camera.types import Observation

#: Revisions told apart: the first, and all later ones.
KINDS = 2
#: Agreement expected before any was seen, and how many sightings that counts as.
PRIOR, PRIOR_STRENGTH = 0.9, 10.0
#: It goes with the model, and is no camera's, whose names hold no slash.
LINK = f"{LINK_PREFIX}/agreement"


class Agreement:
    """Mean similarity of a revision to the one after it, by which revision it is."""

    def __init__(self) -> None:
        self._counts = [0.0] * KINDS
        self._sums = [0.0] * KINDS
        self._changed = False

    def learn(self, before: Observation, after: Observation) -> None:
        """Takes in two revisions of one sighting, one after the other, by the same model."""
        if before.final or before.embedding.shape != after.embedding.shape:
            return
        kind = _kind(before)
        self._counts[kind] += 1.0
        self._sums[kind] += float(before.embedding @ after.embedding)
        self._changed = True

    def reliability(self, observation: Observation) -> float:
        """Share of the similarity between closed sightings of a vehicle that is left with this one, in [0, 1]."""
        if observation.final:
            return 1.0
        kind = _kind(observation)
        mean = (self._sums[kind] + PRIOR * PRIOR_STRENGTH) / (self._counts[kind] + PRIOR_STRENGTH)
        return float(np.clip(mean, 0.0, 1.0))

    def drain_links(self) -> dict[str, str]:
        """What changed since the last call, by name, as JSON text."""
        changed, self._changed = self._changed, False
        return self.all_links() if changed else {}

    def all_links(self) -> dict[str, str]:
        """All that was learned, by name, as JSON text."""
        if not any(self._counts):
            return {}
        return {LINK: json.dumps({"kind": "agreement", "counts": self._counts, "sums": self._sums})}

    def load(self, links: Mapping[str, str]) -> None:
        """Takes over what was learned from JSON text.

        Raises:
            ValueError: The entry is not what this class writes.
        """
        if LINK not in links:
            return
        try:
            state = json.loads(links[LINK])
            self._counts = [float(state["counts"][k]) for k in range(KINDS)]
            self._sums = [float(state["sums"][k]) for k in range(KINDS)]
        except (ValueError, KeyError, IndexError, TypeError) as exc:
            raise ValueError(f"agreement of revisions cannot be read: {exc}") from exc
        self._changed = False


def _kind(observation: Observation) -> int:
    return min(max(observation.revision, 1), KINDS) - 1
