"""The live code with flat time: all links alike, all travel times as likely as before any trip. For ablation only."""

from __future__ import annotations

from tracker.multi_camera.associate import Associator


class FlatTimeAssociator(Associator):
    """An associator that learns how cameras see, and nothing of links; its priors of time stay what they were."""

    learns_links = False
