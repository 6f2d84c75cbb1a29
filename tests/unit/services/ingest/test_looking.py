import numpy as np
import pytest

from detector.types import Detections, Frame
from services.ingest.cameras import CameraSettings
from services.ingest.input_size import REVIEW_S, SizeChooser
from services.ingest.looking import FrameLooker
from services.ingest.motion import LEAST_PIXELS, MotionGate, changed_pixels, small_grey

RNG = np.random.default_rng(3)
STREET = RNG.integers(60, 120, (90, 160, 3), dtype=np.uint8).repeat(4, axis=0).repeat(4, axis=1)
RIGHT = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


class Finder:
    """Finds one box in the left half of every picture; notes the batches."""

    def __init__(self):
        self.batches = []

    def detect(self, images):
        self.batches.append(len(images))
        box = np.array([[0, 0, 10, 10]], np.float32)
        return [Detections(box, np.ones(1, np.float32), np.full(1, 2, np.int64)) for _ in images]


def noisy(sigma=3.0):
    return np.clip(STREET + RNG.normal(0, sigma, STREET.shape), 0, 255).astype(np.uint8)


def with_vehicle(image, left):
    image = image.copy()
    image[200:232, left : left + 40] = (20, 30, 200)
    return image


def frame(image, at_s, camera="c1"):
    return Frame(camera, "s", round(at_s * 10), round(at_s * 1e9), "host", image)


def camera(camera_id="c1", **kwargs):
    return CameraSettings(id=camera_id, url=f"rtsp://h/{camera_id}", **kwargs)


@pytest.fixture
def finder():
    return Finder()


def looker_for(finder, *cameras, **kwargs):
    return FrameLooker(finder, {each.id: each for each in cameras}.get, **kwargs)


def test_a_still_camera_is_looked_at_once_a_second_whatever_its_noise(finder):
    looker = looker_for(finder, camera())
    answers = [looker.look([frame(noisy(), k / 10)], ())[0] for k in range(31)]
    assert [k for k, answer in enumerate(answers) if answer is not None] == [0, 10, 20, 30]


def test_a_vehicle_that_appears_is_looked_at_at_once(finder):
    looker = looker_for(finder, camera())
    looker.look([frame(noisy(), 0.0)], ())
    assert looker.look([frame(noisy(), 0.1)], ()) == [None]
    assert looker.look([frame(with_vehicle(noisy(), 300), 0.2)], ())[0] is not None


def test_slow_movement_adds_up(finder):
    """A step of two pixels is within the noise; the sum of steps is not."""
    looker = looker_for(finder, camera(), gate_longest_s=60.0)
    answers = [looker.look([frame(with_vehicle(noisy(), 100 + 2 * k), k / 10)], ())[0] for k in range(40)]
    assert sum(answer is not None for answer in answers) >= 4


def test_a_camera_with_followed_vehicles_is_never_gated(finder):
    looker = looker_for(finder, camera())
    image = noisy()
    assert all(looker.look([frame(image, k / 10)], {"c1"})[0] is not None for k in range(20))


@pytest.mark.parametrize(
    ("settings", "gated"),
    [
        (camera(), True),
        (camera(gate=False), False),
        (CameraSettings(id="c1", url="clip.mp4"), False),
        (CameraSettings(id="c1", url="clip.mp4", gate=True), True),
        (CameraSettings(id="c1", url="clip.mp4", realtime=True), True),
    ],
)
def test_who_is_gated(finder, settings, gated):
    looker = looker_for(finder, settings)
    image = noisy()
    looker.look([frame(image, 0.0)], ())
    assert (looker.look([frame(image, 0.1)], ()) == [None]) is gated


def test_cameras_are_batched_by_input_size_and_answered_in_order(finder):
    small = Finder()
    cameras = [camera("a"), camera("b", input_size=(256, 160)), camera("c"), camera("d", input_size=(320, 192))]
    looker = looker_for(finder, *cameras, sized={(256, 160): small})
    answers = looker.look([frame(noisy(), 0.0, name) for name in "abcd"], ())
    assert all(answer is not None for answer in answers)
    assert (finder.batches, small.batches) == ([3], [1])


def test_zones_decide_what_counts(finder):
    looker = looker_for(finder, camera("a", include=[RIGHT]), camera("b", exclude=[RIGHT]))
    answers = looker.look([frame(noisy(), 0.0, name) for name in "ab"], ())
    assert [len(answer) for answer in answers] == [0, 1]


class Sights:
    """Finds what it is told to in every picture; notes the batches."""

    def __init__(self, count):
        self.count = count
        self.batches = []
        self.shift = 0

    def detect(self, images):
        self.batches.append(len(images))
        self.shift = (self.shift + 37) % 250
        lefts = self.shift + 30.0 * np.arange(self.count, dtype=np.float32)
        boxes = np.stack([lefts, 0 * lefts, lefts + 20, 0 * lefts + 20], axis=1)
        return [Detections(boxes, np.ones(self.count, np.float32), np.full(self.count, 2, np.int64)) for _ in images]


USUAL, LARGE = (512, 288), (640, 384)


class Street:
    """Cameras whose frames come ten times a second; the larger detector finds other small vehicles than the usual."""

    def __init__(self, *cameras, large=12):
        self.now_s = 0.0
        self.names = [each.id for each in cameras]
        self.usual, self.large = Sights(6), Sights(large)
        self.chooser = SizeChooser(USUAL, (LARGE,), lambda: self.now_s)
        self.looker = looker_for(self.usual, *cameras, sized={LARGE: self.large}, chooser=self.chooser)
        self.image = noisy()

    def play(self, seconds):
        answers = []
        for _ in range(round(10 * seconds)):
            self.now_s += 0.1
            frames = [frame(self.image, self.now_s, name) for name in self.names]
            answers.append(self.looker.look(frames, self.names))
            self.chooser.review()
        return answers


def test_a_live_camera_gets_the_larger_input_by_measurement_and_is_batched_with_others_of_it():
    cameras = [camera("a"), camera("b"), CameraSettings(id="clip", url="clip.mp4"), camera("c", input_size=USUAL)]
    street = Street(*cameras)
    first = street.play(REVIEW_S - 1)
    assert street.usual.batches[0] == 4
    assert street.large.batches == []
    assert {len(answer) for answer in first[-1]} == {6}
    street.play(90)
    assert [street.looker.input_size(each) for each in cameras] == [LARGE, LARGE, USUAL, USUAL]
    street.usual.batches.clear()
    street.large.batches.clear()
    answers = street.play(0.3)
    assert [len(answer) for answer in answers[-1]] == [12, 12, 6, 6]
    assert street.large.batches == [2, 2, 2]
    assert street.usual.batches == [2, 2, 2]


def test_a_second_look_changes_no_answer_and_is_one_frame_at_a_time():
    street = Street(camera("a"), camera("b"), camera("c"))
    answers = street.play(REVIEW_S + 3)
    assert {len(answer) for frames in answers for answer in frames} == {6}
    assert set(street.large.batches) == {1}
    assert len(street.large.batches) >= 3


def test_what_no_zone_counts_is_no_reason_for_a_larger_input():
    everywhere = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    street = Street(camera("a", exclude=[everywhere]), camera("b"))
    street.play(90)
    assert [street.chooser.size_of(name) for name in "ab"] == [USUAL, LARGE]


def test_without_a_chooser_the_size_is_told_only_where_it_is_pinned(finder):
    looker = looker_for(finder, sized={(256, 160): Finder()})
    pinned, absent = camera("a", input_size=(256, 160)), camera("b", input_size=(320, 192))
    assert [looker.input_size(each) for each in (pinned, absent, camera("c"), None)] == [(256, 160), None, None, None]


def gate_that_saw(image):
    gate = MotionGate()
    gate.notices(image, 0, 10**9)
    return gate


def test_pictures_of_another_size_are_looked_at():
    seen = noisy()
    assert gate_that_saw(seen).notices(noisy()[:200], 1, 10**9)
    assert not gate_that_saw(seen).notices(noisy(), 1, 10**9)
    assert gate_that_saw(seen).notices(noisy(), -5, 10**9), "time went back"


def test_night_noise_is_no_movement_and_a_small_vehicle_is():
    a, b = (small_grey(noisy(25.0)) for _ in range(2))
    assert changed_pixels(a, b) < LEAST_PIXELS
    image = noisy(25.0)
    image[200:216, 300:332] = (200, 210, 200)
    assert changed_pixels(a, small_grey(image)) >= LEAST_PIXELS
