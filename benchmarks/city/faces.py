"""How many passages show a vehicle only from the front, or only from behind: what makes re-identification hard.

The city is driven again from its seed, without pictures, to learn how each vehicle stood in each frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from simulator.city import City
from simulator.truth import TruthBox, read_truth
from simulator.views import FACES, aspect_deg, face_index

MIN_WIDTH_PX = 32
MIN_VISIBLE = 0.40
#: A vehicle that is out of sight for longer begins another passage.
MOST_GAP_S = 1.0

Pose = tuple[float, float, float]


def passages(boxes: Iterable[TruthBox], fps: float) -> list[list[TruthBox]]:
    """Truth boxes wide and visible enough, split into passages of one vehicle through one camera."""
    tracks: dict[tuple[int, int], list[TruthBox]] = defaultdict(list)
    for box in boxes:
        if box.width >= MIN_WIDTH_PX and box.visible >= MIN_VISIBLE:
            tracks[box.camera, box.vehicle_id].append(box)
    found: list[list[TruthBox]] = []
    for track in tracks.values():
        track.sort(key=lambda box: box.frame)
        found.append([track[0]])
        for box in track[1:]:
            if box.frame - found[-1][-1].frame > MOST_GAP_S * fps:
                found.append([])
            found[-1].append(box)
    return found


def face_shares(city: City, poses: Mapping[tuple[int, int], Pose]) -> dict[str, float | int]:
    """Shares of passages by the faces they show.

    Args:
        city: With its truth.
        poses: x, z (m) and yaw (rad) by (frame, vehicle), frames from 1.

    Returns:
        ``passages``, ``front_only``, ``rear_only``, and ``one_face``: their sum.
    """
    eyes = {camera.number: camera.pose["eye_m"] for camera in city.cameras}
    counts: dict[str, int] = defaultdict(int)
    tracks = passages(read_truth(city.truth_path), city.fps)
    for track in tracks:
        stood = np.array([poses[box.frame, box.vehicle_id] for box in track])
        eye = eyes[track[0].camera]
        faces = np.unique(face_index(aspect_deg((eye[0], eye[2]), stood[:, :2], stood[:, 2])))
        if len(faces) == 1:
            counts[FACES[faces[0]]] += 1
    total = max(len(tracks), 1)
    front, rear = counts["front"] / total, counts["rear"] / total
    return {
        "passages": len(tracks),
        "front_only": round(front, 4),
        "rear_only": round(rear, 4),
        "one_face": round(front + rear, 4),
    }
