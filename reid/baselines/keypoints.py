"""Local features of a picture: ORB or SIFT keypoints with their descriptors. Compares nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.types import Image

Detector = Literal["orb", "sift"]

#: Longer side that pictures are brought to, px: crops of far vehicles are too small to have keypoints.
_SIDE_PX = 192
_MOST = 250


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """Keypoints of one picture.

    Attributes:
        points_px: float32 (N, 2), x and y in the resized picture.
        descriptors: uint8 (N, 128) of SIFT, (N, 32) of ORB (256 bits).
    """

    points_px: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def floats(self) -> NDArray[np.float32]:
        """Descriptors in a space where Euclidean distance makes sense: RootSIFT (N, 128), or ORB's bits (N, 256).

        Source:
            Arandjelović, Zisserman 2012, "Three Things Everyone Should Know to Improve Object Retrieval", section 3.
        """
        if self.descriptors.shape[1] == 32:
            return np.unpackbits(self.descriptors, axis=1).astype(np.float32)
        wide = self.descriptors.astype(np.float32)
        rooted: NDArray[np.float32] = np.sqrt(wide / np.maximum(wide.sum(axis=1, keepdims=True), 1e-12))
        return rooted


_MAKERS: Mapping[Detector, Callable[[], Any]] = {
    "orb": lambda: cv2.ORB.create(nfeatures=_MOST, edgeThreshold=12, patchSize=24, fastThreshold=8),
    "sift": lambda: cv2.SIFT.create(nfeatures=_MOST, contrastThreshold=0.02),
}
_WIDTHS: Mapping[Detector, int] = {"orb": 32, "sift": 128}


def local_features(picture: Image, detector: Detector) -> LocalFeatures:
    """Finds the strongest keypoints.

    Args:
        picture: uint8 (H, W, 3) BGR; resized to a longer side of 192 px.
        detector: "orb" or "sift".

    Returns:
        At most 250 keypoints; none in a picture without texture.

    Source:
        Rublee et al. 2011, "ORB: an Efficient Alternative to SIFT or SURF"; Lowe 2004, "Distinctive Image Features from
        Scale-Invariant Keypoints". As OpenCV has them.
    """
    factor = _SIDE_PX / max(picture.shape[:2])
    size = (max(16, round(picture.shape[1] * factor)), max(16, round(picture.shape[0] * factor)))
    grey = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2GRAY)
    found, descriptors = _MAKERS[detector]().detectAndCompute(grey, None)
    if descriptors is None or not found:
        return LocalFeatures(np.zeros((0, 2), np.float32), np.zeros((0, _WIDTHS[detector]), np.uint8))
    points = np.array([keypoint.pt for keypoint in found], np.float32)
    return LocalFeatures(points[:_MOST], descriptors[:_MOST].astype(np.uint8))
