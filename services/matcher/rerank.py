"""Puts the best matches in order once more: by their neighbours among themselves, or by what the pictures share.

Never adds a match. Similarity and probability stay what the search said; what re-ranking found is added as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.evaluation.rerank import Rerank, k_reciprocal_distances
from services.types import Match

Image = NDArray[np.uint8]
Vectors = NDArray[np.float32]

#: Pictures are compared at this height: enough for badges and stickers, little enough to be quick.
_HEIGHT_PX = 192
#: What is wider is compared at this width: no vehicle is, and a picture of 8 by a million pixels would take gigabytes.
_WIDTH_PX = 8 * _HEIGHT_PX
_FEATURES = 400
#: Lowe's ratio: a feature's best partner is this much nearer than the second.
_RATIO = 0.8
_RANSAC_PX = 6.0
#: Fewer agreeing features happen between any two vehicles and say nothing.
MIN_INLIERS = 15


def k_reciprocal(query: Vectors, candidates: Vectors, matches: Sequence[Match]) -> list[Match]:
    """Matches by k-reciprocal distance, nearest first; equal ones stay in order.

    Args:
        query: float32 (D,), unit length.
        candidates: float32 (K, D), the vector of each match.
        matches: K of them.
    """
    distances = k_reciprocal_distances(query, candidates, Rerank(top=len(matches)))
    order = np.argsort(distances, kind="stable")
    return [_noted(matches[i], "k_reciprocal", 1.0 - float(distances[i])) for i in order.tolist()]


def geometric(
    pictures: Sequence[Image], matches: Sequence[Match], crops: Callable[[Match], list[Image]]
) -> list[Match]:
    """Matches by how many local features agree with the query's pictures under one planar motion, most first.

    Below MIN_INLIERS a match counts as having none, and stands by its similarity.

    Args:
        pictures: The query's crops, uint8 (H, W, 3) BGR, at least one.
        matches: Best first.
        crops: The stored pictures of a match; none where they are gone.
    """
    asked = [_features(picture) for picture in pictures]
    counted = []
    for place, match in enumerate(matches):
        seen = [_features(crop) for crop in crops(match)]
        inliers = max((agreeing(a, b) for a in asked for b in seen), default=0)
        counted.append((-inliers if inliers >= MIN_INLIERS else 0, place, _noted(match, "inliers", float(inliers))))
    return [match for _, _, match in sorted(counted, key=lambda each: each[:2])]


def agreeing(left: tuple[Vectors, Image], right: tuple[Vectors, Image]) -> int:
    """Features that agree under one homography, found by RANSAC.

    Source: ORB (Rublee et al., ICCV 2011) with the ratio test of Lowe (IJCV 2004).
    """
    (points_a, codes_a), (points_b, codes_b) = left, right
    if min(len(codes_a), len(codes_b)) < MIN_INLIERS:
        return 0
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(codes_a, codes_b, k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < _RATIO * p[1].distance]
    if len(good) < MIN_INLIERS:
        return 0
    cv2.setRNGSeed(0)  # the same pictures give the same answer
    _, mask = cv2.findHomography(
        points_a[[m.queryIdx for m in good]], points_b[[m.trainIdx for m in good]], cv2.RANSAC, _RANSAC_PX
    )
    return 0 if mask is None else int(mask.sum())


def _features(picture: Image) -> tuple[Vectors, Image]:
    """Places (N, 2) and codes (N, 32) of a picture's local features."""
    height, width = picture.shape[:2]
    scale = min(_HEIGHT_PX / height, _WIDTH_PX / width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
    # The detector's margin must fit small crops; FAST's threshold is low because crops are soft.
    found = cv2.ORB.create(nfeatures=_FEATURES, edgeThreshold=12, patchSize=24, fastThreshold=8)
    points, codes = found.detectAndCompute(grey, None)
    if codes is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    return np.array([p.pt for p in points], np.float32), codes.astype(np.uint8)


def _noted(match: Match, name: str, value: float) -> Match:
    return replace(match, evidence={**match.evidence, name: value})
