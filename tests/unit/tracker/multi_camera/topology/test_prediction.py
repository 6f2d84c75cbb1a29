from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.links.travel import log_duration
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.prediction import predict_next


@pytest.fixture
def fork(vehicles):
    """From a, two thirds go to b in about ten seconds and one third to c in about a minute; nobody goes on."""
    rng = np.random.default_rng(5)
    topology = Topology(AssociationSettings())
    for i in range(60):
        t = 100.0 * i
        to, usual_s = ("c", 60.0) if i % 3 == 0 else ("b", 10.0)
        came_s = t + usual_s * rng.lognormal(0, 0.1)
        before = vehicles.see(f"x{i}", i, "a", t - 3, t)
        after = vehicles.see(f"y{i}", i, to, came_s, came_s + 3)
        topology.arrive(before)
        topology.arrive(after)
        topology.conclude([(before, []), (after, [(before, 12.0)])])
    return topology


def by_camera(prediction):
    return {arrival.camera_id: arrival for arrival in prediction.arrivals}


@pytest.mark.parametrize("since_s", [-5.0, 0.0, 3.0, 30.0, 1e4])
def test_probabilities_add_up(fork, since_s):
    prediction = predict_next(fork, "a", since_s)
    assert sum(a.probability for a in prediction.arrivals) + prediction.not_again == pytest.approx(1.0)
    for arrival in prediction.arrivals:
        assert max(since_s, 0.0) <= arrival.low_s <= arrival.median_s <= arrival.high_s


def test_a_vehicle_that_just_left_goes_where_most_go_and_as_fast(fork):
    prediction = predict_next(fork, "a", 1.0)
    assert [a.camera_id for a in prediction.arrivals[:2]] == ["b", "c"]
    near, far = prediction.arrivals[:2]
    assert near.probability > 1.3 * far.probability
    assert near.median_s == pytest.approx(10.0, rel=0.2)
    assert near.low_s < 10.0 < near.high_s
    assert far.median_s == pytest.approx(60.0, rel=0.25)
    assert near.trips == pytest.approx(40, abs=4)


def test_time_without_a_sighting_speaks_for_the_far_camera_and_then_for_none(fork):
    later, much_later = predict_next(fork, "a", 30.0), predict_next(fork, "a", 3600.0)
    assert by_camera(later)["c"].probability > by_camera(later)["b"].probability
    assert by_camera(later)["c"].low_s >= 30.0
    assert much_later.not_again > later.not_again > predict_next(fork, "a", 1.0).not_again


def test_an_interval_holds_eighty_percent_of_what_is_still_to_come(fork):
    since_s = 8.0
    arrival = by_camera(predict_next(fork, "a", since_s))["b"]
    tables, names = fork.tables(), fork.cameras
    index = (np.array([names.index("a")]), np.array([names.index("b")]))

    def within(seconds):
        return float(tables.gap.share_within(index, np.array([log_duration(seconds)]))[0])

    held = within(arrival.high_s) - within(arrival.low_s)
    assert held / (1.0 - within(since_s)) == pytest.approx(0.8, abs=1e-6)


def test_an_unknown_camera_predicts_nothing(fork):
    assert predict_next(fork, "elsewhere", 1.0).arrivals == ()
    assert predict_next(fork, "elsewhere", 1.0).not_again == 1.0


def test_a_time_that_is_none_is_refused(fork):
    with pytest.raises(ValueError, match="finite"):
        predict_next(fork, "a", float("nan"))
