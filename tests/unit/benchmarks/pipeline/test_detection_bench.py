import numpy as np
import pytest

from benchmarks.pipeline.detection import DetectorBench, _Truth, city_scores, judge_detectors
from detector.types import Detections
from simulator.truth import TruthBox


def found(*rows):
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([r[1] for r in rows], np.float32), np.array([r[2] for r in rows], np.int64))


CAR, TRUCK = 2, 7
NEAR = [0, 0, 40, 30]
FAR = [100, 0, 110, 8]


def truth(*boxes):
    rows = tuple(TruthBox(1, number, 1, x1, y1, x2 - x1, y2 - y1, 1.0) for number, (x1, y1, x2, y2) in enumerate(boxes))
    return _Truth(rows, dict.fromkeys(range(len(rows)), "car"))


def test_a_small_vehicle_need_not_be_found_but_may_be():
    for rows in ([(NEAR, 0.9, CAR)], [(NEAR, 0.9, CAR), (FAR, 0.95, CAR)]):
        assert city_scores([found(*rows)], [truth(NEAR, FAR)]) == {"map": 1.0, "ap50": 1.0, "ap_vehicle": 1.0}


def test_a_wrong_class_costs_map_and_not_the_pooled_precision():
    scores = city_scores([found((NEAR, 0.9, TRUCK))], [truth(NEAR)])
    assert scores["map"] == 0.0
    assert scores["ap_vehicle"] == 1.0


def test_precisions_are_judged_side_by_side(tmp_path):
    class Blind:
        def __init__(self, settings):
            self.settings = settings

        def detect(self, pictures):
            return [found() for _ in pictures]

    opened = []

    def opener(settings):
        opened.append((settings.precision, settings.input_hw))
        return Blind(settings)

    document = judge_detectors(DetectorBench(sizes=((256, 160),), every=300), opener, lambda *_: None)
    assert opened == [("fp32", (160, 256)), ("int8", (160, 256))]
    row = document["sizes"]["256x160"]
    assert document["pictures"] == {"city": 12, "real": 0}
    assert row["fp32"]["map"] == row["int8"]["map"] == 0.0
    assert row["within_allowed"]


def test_a_clip_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no picture"):
        judge_detectors(DetectorBench(real=(tmp_path / "x.mp4",), every=700), lambda _: None, lambda *_: None)
