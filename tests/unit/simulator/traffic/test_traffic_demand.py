"""Who drives where: shares, drivers, those who return, those who never move."""

import numpy as np
import pytest

from simulator.place import Place
from simulator.traffic import Network, Simulation, draw_bodies, draw_demand, drive
from simulator.traffic.bodies import COLOUR_NAMES
from simulator.traffic.ways import Ways


def test_turning_shares_are_those_of_the_place():
    network = Network(Place.load("crossroads"))
    starts = np.full(4000, network.hop_number["west", "centre"])

    hops = Ways(network).walks(starts, np.zeros(4000, bool), np.random.default_rng(1))

    targets = [network.hops[hop][1] for hop in hops[:, 1]]
    for node, share in (("east", 0.6), ("north", 0.2), ("south", 0.2)):
        assert targets.count(node) / 4000 == pytest.approx(share, abs=0.03)


def test_left_turns_leave_from_the_inner_lane_and_right_turns_from_the_outer():
    network = Network(Place.load("crossroads"))
    ways, rng = Ways(network), np.random.default_rng(1)
    hops = ways.walks(np.full(200, network.hop_number["west", "centre"]), np.zeros(200, bool), rng)
    _, lanes = ways.paths(hops, rng)

    to = np.array([network.hops[hop][1] for hop in hops[:, 1]])
    assert set(lanes[to == "south", 0]) == {0}
    assert set(lanes[to == "north", 0]) == {1}
    assert set(lanes[to == "east", 0]) == {0, 1}


def test_link_times_are_log_normal(start_drive):
    run = start_drive("corridor", 60, 4, step_s=0.5)
    lane = run.network.number("road_1>0")
    entered, left = {}, {}

    for snapshot in run.snapshots(3600.0, 1):
        on = snapshot.trip[(snapshot.segment == lane) & (snapshot.along_m > 20) & (snapshot.along_m < 120)]
        for trip in on.tolist():
            entered.setdefault(trip, snapshot.time_s)
            left[trip] = snapshot.time_s

    logs = np.log([left[trip] - entered[trip] + 0.5 for trip in entered if left[trip] > entered[trip]])
    standard = (logs - logs.mean()) / logs.std()
    assert len(logs) > 60
    assert 0.05 < logs.std() < 0.35
    assert abs((standard**3).mean()) < 1.0
    assert np.quantile(logs, 0.5) == pytest.approx(logs.mean(), abs=0.5 * logs.std())


def test_some_come_back_after_a_log_normal_time(start_drive):
    demand = start_drive("corridor", 60, 20).demand
    followed = demand.following >= 0

    assert 0.05 < followed.mean() < 0.4
    assert (demand.vehicle[followed] == demand.vehicle[demand.following[followed]]).all()
    assert np.median(demand.pause_s[followed]) == pytest.approx(420, rel=0.15)


def test_bodies_come_by_their_frequency():
    bodies = draw_bodies(20_000, np.random.default_rng(2), ("peterbilt",))

    assert (bodies.colour == COLOUR_NAMES.index("white")).mean() == pytest.approx(0.23, abs=0.02)
    assert bodies.length_m.max() < 17


def test_parked_vehicles_fit_their_bays_and_nobody_else_stands_there(start_drive):
    run = start_drive("grid", 3, 20)
    standing, bays = run.demand.standing, run.demand.standing[:, 1]

    assert len(standing) >= 5
    assert len(set(bays.tolist())) == len(bays)
    assert (run.bodies.length_m[standing[:, 0]] <= 5).all()
    assert not np.isin(run.demand.bay[run.demand.bay >= 0], bays).any()


def test_the_same_seed_gives_the_same_traffic():
    place, lengths = Place.load("riverside"), dict.fromkeys(range(1, 40), 4.3)
    runs = [drive(place, lengths, (-20.0, 20.0), (30.0, 10), np.random.default_rng(9)) for _ in range(2)]
    other = drive(place, lengths, (-20.0, 20.0), (30.0, 10), np.random.default_rng(10))

    assert runs[0] == runs[1]
    assert runs[0] != other
    assert len(runs[0][1]) == 300


def test_pictures_show_every_parked_vehicle_in_every_frame():
    place, lengths = Place.load("crossroads"), dict.fromkeys(range(1, 40), 4.3)

    trips, frames = drive(place, lengths, (-20.0, 10.0), (5.0, 10), np.random.default_rng(9))

    parked = {number for number, trip in trips.items() if trip.parked}
    assert parked
    assert all(parked <= {state.vehicle_id for state in frame} for frame in frames)
    assert set(trips) == set(lengths)


@pytest.mark.parametrize("fps", [3, 20])
def test_frame_rates_must_divide_the_step(fps):
    with pytest.raises(ValueError, match=f"must divide 10, got {fps}"):
        drive(Place.load("riverside"), {1: 4.3}, (0.0, 1.0), (1.0, fps), np.random.default_rng(1))


def test_steps_must_be_short(start_drive):
    run = start_drive("riverside", 1, 5)

    with pytest.raises(ValueError, match="between"):
        Simulation(run.network, run.demand, 2.0)


def test_without_room_to_park_nobody_is_parked():
    network = Network(Place.load("oldtown"))

    demand = draw_demand(network, np.full(10, 4.0), (0.0, 60.0), np.random.default_rng(1))

    assert len(demand.standing) == 0
    assert sorted(demand.vehicle.tolist()) == list(range(10))
