"""Protocol `recall`: Recall@k with no camera filter, as In-shop retrieval has it; a query never finds itself.

Source: Liu et al., "DeepFashion", CVPR 2016, section 4.2 (top-k retrieval accuracy).
"""

from __future__ import annotations

from reid.evaluation.ranking import Embedded, Ranking, cosine_scores
from reid.evaluation.rerank import Rerank, rerank_top

#: The k that In-shop papers print.
RECALL_AT = (1, 10, 20, 30, 40, 50)


def rank_everything(query: Embedded, gallery: Embedded, rerank: Rerank | None = None) -> Ranking:
    """The ranking of the whole gallery for each query."""
    reorder = rerank_top(query.vectors, gallery.vectors, rerank) if rerank else None
    return Ranking(query.side, gallery.side, "everything", cosine_scores(query.vectors, gallery.vectors), reorder)
