from pathlib import Path

import numpy as np

from reid.data import Sample
from reid.hard_vehicles import hard_vehicles
from reid.sampler import PKSampler, PKSettings

SAMPLES = tuple(
    Sample(Path(f"{vehicle}_{n}.jpg"), "d", str(vehicle), str(n % 2)) for vehicle in range(12) for n in range(4)
)


def vehicles_of(batch):
    return [SAMPLES[index].identity for index in batch[::2]]


def test_a_vehicle_brings_one_that_it_is_taken_for_into_the_batch():
    sampler = PKSampler(SAMPLES, PKSettings(vehicles=6, pictures=2, batches=20, block=2), seed=0)
    hard = {("d", str(v)): [("d", str(v ^ 1))] for v in range(12)}
    for batch in sampler.epoch(0, hard):
        chosen = vehicles_of(batch)
        assert len(set(chosen)) == 6
        assert all((domain, str(int(v) ^ 1)) in chosen for domain, v in chosen)


def test_vehicles_are_hard_whose_pictures_lie_just_beyond_the_positive(monkeypatch):
    angle = {"0": 0.0, "1": 0.1, "2": 2.0, "3": 2.1}
    few = [sample for sample in SAMPLES if sample.vehicle in angle]
    at = np.array([angle[s.vehicle] + 0.01 * int(s.path.stem[-1]) for s in few])
    monkeypatch.setattr("reid.hard_vehicles.embed_samples", lambda *_: np.stack([np.cos(at), np.sin(at)], axis=1))
    found = hard_vehicles(None, few, None, (0, 1))
    assert found == {("d", v): [("d", str(int(v) ^ 1))] for v in angle}
