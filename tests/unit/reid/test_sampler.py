from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.data import Sample
from reid.errors import DataError
from reid.sampler import PKSampler, PKSettings


def make(domain: str, kind: str, vehicles: int, cameras: int, each: int) -> list[Sample]:
    return [
        Sample(Path(f"{domain}{kind}{v}_{c}_{n}"), domain, f"{kind}{v}", str(c), kind)
        for v in range(vehicles)
        for c in range(cameras)
        for n in range(each)
    ]


def test_batches_are_p_vehicles_by_k_pictures_from_different_cameras():
    samples = make("city", "car", 12, cameras=4, each=3)
    sampler = PKSampler(samples, PKSettings(vehicles=5, pictures=4, batches=6), seed=1)
    batches = list(sampler.epoch(0))
    assert len(batches) == 6
    for batch in batches:
        assert len(batch) == 20
        groups = [[samples[i] for i in batch[k : k + 4]] for k in range(0, 20, 4)]
        assert len({group[0].identity for group in groups}) == 5
        for group in groups:
            assert len({s.identity for s in group}) == 1
            assert len({s.camera for s in group}) == 4


def test_few_pictures_are_repeated_but_both_cameras_are_shown():
    samples = make("pairs", "car", 4, cameras=2, each=1)
    batch = next(PKSampler(samples, PKSettings(vehicles=4, pictures=4, batches=1), seed=0).epoch(0))
    for k in range(0, 16, 4):
        assert Counter(samples[i].camera for i in batch[k : k + 4]) == {"0": 2, "1": 2}


def test_same_seed_and_epoch_repeat_and_others_differ():
    samples = make("city", "car", 12, cameras=2, each=4)
    settings = PKSettings(vehicles=4, pictures=2, batches=5)
    first = list(PKSampler(samples, settings, seed=3).epoch(7))
    sampler = PKSampler(samples, settings, seed=3)
    list(islice(sampler.epoch(2), 3))
    assert list(sampler.epoch(7)) == first
    assert list(sampler.epoch(8)) != first
    assert list(PKSampler(samples, settings, seed=4).epoch(7)) != first


def test_weights_balance_domain_and_class():
    samples = make("city", "car", 90, 2, 1) + make("city", "bus", 10, 2, 1) + make("pairs", "car", 400, 2, 1)
    even = PKSettings(vehicles=4, balance=1.0, domain_shares={"city": 3.0, "pairs": 1.0})
    assert PKSampler(samples, even, 0).group_weights() == pytest.approx(
        {("city", "bus"): 0.375, ("city", "car"): 0.375, ("pairs", "car"): 0.25}
    )
    as_is = PKSettings(vehicles=4, balance=0.0)
    assert PKSampler(samples, as_is, 0).group_weights()["city", "bus"] == pytest.approx(0.05)
    drawn = Counter(
        samples[i].domain
        for e in range(5)
        for batch in PKSampler(samples, PKSettings(8, 2, 20, 1.0, {"city": 3.0, "pairs": 1.0}), 0).epoch(e)
        for i in batch
    )
    assert 0.65 < drawn["city"] / drawn.total() < 0.85


def test_all_vehicles_come_up_before_one_comes_again():
    samples = make("city", "car", 12, cameras=2, each=1)
    seen = Counter(
        samples[i].vehicle for batch in PKSampler(samples, PKSettings(4, 2, 3), seed=5).epoch(0) for i in batch
    )
    assert set(seen.values()) == {2}


def test_too_few_vehicles_and_bad_settings_are_refused():
    with pytest.raises(DataError, match="too few"):
        PKSampler(make("city", "car", 3, 2, 1), PKSettings(vehicles=4), seed=0)
    with pytest.raises(ValueError, match="balance"):
        PKSettings(balance=2.0)
    with pytest.raises(ValueError, match="K >= 2"):
        PKSettings(pictures=1)


@st.composite
def worlds(draw):
    """Vehicles of two domains and three classes, in one to five cameras with one to four pictures each."""
    samples = []
    for vehicle in range(draw(st.integers(4, 20))):
        domain, kind = draw(st.sampled_from(["city", "pairs"])), draw(st.sampled_from(["car", "bus", ""]))
        for camera in range(draw(st.integers(1, 5))):
            for n in range(draw(st.integers(1, 4))):
                samples.append(Sample(Path(f"{vehicle}_{camera}_{n}"), domain, str(vehicle), str(camera), kind))
    return samples


@settings(max_examples=40, deadline=None)
@given(worlds(), st.integers(2, 4), st.integers(2, 6), st.floats(0, 1), st.integers(0, 1000))
def test_batches_are_pk_and_as_camera_diverse_as_the_pictures_allow(samples, p, k, balance, seed):
    sampler = PKSampler(samples, PKSettings(p, k, 4, balance, {"city": 2.0}), seed)
    pictures, cameras = Counter(), {}
    for sample in samples:
        pictures[sample.identity] += 1
        cameras.setdefault(sample.identity, set()).add(sample.camera)
    assert sum(sampler.group_weights().values()) == pytest.approx(1)
    for batch in sampler.epoch(0):
        rows = [samples[i] for i in batch]
        assert len(rows) == p * k
        groups = [rows[start : start + k] for start in range(0, p * k, k)]
        assert len({group[0].identity for group in groups}) == p
        for number, group in enumerate(groups):
            (identity,) = {sample.identity for sample in group}
            assert len({sample.camera for sample in group}) == min(k, len(cameras[identity]))
            distinct = set(batch[number * k : (number + 1) * k])
            assert len(distinct) == min(k, pictures[identity])
    assert list(sampler.epoch(1)) == list(sampler.epoch(1))


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 15), st.integers(2, 4), st.integers(1, 12), st.integers(0, 1000))
def test_vehicles_of_a_group_take_turns(vehicles, p, batches, seed):
    samples = make("city", "car", vehicles, cameras=2, each=1)
    seen = Counter({str(v): 0 for v in {s.vehicle for s in samples}})
    for batch in PKSampler(samples, PKSettings(p, 2, batches), seed).epoch(0):
        seen.update(samples[i].vehicle for i in batch[::2])
    assert max(seen.values()) - min(seen.values()) <= 2


def test_a_vehicle_whose_pictures_disagree_on_its_class_has_one():
    samples = make("city", "car", 3, cameras=2, each=1)
    odd = [Sample(Path("odd_1"), "city", "odd", "1", "bus"), Sample(Path("odd_2"), "city", "odd", "2", "car")]
    weights = PKSampler([*samples, *odd], PKSettings(2, 2, 1, balance=0.0), 0).group_weights()
    assert weights == pytest.approx({("city", "car"): 0.75, ("city", "bus"): 0.25})


def test_a_block_is_a_vehicle_and_some_of_those_most_like_it():
    samples = make("city", "car", 30, cameras=2, each=2)
    names = [("city", f"car{n}") for n in range(30)]
    alike = {name: [other for other in names if other != name] for name in names}
    order = {name: sorted(alike[name], key=lambda o, n=name: abs(int(o[1][3:]) - int(n[1][3:]))) for name in names}
    settings = PKSettings(vehicles=6, pictures=2, batches=8, block=3)
    batches = list(PKSampler(samples, settings, seed=2).epoch(0, order))
    for batch in batches:
        vehicles = [samples[i].identity for i in batch[::2]]
        assert len(set(vehicles)) == 6
        assert set(vehicles[1:3]) <= set(order[vehicles[0]][:4])
    assert len({tuple(batch) for batch in batches}) == len(batches)


def test_blocks_stay_within_domain_and_class_before_anything_is_known_to_be_alike():
    samples = make("city", "car", 9, 2, 1) + make("city", "bus", 9, 2, 1) + make("pairs", "car", 9, 2, 1)
    for batch in PKSampler(samples, PKSettings(vehicles=6, pictures=2, batches=10, block=3), seed=2).epoch(0):
        for block in (batch[:6], batch[6:]):
            assert len({(samples[i].domain, samples[i].kind) for i in block}) == 1


def test_more_vehicles_fill_the_place_where_each_has_fewer_pictures():
    samples = make("pairs", "car", 20, cameras=2, each=1)
    settings = PKSettings(vehicles=4, pictures=4, batches=3, domain_pictures={"pairs": 2}, block=2)
    for batch in PKSampler(samples, settings, seed=0).epoch(0):
        assert len(batch) == 16
        assert set(Counter(samples[i].vehicle for i in batch).values()) == {2}
        assert len(set(batch)) == 16


@given(st.integers(0, 50), st.integers(1, 4), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_batches_are_always_full_and_no_vehicle_comes_twice(seed, block, k):
    samples = make("city", "car", 7, 3, 1) + make("city", "bus", 2, 1, 3) + make("pairs", "car", 8, 2, 1)
    shape = PKSettings(5, k, 3, domain_pictures={"pairs": 2}, block=block)
    for batch in PKSampler(samples, shape, seed).epoch(1):
        assert len(batch) == 5 * k
        runs = [
            samples[i].identity
            for n, i in enumerate(batch)
            if n == 0 or samples[batch[n - 1]].identity != samples[i].identity
        ]
        assert len(runs) == len(set(runs))
