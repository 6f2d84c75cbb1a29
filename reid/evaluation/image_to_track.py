"""Protocol `image-to-track` of VeRi-776: a query picture is answered with tracks, one vehicle in one camera each.

The distance to a track is the smallest to any of its pictures. Tracks of the query's own vehicle in its own camera are
junk, as in `image-to-image`. Ties between tracks count against the query. Rank-1 here is HIT@1 over tracks: papers that
set it beside an image CMC compare two protocols.

Source: Liu et al., "PROVID: progressive and multimodal vehicle reidentification", TMM 2018, section V.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reid.evaluation.ranking import Embedded, Floats, Ranking, Side, cosine_scores


def rank_image_to_track(query: Embedded, gallery: Embedded, tracks: Sequence[Sequence[int]]) -> Ranking:
    """The ranking of tracks for each query.

    Args:
        query: Q pictures.
        gallery: What tracks are made of.
        tracks: Rows of ``gallery`` per track, none empty; a picture in no track is never found.

    Raises:
        ValueError: There are no tracks, or one is empty.
    """
    if not tracks or not all(tracks):
        raise ValueError("image-to-track needs tracks, each with a picture")
    members = np.concatenate([np.asarray(track, np.int64) for track in tracks])
    starts = np.cumsum([0, *(len(track) for track in tracks)][:-1])
    pictures = cosine_scores(query.vectors, gallery.vectors[members])

    def scores(start: int, stop: int) -> Floats:
        nearest: Floats = np.maximum.reduceat(pictures(start, stop), starts, axis=1)
        return nearest

    firsts = gallery.side.take(members[starts])
    # A track is no picture: a query inside one is junk there by vehicle and camera.
    no_picture = np.full(len(tracks), -1, np.int64)
    columns = Side(firsts.vehicles, firsts.cameras, no_picture, firsts.rows)
    return Ranking(query.side, columns, "junk", scores)
