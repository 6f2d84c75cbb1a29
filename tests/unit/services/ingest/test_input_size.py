"""Which camera gets a larger input: one with many small vehicles that both sizes see differently, given time."""

import math

import numpy as np
import pytest

from detector.types import Detections
from services.ingest.input_size import COMPARE_LATER_S, COMPARE_S, KEEP_S, RETRY_S, REVIEW_S, SizeChooser, only_here

USUAL, LARGE, LARGEST = (512, 288), (640, 384), (960, 544)
PICTURE = (1024, 576)  # twice the usual input: a vehicle narrower than 64 px is small
NONE = Detections.empty()


def found(*lefts, width=20.0, score=0.9):
    boxes = np.array([[left, 0, left + width, 20] for left in lefts], np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(lefts), score, np.float32), np.full(len(lefts), 2, np.int64))


class Site:
    """Cameras at ten frames a second, whose frames cost a detector 5 ms in the usual size and 10 ms in a larger one."""

    def __init__(self, larger=(LARGE,), others_share=0.0):
        self.now_s = 0.0
        self.others_share = others_share
        self.chooser = SizeChooser(USUAL, larger, lambda: self.now_s)
        self.looks = []
        self.changes = []
        self.views = {}

    def run(self, seconds):
        """Plays; a view is a function of the size and the second that says what is found."""
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            self.chooser.worked(0.1 * self.others_share)
            for name, view in self.views.items():
                self._look(name, view)
            self.changes += self.chooser.review()
        return self

    def _look(self, name, view):
        size = self.chooser.size_of(name)
        self._detect(size)
        self.chooser.looked(name)
        other = self.chooser.second_look(name)
        if other is not None:
            self._detect(other)
            self.looks.append((name, other, self.now_s))
            self.chooser.compared(name, PICTURE, view(size, self.now_s), other, view(other, self.now_s))

    def _detect(self, size):
        took_s = 0.005 if size == USUAL else 0.01
        self.chooser.took(size, 1, took_s)
        self.chooser.worked(took_s)


def distant(size, now_s):
    """Ten small vehicles that drive, of which the usual size does not see two."""
    lefts = 70.0 * np.arange(10) + 30 * (round(now_s) % 50)
    return found(*(lefts[:8] if size == USUAL else lefts))


def near(size, now_s):
    """As different, but large."""
    lefts = 200.0 * np.arange(10) + 90 * (round(now_s) % 50)
    return found(*(lefts[:8] if size == USUAL else lefts), width=100.0)


def alike(size, now_s):
    """Small ones that both sizes see."""
    return found(*(70.0 * np.arange(10) + 30 * (round(now_s) % 50)))


def site(**views):
    made = Site()
    made.views = views
    return made


def test_a_camera_with_small_vehicles_seen_differently_gets_the_larger_input_and_others_do_not():
    made = site(distant=distant, near=near, alike=alike).run(60)
    assert [(change.camera_id, change.size, change.reason) for change in made.changes] == [
        ("distant", LARGE, "small vehicles")
    ]
    assert made.changes[0].small == 1.0
    assert made.changes[0].different == pytest.approx(0.2)
    assert [made.chooser.size_of(name) for name in ("distant", "near", "alike", "unknown")] == [LARGE] + 3 * [USUAL]


def test_too_few_boxes_say_nothing():
    made = site(c=lambda size, now_s: found(now_s * 50) if size == LARGE else NONE).run(60)
    assert made.changes == []


def test_what_stands_where_it_stood_counts_once():
    """Two parked cars that only the larger size finds are no reason."""

    def parked(size, now_s):
        return found(*(70.0 * np.arange(8 if size == USUAL else 10)))

    assert site(c=parked).run(120).changes == []


def test_one_frame_in_two_seconds_is_compared_and_fewer_once_enough_is_known():
    made = site(c=alike).run(120)
    gaps = np.diff([at_s for _, _, at_s in made.looks])
    assert gaps.min() >= COMPARE_S - 1e-6
    assert gaps[-1] >= COMPARE_LATER_S - 1e-6
    assert made.looks[0][2] > REVIEW_S, "not before it is known that there is time"


def test_without_time_nothing_is_compared_and_nothing_taken():
    made = Site(others_share=0.7)
    made.views = {"c": distant}
    made.run(120)
    assert made.looks == []
    assert made.chooser.size_of("c") == USUAL
    assert made.chooser.busy_share == pytest.approx(0.75, abs=0.02)


def test_a_larger_input_that_would_fill_the_time_is_not_taken():
    made = Site(others_share=0.53)
    made.views = {"c": distant}
    assert made.run(120).looks
    assert made.changes == [], "0.58 is busy now; 0.05 more would be beyond what may be"


def test_when_time_runs_out_all_go_back_as_far_as_it_takes_those_of_least_worth_first():
    """Three cameras with the larger input; then something else takes half of the time."""

    def half(size, now_s):
        return _joined(distant(size, now_s), found(*(5000 + 200.0 * np.arange(5)), width=100.0))

    made = site(a=distant, b=half, c=distant).run(90)
    assert {change.camera_id for change in made.changes} == {"a", "b", "c"}
    made.changes, made.others_share = [], 0.59
    made.run(10)
    assert [(change.camera_id, change.reason) for change in made.changes][:1] == [("b", "no time")]
    assert len(made.changes) == 3
    made.others_share = 0.0
    made.changes = []
    made.run(RETRY_S - 20)
    assert made.changes == [], "they wait before they ask again"
    made.run(60)
    assert len(made.changes) == 3


def test_one_camera_at_a_time_gets_more():
    made = site(**dict.fromkeys("abcd", distant))
    per_review = []
    for _ in range(20):
        before = len(made.changes)
        made.run(REVIEW_S)
        per_review.append(len(made.changes) - before)
    assert max(per_review) == 1
    assert sum(per_review) == 4


def test_it_is_given_up_when_small_vehicles_stay_away_and_not_at_once():
    made = site(c=distant).run(40)
    at_s = made.now_s
    assert made.chooser.size_of("c") == LARGE
    made.views = {"c": near}
    while made.chooser.size_of("c") == LARGE:
        made.run(1)
        assert made.now_s < 3600
    assert made.now_s - at_s > KEEP_S / 2
    assert made.changes[-1].reason == "no small vehicles"


def test_on_the_border_it_does_not_go_to_and_fro():
    """Shares between those that take and those that leave change nothing, on either side."""

    def middle(size, now_s):
        return _joined(
            found(*(70.0 * np.arange(3 if size == USUAL else 4) + 31 * (round(now_s) % 50))),
            found(*(5000 + 200.0 * np.arange(6) + 90 * (round(now_s) % 50)), width=100.0),
        )

    assert site(c=middle).run(300).changes == []
    made = site(c=distant).run(60)
    made.views = {"c": middle}
    made.run(600)
    assert made.chooser.size_of("c") == LARGE


def test_of_several_sizes_one_step_is_taken_after_another():
    made = Site(larger=(LARGEST, LARGE, (256, 160)))
    assert made.chooser.sizes == (USUAL, LARGE, LARGEST)
    made.views = {"c": lambda size, now_s: distant(USUAL if size in {USUAL, LARGE} else size, now_s)}
    made.run(300)
    assert made.changes == [], "the first step brings nothing"
    made = Site(larger=(LARGEST, LARGE))
    seen = {USUAL: 6, LARGE: 8, LARGEST: 10}
    made.views = {"c": lambda size, now_s: found(*(70.0 * np.arange(seen[size]) + 30 * (round(now_s) % 50)))}
    made.run(600)
    assert [change.size for change in made.changes] == [LARGE, LARGEST]


def test_without_a_larger_size_nothing_is_compared():
    made = Site(larger=())
    made.views = {"c": distant}
    assert made.run(60).looks == []


def test_a_camera_that_is_forgotten_begins_anew():
    made = site(c=distant).run(60)
    made.chooser.forget("c")
    assert made.chooser.size_of("c") == USUAL


def test_before_the_first_review_the_busy_share_is_unknown():
    assert math.isnan(SizeChooser(USUAL, (LARGE,), lambda: 0.0).busy_share)


def test_a_weak_box_excuses_and_does_not_accuse():
    sure, weak = found(0, 100), found(0, 300, score=0.15)
    alone, both = only_here(sure, weak)
    assert (alone[:, 0].tolist(), both) == ([100.0], 1)
    assert only_here(weak, sure)[1] == 0
    assert len(only_here(weak, sure)[0]) == 0


def _joined(a, b):
    return Detections(
        np.concatenate([a.boxes_xyxy, b.boxes_xyxy]),
        np.concatenate([a.scores, b.scores]),
        np.concatenate([a.class_ids, b.class_ids]),
    )
