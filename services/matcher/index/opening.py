"""Makes the index that the configuration names. The only place that knows them all."""

from __future__ import annotations

from services.errors import ConfigError
from services.matcher.index.codes import FaissCodes, NumpyCodes
from services.matcher.index.contract import VectorIndex
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
from services.matcher.settings import MatcherSettings


def open_index(settings: MatcherSettings, dim: int) -> VectorIndex:
    """An empty index for vectors of a length.

    Raises:
        ConfigError: It needs something that is not installed or not configured.
        Unavailable: Its server does not answer.
    """
    rules = SegmentRules(tier=settings.tier, fast_from=settings.fast_from)
    match settings.index:
        case "numpy":
            return SegmentedIndex(dim, NumpyCodes, rules)
        case "faiss-gpu":
            from services.matcher.index.faiss_gpu import FaissGpuIndex

            return FaissGpuIndex(dim, rules)
        case "milvus":
            if not settings.milvus_uri:
                raise ConfigError("matcher.milvus_uri: index milvus needs it")
            from services.matcher.index.milvus import MilvusIndex

            return MilvusIndex(dim, settings.milvus_uri, settings.milvus_collection)
        case _:
            return SegmentedIndex(dim, FaissCodes, rules)
