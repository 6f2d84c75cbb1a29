"""Protocol `image-to-image` of VeRi-776, VERI-Wild, CityFlow-ReID and Market-1501: junk is dropped per query.

Junk is what shows the query's own vehicle in the query's own camera: finding it again there proves nothing. Queries
without a right answer left are skipped.

Source: Zheng et al., ICCV 2015, section 4; Liu et al., ICME 2016.
"""

from __future__ import annotations

from reid.evaluation.ranking import Embedded, Ranking, cosine_scores
from reid.evaluation.rerank import Rerank, rerank_top


def rank_image_to_image(query: Embedded, gallery: Embedded, rerank: Rerank | None = None) -> Ranking:
    """The ranking of gallery pictures for each query."""
    reorder = rerank_top(query.vectors, gallery.vectors, rerank) if rerank else None
    return Ranking(query.side, gallery.side, "junk", cosine_scores(query.vectors, gallery.vectors), reorder)
