"""One drive through a place, and the geometry that judges it."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.place import Place
from simulator.traffic import Network, Simulation, draw_bodies, draw_demand
from simulator.traffic.bodies import barred


class Drive:
    """A place with drawn traffic."""

    def __init__(self, place, minutes, per_minute, step_s=0.1, seed=5):
        self.place = Place.load(place)
        self.network = Network(self.place)
        rng = np.random.default_rng(seed)
        count = round(minutes * per_minute) + len(self.place.bays)
        self.bodies = draw_bodies(count, rng, barred(self.place.spec.longest_m))
        self.demand = draw_demand(self.network, self.bodies.length_m, (0.0, minutes * 60.0), rng)
        self.simulation = Simulation(self.network, self.demand, step_s)
        self.step_s = step_s

    def snapshots(self, seconds, every):
        return self.simulation.run(0.0, seconds, every, 0.0)

    def rectangles(self, snapshot):
        """Corners of driving and parked bodies, (B, 4, 2)."""
        bays = [self.place.bays[bay] for bay in self.demand.standing[:, 1].tolist()]
        vehicle = np.concatenate([self.demand.vehicle[snapshot.trip], self.demand.standing[:, 0]])
        x = np.concatenate([snapshot.x_m, [bay.x_m for bay in bays]])
        z = np.concatenate([snapshot.z_m, [bay.z_m for bay in bays]])
        yaw = np.concatenate([snapshot.yaw_rad, [bay.yaw_rad for bay in bays]])
        length, width = self.bodies.size_m[vehicle, 0], self.bodies.size_m[vehicle, 1]
        ahead = np.stack([np.sin(yaw), np.cos(yaw)], axis=1)
        aside = np.stack([-np.cos(yaw), np.sin(yaw)], axis=1)
        middle = np.stack([x, z], axis=1)
        signs = ((1, 1), (1, -1), (-1, -1), (-1, 1))
        return np.stack(
            [middle + ahead * (length / 2 * a)[:, None] + aside * (width / 2 * b)[:, None] for a, b in signs], axis=1
        )


def overlapping_pairs(rectangles):
    """Index pairs of rectangles that share ground, by the separating axis theorem."""
    middle = rectangles.mean(axis=1)
    reach = np.linalg.norm(rectangles[:, 0] - middle, axis=1)
    distance = np.linalg.norm(middle[:, None] - middle[None], axis=2)
    near = np.triu(distance < reach[:, None] + reach[None], 1)
    return [(i, j) for i, j in np.argwhere(near).tolist() if _share_ground(rectangles[i], rectangles[j])]


def _share_ground(a, b):
    for corners in (a, b):
        for k in range(2):
            edge = corners[k + 1] - corners[k]
            normal = np.array([-edge[1], edge[0]])
            along_a, along_b = a @ normal, b @ normal
            if along_a.max() <= along_b.min() or along_b.max() <= along_a.min():
                return False
    return True


@pytest.fixture
def start_drive():
    return Drive
