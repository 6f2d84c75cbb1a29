"""What was drained along the way rebuilds the very tables, between two fits and after the ring has gone round."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import taught
from tracker.multi_camera.links.learning import FIT_ALWAYS, FIT_EVERY
from tracker.multi_camera.links.lessons import CAPACITY
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology


def teach(topology, vehicles, numbers):
    for i in numbers:
        gap_s = 10.0 + i % 5
        before = vehicles.see(f"b{i}", 1, "abc"[i % 3], 60.0 * i, 60.0 * i + 5, exit=(0.9, 0.2))
        after = vehicles.see(f"a{i}", 1, "bca"[i % 3], 60.0 * i + 5 + gap_s, 60.0 * i + 9 + gap_s, entry=(0.1, 0.4))
        topology.arrive(before)
        topology.arrive(after)
        topology.conclude([(before, []), (after, [(before, 4.0)])])


def equal(one, other):
    for name in ("log_share", "log_overlap", "zone_entry", "zone_exit", "moments", "log_return", "log_new"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9), name


@pytest.mark.parametrize(
    "lessons",
    [
        pytest.param(20, id="fitted with every lesson"),
        pytest.param(FIT_ALWAYS + FIT_EVERY + 6, id="between two fits"),
        pytest.param(CAPACITY + 100, id="after the ring went round"),
    ],
)
def test_state_drained_along_the_way_rebuilds_the_tables(vehicles, lessons):
    topology = Topology(AssociationSettings())
    links = {}
    for i in range(lessons // 2):
        teach(topology, vehicles, [i])
        links.update(topology.drain_links())
    assert links == topology.all_links()
    twin = Topology(AssociationSettings())
    twin.load(links)
    equal(twin.tables(), topology.tables())
    more = range(lessons // 2, lessons // 2 + FIT_EVERY)
    teach(topology, vehicles, more)
    teach(twin, vehicles, more)
    equal(twin.tables(), topology.tables())


def test_links_of_cameras_with_slashes_in_their_ids_are_told_apart(vehicles):
    topology = Topology(AssociationSettings())
    cameras = ("yard", "yard/gate", "gate")
    for i in range(CAPACITY):
        here, there = cameras[i % 3], cameras[(i + 1) % 3]
        before = vehicles.see(f"b{i}", 1, here, 60.0 * i, 60.0 * i + 5)
        after = vehicles.see(f"a{i}", 1, there, 60.0 * i + 15, 60.0 * i + 19)
        topology.conclude([(before, []), (after, [(before, 4.0)])])
    links = topology.all_links()
    known = {name: (s["from"], s["to"]) for name, text in links.items() if (s := json.loads(text))["kind"] == "link"}
    assert known == {f"link/{a}/{c}": (a, c) for a, c in zip(cameras, cameras[1:] + cameras[:1], strict=True)}


def test_between_two_fits_tables_stand_still_and_then_move(vehicles):
    topology = Topology(AssociationSettings())
    teach(topology, vehicles, range(FIT_ALWAYS // 2))
    begun = topology.tables()
    teach(topology, vehicles, range(FIT_ALWAYS // 2, FIT_ALWAYS // 2 + FIT_EVERY // 2 - 1))
    assert topology.tables() is begun
    teach(topology, vehicles, [500])
    assert topology.tables() is not begun
    assert np.isfinite(topology.tables().log_share).all()


def test_what_is_written_ahead_is_handed_over_with_the_rest(vehicles):
    ahead, at_once = Topology(AssociationSettings()), Topology(AssociationSettings())
    trips = [("a", 0, 2, "b", 20, 22), ("b", 30, 32, "a", 50, 52), ("a", 60, 62, "c", 80, 82)]
    for topology in (ahead, at_once):
        taught(topology, vehicles, trips)
    assert ahead.write_ahead(1)
    while ahead.write_ahead(1):
        pass
    assert ahead.drain_links() == at_once.drain_links()
    assert not ahead.drain_links()
    # What changes after it was written is written again.
    for topology in (ahead, at_once):
        taught(topology, vehicles, trips)
    assert not ahead.write_ahead(100)
    for topology in (ahead, at_once):
        taught(topology, vehicles, trips[::-1])
    assert ahead.drain_links() == at_once.drain_links()
