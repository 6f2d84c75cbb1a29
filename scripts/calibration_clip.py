"""Makes detector/calibration/city.mp4 from rendered cities: two pictures of every camera, in random order.

Usage: python scripts/calibration_clip.py OUT.mp4 CITY_FOLDER [CITY_FOLDER ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import av
import cv2
import numpy as np

from simulator.city import load_city

PICTURES, SIZE, SEED = 112, (640, 360), 7


def main(out: Path, folders: list[Path]) -> None:
    """Writes the clip."""
    pictures = []
    for folder in folders:
        for camera in load_city(folder).cameras:
            for share in (0.25, 0.75):
                capture = cv2.VideoCapture(str(camera.path))
                for _ in range(int(share * camera.frames)):
                    capture.grab()
                read, picture = capture.read()
                capture.release()
                if read:
                    pictures.append(cv2.resize(picture, SIZE))
    order = np.random.default_rng(SEED).permutation(len(pictures))[:PICTURES]
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "24", "g": "1", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in order:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pictures[index], format="bgr24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), [Path(text) for text in sys.argv[2:]])
