"""What a camera does to a rendered picture: exposure, white balance, blur, noise, compression. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sensor:
    """One camera's habits.

    Attributes:
        gain: Exposure relative to normal.
        warmth: White balance error; positive is redder.
        noise: Standard deviation in grey levels.
        blur_px: Standard deviation of the lens blur.
        jpeg_quality: Of a compression round trip; None: none.
    """

    gain: float = 1.0
    warmth: float = 0.0
    noise: float = 2.5
    blur_px: float = 0.0
    jpeg_quality: int | None = None

    def capture(self, image: Image, rng: np.random.Generator) -> Image:
        """The picture as this camera records it.

        Args:
            image: uint8 (H, W, 3) RGB.
            rng: Source of the noise.
        """
        out = image.astype(np.float32)
        if self.blur_px > 0:
            out = cv2.GaussianBlur(out, (0, 0), self.blur_px)
        out *= np.array([1 + self.warmth, 1.0, 1 - self.warmth], np.float32) * self.gain
        if self.noise > 0:
            out += rng.normal(0, self.noise, (*image.shape[:2], 1)).astype(np.float32)
            out += rng.normal(0, self.noise * 0.4, image.shape).astype(np.float32)
        captured = np.clip(out, 0, 255).astype(np.uint8)
        if self.jpeg_quality is not None:
            ok, coded = cv2.imencode(".jpg", captured[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality])
            decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR) if ok else None
            if decoded is not None:
                captured = decoded[:, :, ::-1].astype(np.uint8)
        return np.ascontiguousarray(captured)
