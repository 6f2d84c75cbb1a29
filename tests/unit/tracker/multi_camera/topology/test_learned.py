"""What trips teach of links, and how far that is trusted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import taught
from tracker.multi_camera.links.lessons import CAPACITY
from tracker.multi_camera.links.travel import log_duration
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.visits import Visits


def test_a_link_learns_its_travel_time(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, [("a", 0, 10, "b", 40 + i % 3, 50) for i in range(20)])
    tables = topology.tables()
    a, b = topology.camera("a"), topology.camera("b")
    at_31, at_3 = tables.gap.log_density((np.array([a, a]), np.array([b, b])), log_duration(np.array([31.0, 3.0])))
    assert at_31 > at_3 + 3.0
    assert np.exp(tables.log_share[a, b]) > 0.8


def test_true_trips_stand_out_among_false_ones(vehicles):
    """Looks leave three origins open for every vehicle; only the true ones agree on a travel time."""
    rng = np.random.default_rng(4)
    topology = Topology(AssociationSettings())
    for i in range(60):
        gap_s = 20.0 * float(rng.lognormal(0, 0.1))
        arrival = vehicles.see(f"q{i}", 1, "b", 500, 505)
        origins = [(vehicles.see(f"p{i}", 1, "a", 0, 500 - gap_s), 3.0)]
        origins += [(vehicles.see(f"r{i}{k}", 1, "a", 0, 500 - float(rng.uniform(1, 120))), 2.5) for k in range(2)]
        topology.conclude([(arrival, origins)])
    gap = topology.tables().gap
    a, b = topology.camera("a"), topology.camera("b")
    assert float(np.exp(gap.loc[a, b])) == pytest.approx(20.5, rel=0.15)
    assert gap.scale[a, b] < 0.4


def test_overlap_is_learned_for_the_pair_in_both_directions(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, 20 * [("a", 0, 10, "b", 5, 15), ("a", 0, 10, "c", 25, 35)])
    overlap = np.exp(topology.tables().log_overlap)
    a, b, c = (topology.camera(x) for x in "abc")
    assert overlap[a, b] == overlap[b, a] > 0.9
    assert overlap[a, c] == overlap[c, a] < 0.1


def test_an_open_visit_counts_as_overlap(vehicles):
    topology = Topology(AssociationSettings())
    origin = vehicles.see("p", 1, "a", 0, 2, final=False)
    topology.conclude([(vehicles.see("q", 1, "b", 5, 9), [(origin, 20.0)])])
    overlap = np.exp(topology.tables().log_overlap)
    assert overlap[topology.camera("a"), topology.camera("b")] > AssociationSettings().overlap_prior


def test_who_waits_in_one_view_comes_into_the_other_when_it_drives_on(vehicles):
    """Every other one passes at once, the others stand at lights for a while: both come 2 s after driving on."""
    rng = np.random.default_rng(4)
    topology = Topology(AssociationSettings())
    waits_s = [0.0 if i % 2 else float(rng.uniform(10, 40)) for i in range(60)]
    taught(topology, vehicles, [("a", 0, wait_s + 6, "b", wait_s + 2, wait_s + 9) for wait_s in waits_s])
    a, b = topology.camera("a"), topology.camera("b")
    assert np.exp(topology.tables().log_by_leaving[a, b]) > 0.3
    assert np.exp(topology.tables().log_overlap[a, b]) > 0.9

    def nats(came_s, left_s, *, final=True):
        before = vehicles.see("p", 1, "a", -came_s, left_s, final=final)
        pair = [Visits.of([o], topology.camera) for o in (before, vehicles.see("q", 1, "b", 0, 7))]
        return float(topology.log_transition(*pair)[0])

    assert nats(2, 4) > nats(25, 4) > nats(25, 18) + 2.0
    assert nats(25, 0, final=False) > nats(25, 18)


def test_state_that_knows_nothing_of_leaving_is_read(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, [("a", 0, 10, "b", 40, 50)] * (CAPACITY + 40))
    links = {name: json.loads(text) for name, text in topology.all_links().items()}
    for state in links.values():
        if state["kind"] == "link":
            state["moments"] = state["moments"][:2]
        if state["kind"] == "lesson":
            state["origins"] = [row[:6] for row in state["origins"]]
    twin = Topology(AssociationSettings())
    twin.load({name: json.dumps(state) for name, state in links.items()})
    assert twin.all_links() == topology.all_links()


def test_lessons_that_leave_the_ring_are_not_lost(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, [("a", 0, 10, "b", 40, 50)] * (CAPACITY + 40))
    a, b = topology.camera("a"), topology.camera("b")
    assert topology.tables().travelled[a, b] == pytest.approx(CAPACITY + 40, rel=0.2)
    twin = Topology(AssociationSettings())
    twin.load(topology.all_links())
    assert twin.all_links() == topology.all_links()
    assert twin.tables().travelled[a, b] == pytest.approx(topology.tables().travelled[a, b])


@pytest.mark.parametrize("text", ['{"kind": "camera", "camera": "a"}', '{"kind": "link", "from": "a", "to": 3}'])
def test_damaged_state_is_refused(text):
    with pytest.raises(ValueError, match="cannot be read"):
        Topology(AssociationSettings()).load({"x": text})


def test_time_is_trusted_more_the_more_was_learned(vehicles):
    topology = Topology(AssociationSettings())
    trust = [topology.trust]
    for number in range(60):
        topology.conclude([(vehicles.see(f"s{number}", number % 7, "a", 4.0 * number, 4.0 * number + 3), [])])
        trust.append(topology.trust)
    assert 0.0 < trust[0] < 1.0
    assert trust == sorted(trust)
    assert trust[-1] < 1.0


def _trips(count, travel_s, from_s):
    """Vehicles from a to b that take about so long."""
    rng = np.random.default_rng(int(from_s))
    for k in range(count):
        at_s = from_s + 20.0 * k
        come_s = at_s + 5.0 + travel_s * float(rng.lognormal(0, 0.1))
        yield ("a", at_s, at_s + 5.0, "b", come_s, come_s + 5.0)


def test_a_travel_time_that_changed_is_learned_anew(vehicles):
    """Roadworks: trips that take longer hardly count towards the time that is known, and would never change it."""
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, list(_trips(600, 20.0, 0.0)))
    link = topology.camera("a"), topology.camera("b")
    assert float(np.exp(topology.tables().learned.loc[link])) == pytest.approx(20.5, rel=0.1)
    taught(topology, vehicles, list(_trips(CAPACITY + 120, 50.0, 20_000.0)))
    assert float(np.exp(topology.tables().learned.loc[link])) == pytest.approx(50.5, rel=0.1)
    assert topology.tables().learned.scale[link] < 0.3

    again = Topology(AssociationSettings())
    again.load(topology.all_links())
    assert again.all_links() == topology.all_links()


def test_a_few_odd_trips_change_no_travel_time(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, list(_trips(600, 20.0, 0.0)))
    for n in range(6):
        taught(topology, vehicles, list(_trips(20, 60.0, 20_000.0 + 5000 * n)))
        taught(topology, vehicles, list(_trips(80, 20.0, 22_000.0 + 5000 * n)))
    link = topology.camera("a"), topology.camera("b")
    assert float(np.exp(topology.tables().learned.loc[link])) == pytest.approx(20.5, rel=0.1)
    assert topology.tables().moments[link][0, 0] > 700


def test_what_was_counted_long_ago_weighs_less(vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.links.learning.KEPT", 100.0)
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, list(_trips(CAPACITY + 400, 20.0, 0.0)))
    link = topology.camera("a"), topology.camera("b")
    counted = topology.tables().moments[link][0, 0]
    assert CAPACITY - 100 < counted < CAPACITY + 100
    assert float(np.exp(topology.tables().log_share[link])) > 0.9
