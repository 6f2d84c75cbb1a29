"""The live code with flat time: all links alike, all travel times as likely as before any trip. For ablation only."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.multi_camera.associate import Associator
from tracker.multi_camera.types import Observation


class FlatTimeAssociator(Associator):
    """An associator that learns how cameras see, and nothing of links; its priors of time stay what they were."""

    def _learn_links(self, own: Sequence[Observation]) -> None:
        """Takes nothing in."""
