import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.pipeline.capacity import level_of
from benchmarks.pipeline.contender import NAMES, contender
from benchmarks.pipeline.contest import compare, run_contest
from benchmarks.pipeline.faults import change_of
from benchmarks.pipeline.footage import Footage, frames_of, published, rounds, single_camera_idf1
from benchmarks.pipeline.soak import ReplayingLooker, growth_between
from detector.types import Detections
from services.cli.bench import app
from services.identity.store import CameraRecord
from simulator.errors import CityError
from simulator.truth import read_truth


def truth_rows(footage, *, broken=False):
    city = footage.load()
    rows = []
    for box in read_truth(city.truth_path):
        inside = footage.first < box.frame <= footage.first + footage.count
        if inside and city.cameras[box.camera - 1].id in footage.cameras:
            track = box.vehicle_id * 1000 + (box.frame // 10 if broken else 0)
            rows.append(
                (box.camera, track, box.frame - 1, box.left, box.top, box.left + box.width, box.top + box.height)
            )
    return rows


def test_the_published_list_is_the_whole_bundled_city():
    footage = published()
    city = footage.load()
    assert footage.frames == sum(camera.frames for camera in city.cameras) == 3000
    assert published(20).count == 20
    assert published(10_000).count == 750


def test_the_truth_itself_scores_one_and_broken_tracks_score_less():
    footage = published(120)
    assert single_camera_idf1(footage, truth_rows(footage)) == pytest.approx(1.0, abs=0.02)
    assert single_camera_idf1(footage, truth_rows(footage, broken=True)) < 0.6
    assert single_camera_idf1(footage, []) == 0.0


def test_one_vehicle_in_two_cameras_is_two():
    """Tracks of single cameras are not asked to agree between cameras."""
    footage = published(120)
    rows = [(camera, track + camera * 77, *rest) for camera, track, *rest in truth_rows(footage)]
    assert single_camera_idf1(footage, rows) == single_camera_idf1(footage, truth_rows(footage))


def test_frames_come_in_rounds_and_from_the_list_only():
    footage = Footage("demo", ("market", "north"), 3, 4)
    found = list(rounds(footage))
    assert [[frame.camera_id for frame in frames] for frames in found] == [["market", "north"]] * 4
    assert [frames[0].index for frames in found] == [3, 4, 5, 6]
    assert len(list(frames_of(footage, "market"))) == 4


def test_ratios_are_by_cpu_second_and_only_of_those_that_ran():
    document = {
        name: {"cpu_s_per_frame": value} for name, value in zip(NAMES, (0.02, 0.4, 0.05, 0.001, 0.013), strict=True)
    }
    assert compare(document) == {"ratio_to_naive": 20.0, "ratio_to_same_detector": 2.5, "share_of_bound": 0.7}
    assert compare({"naive": {"cpu_s_per_frame": 1.0}})["ratio_to_naive"] is None


def test_every_contender_can_be_found():
    assert all(callable(contender(name)) for name in NAMES)
    with pytest.raises(CityError, match="known are ours"):
        run_contest(["hare"], 10, lambda *_: None)


def test_replayed_answers_are_those_that_were_given():
    class Counting:
        def __init__(self):
            self.seen = 0

        def detect(self, images):
            self.seen += len(images)
            box = np.array([[0, 0, self.seen, 9]], np.float32)
            return [Detections(box, np.ones(1, np.float32), np.full(1, 2, np.int64)) for _ in images]

    detector = Counting()
    looker = ReplayingLooker(detector)
    footage = Footage("demo", ("market", "north"), 0, 3)
    first, second = ([looker.look(frames, ()) for frames in rounds(footage)] for _ in range(2))
    assert first == second
    assert detector.seen == 6


def test_growth_is_told_after_warm_up():
    assert growth_between([10.0] + [100.0] * 18 + [110.0] * 2) == (100.0, 110.0)


def test_the_interval_of_a_change_holds_the_change():
    rng = np.random.default_rng(1)
    told = change_of([tuple(rng.normal(0.95, 0.05, 7)) for _ in range(20)])
    low, high = told["others_ci95"]
    assert low <= told["others_change"] <= high
    assert told["others_change"] == pytest.approx(-0.05, abs=0.03)
    assert change_of([()])["others_change"] is None


def record(name, *, at_s, inferred, gated=0.0, vehicles=1.0, age_s=0.3, per_s=8.0, state="up"):
    stats = {"frames_inferred": inferred, "frames_gated": gated, "vehicles": vehicles}
    stats |= {"frame_age_p99_s": age_s, "frames_per_s": per_s}
    return CameraRecord(name, "rtsp://h", "file", state, "", round(at_s * 1e9), stats)


def test_a_level_is_held_by_rate_and_age_of_all_cameras():
    def level(**last):
        first = [record("a", at_s=0.0, inferred=0.0), record("b", at_s=0.0, inferred=0.0, vehicles=0.0, per_s=1.0)]
        return level_of([first, [record("a", at_s=10.0, inferred=80.0), record("b", at_s=10.0, **last)]])

    quiet = level(inferred=10.0, gated=90.0, vehicles=0.0, per_s=1.0)
    assert quiet == {
        "cameras": 2,
        "frame_age_p99_s": 0.3,
        "slowest_busy_per_s": 8.0,
        "mean_handled_per_s": 9.0,
        "held": True,
    }
    assert not level(inferred=30.0, per_s=3.0)["held"], "a camera with vehicles is looked at too seldom"
    assert not level(inferred=90.0, age_s=1.2)["held"]
    assert not level(inferred=90.0, state="down")["held"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pipeline", "--only", "hare", "--frames", "10"), "no contender 'hare'"),
        (("faults", "--kind", "flood"), "no fault 'flood'"),
        (("cameras", "--copies", "1,many"), "not numbers from 1 to 64"),
        (("cameras", "--city", "atlantis"), "no city 'atlantis'"),
        (("detector", "--size", "500x288"), "multiples of 32"),
        (("detector", "--city", "atlantis"), "no city 'atlantis'"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments, said):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("vreid: ")
