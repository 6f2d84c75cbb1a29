"""Where vehicles enter and leave: learned from track ends, or drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.single_camera.settings import ZoneSettings
from tracker.single_camera.zones import CameraZones, Zone, ZoneBook, drawn_zones
from tracker.types import TrackKey, Tracklet

SIZE = (1000, 500)
WEST, EAST, NORTH = (0.03, 0.6), (0.97, 0.5), (0.5, 0.1)


def _tracklet(entry, exit_):
    centres = np.array([entry, exit_]) * SIZE
    boxes = np.concatenate([centres - 20, centres + 20], axis=1).astype(np.float32)
    times = np.array([0, 10], np.int64)
    return Tracklet(TrackKey("c", "s", 1), 1, True, times, times, boxes, np.array([1, 0, 0, 0], np.float32), (), 0.5)


def _traffic(seed, n, *, broken=0.2):
    """Vehicles from west and north to the east; some tracks break anywhere."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        entry = np.array(WEST if rng.random() < 0.7 else NORTH) + rng.normal(0, 0.012, 2)
        exit_ = rng.uniform(0.05, 0.95, 2) if rng.random() < broken else EAST + rng.normal(0, 0.012, 2)
        yield _tracklet(entry, exit_)


def _book(seed=0, n=200, drawn=(), **options):
    book = ZoneBook(ZoneSettings(**options), np.random.default_rng(seed), drawn)
    for tracklet in _traffic(3, n):
        book.learn(tracklet, SIZE)
    return book


def test_zones_are_where_many_tracks_begin_and_end():
    zones = _book().zones
    west, north = zones.of("entry")
    (east,) = zones.of("exit")
    for zone, place in ((west, WEST), (north, NORTH), (east, EAST)):
        assert zone.centre == pytest.approx(place, abs=0.02)
        assert zone.contains(place)
        assert not zone.contains((0.5, 0.6))
        assert not zone.drawn
    assert west.share == pytest.approx(0.7, abs=0.1)
    assert west.share + north.share == pytest.approx(1.0)


def test_nothing_is_learned_from_few_or_scattered_ends():
    assert _book(n=20).zones == CameraZones()
    book = ZoneBook(ZoneSettings(), np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for _ in range(200):
        book.learn(_tracklet(rng.uniform(0, 1, 2), rng.uniform(0, 1, 2)), SIZE)
    assert book.zones == CameraZones()


def test_the_same_seed_learns_the_same():
    assert _book(n=900).zones == _book(n=900).zones


def test_memory_is_bounded_and_new_roads_are_noticed():
    book = _book(n=300, sample=64)
    for _ in range(600):
        book.learn(_tracklet((0.5, 0.95), EAST), SIZE)
    assert max(len(sample) for sample in book._ends.values()) == 64
    assert book.zones.at((0.5, 0.95), "entry") is not None


def test_ends_that_say_nothing_do_not_count():
    book = ZoneBook(ZoneSettings(), np.random.default_rng(0))
    for tracklet in _traffic(3, 100):
        book.learn(tracklet, SIZE, began=False, ended=False)
    assert book.zones == CameraZones()


def test_drawn_zones_of_a_kind_replace_learned_ones():
    square = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
    zones = _book(drawn=drawn_zones([], [square])).zones
    (exit_,) = zones.of("exit")
    assert (exit_.drawn, exit_.polygon, exit_.centre) == (True, square, pytest.approx((0.15, 0.5)))
    assert len(zones.of("entry")) == 2


@pytest.mark.parametrize("polygon", [((0, 0), (1, 1)), ((0, 0), (1, 0), (1.2, 1)), ()])
def test_polygons_that_are_none_are_refused(polygon):
    with pytest.raises(ValueError, match="at least 3 corners"):
        drawn_zones([polygon], [])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=30, max_size=60),
    st.integers(0, 3),
)
def test_whatever_ends_zones_lie_in_the_picture_and_hold_their_centre(points, kind):
    points = points if kind else [(x, 0.5) for x, _ in points]
    book = ZoneBook(ZoneSettings(radius=0.2), np.random.default_rng(0))
    for point in points:
        book.learn(_tracklet(point, point), SIZE)
    for zone in book.zones.zones:
        assert np.array(zone.polygon).min() >= 0
        assert np.array(zone.polygon).max() <= 1
        assert Zone(zone.kind, zone.polygon, zone.centre).contains(zone.centre)
    assert sum(zone.share for zone in book.zones.of("exit")) == pytest.approx(1.0 if book.zones.of("exit") else 0.0)
