"""Lights, right of way, roundabouts: obeyed, and nothing locks."""

import numpy as np
import pytest


@pytest.mark.parametrize("place", ["junction", "crossroads", "corridor"])
def test_nobody_enters_on_red(place, start_drive):
    drive = start_drive(place, 6, 24)
    network, fleet = drive.network, drive.simulation.fleet
    before, crossed, on_red = {}, 0, []

    for snapshot in drive.snapshots(360.0, 1):
        trips = fleet.active
        entry = np.minimum(fleet.index[trips] + 1, fleet.paths.last[trips])
        gates = fleet.paths.segment[entry]
        nose = fleet.odometer_m[trips] + fleet.demand.length_m[trips] / 2
        over = nose > fleet.paths.start_m[entry]
        red = network.signals.left_s(gates, snapshot.time_s - drive.step_s) <= 0
        for trip, gate, is_over, is_red in zip(trips.tolist(), gates.tolist(), over, red, strict=True):
            if network.signals.cycle_s[gate] > 0:
                if is_over and before.get((trip, gate)) is False:
                    crossed += 1
                    on_red += [(snapshot.time_s, trip)] if is_red else []
                before[trip, gate] = bool(is_over)

    assert crossed > 30
    assert on_red == []


def test_lights_show_green_in_turn(start_drive):
    signals = start_drive("crossroads", 1, 5).network.signals
    lit = np.flatnonzero(signals.cycle_s > 0)
    left = np.stack([signals.left_s(lit, now_s) > 0 for now_s in np.arange(0.0, 60.0, 0.5)])
    phases = {(signals.on_s[segment], signals.green_s[segment]) for segment in lit}

    assert len(phases) == 2
    first = signals.on_s[lit] == 0
    assert not (left[:, first].any(axis=1) & left[:, ~first].any(axis=1)).any()
    assert left.any(axis=0).all()


@pytest.mark.parametrize(("place", "per_minute"), [("roundabout", 16), ("riverside", 18), ("grid", 16)])
def test_nothing_locks_within_an_hour(place, per_minute, start_drive):
    drive = start_drive(place, 60, per_minute, step_s=0.5)

    for _ in drive.snapshots(3600.0 + 1200.0, 600):
        pass

    driving = drive.simulation.fleet.active
    returning = drive.demand.depart_s[driving] == np.inf
    assert drive.simulation.waiting == 0
    assert len(driving) - returning.sum() == 0


def test_the_main_road_waits_less_than_the_side_road(start_drive):
    drive = start_drive("hillside", 15, 16, step_s=0.5)
    fleet, network = drive.simulation.fleet, drive.network
    slow = {"upper_hill>0": [0, 0], "terrace_road<0": [0, 0]}

    for snapshot in drive.snapshots(900.0, 2):
        for segment, speed in zip(snapshot.segment.tolist(), snapshot.speed_m_s.tolist(), strict=True):
            counts = slow.get(network.segments[segment].key)
            if counts:
                counts[0] += speed < 1.0
                counts[1] += 1

    main, side = (standing / total for standing, total in slow.values())
    assert main < side
    assert len(fleet.demand.vehicle) > 200


def test_a_ring_is_driven_round_with_its_middle_on_the_left(start_drive):
    drive = start_drive("roundabout", 3, 20)
    ring = set(drive.network.ring_pieces[0].tolist())
    turned = []

    before = {}
    for snapshot in drive.snapshots(180.0, 2):
        here = {}
        for trip, segment, x, z in zip(snapshot.trip, snapshot.segment, snapshot.x_m, snapshot.z_m, strict=True):
            if int(segment) in ring:
                here[int(trip)] = np.arctan2(z, x)
                assert 11 < np.hypot(x, z) < 17
        turned += [np.angle(np.exp(1j * (here[trip] - before[trip]))) for trip in here.keys() & before.keys()]
        before = here

    assert len(turned) > 100
    assert max(turned) < 0.01
