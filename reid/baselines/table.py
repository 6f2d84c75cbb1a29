"""Owns the table of baselines, by the names that the command line uses. Builds them; runs none.

A new one is a file beside this one and a line in BASELINES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reid.baselines.colour import HsvHistogram, MeanPixel
from reid.baselines.maps import MapMaker
from reid.baselines.orderless import MopCnn
from reid.baselines.pooled import PooledMaps
from reid.baselines.query_adaptive import QueryAdaptive
from reid.baselines.spatial import SpatialVerification
from reid.baselines.types import Baseline
from reid.baselines.vlad import ConvMapVlad
from reid.baselines.vocabulary import VocabularyBaseline

#: Every method; those over feature maps are told who makes them.
BASELINES: Mapping[str, Callable[[MapMaker], Baseline[Any]]] = {
    "mean-pixel": lambda _: MeanPixel(),
    "hsv-histogram": lambda _: HsvHistogram(),
    "orb-ransac": lambda _: SpatialVerification("orb"),
    "sift-ransac": lambda _: SpatialVerification("sift"),
    "vocabulary-tree": lambda _: VocabularyBaseline("sift"),
    "conv-vlad": ConvMapVlad,
    "mop-cnn": MopCnn,
    "query-adaptive": QueryAdaptive,
    "spoc": lambda maps: PooledMaps(maps, "spoc", whiten=True),
    "mac": lambda maps: PooledMaps(maps, "mac", whiten=False),
    "r-mac": lambda maps: PooledMaps(maps, "r-mac", whiten=True),
    "gem": lambda maps: PooledMaps(maps, "gem", whiten=False),
}

#: Those that need no network.
WITHOUT_MAPS = ("mean-pixel", "hsv-histogram", "orb-ransac", "sift-ransac", "vocabulary-tree")
