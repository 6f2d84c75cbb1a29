import random
from collections import Counter
from pathlib import Path

from reid.data import MOST_VIEWS, Sample, count_views, draw_views


def seen(counts: dict[str, int], each: int = 1) -> list[Sample]:
    """Vehicles in so many cameras, with ``each`` pictures in every one."""
    views = ((vehicle, camera) for vehicle, cameras in counts.items() for camera in range(cameras))
    return [Sample(Path(f"{v}-{c}-{n}"), "d", v, str(c)) for v, c in views for n in range(each)]


def test_all_are_taken_of_sets_that_can_be_compared_whole():
    samples = seen({str(n): 5 for n in range(MOST_VIEWS // 5)}, each=2)
    assert count_views(samples) == MOST_VIEWS
    assert draw_views(samples) == list(range(len(samples)))
    assert draw_views([]) == []


def test_whole_vehicles_are_drawn_up_to_the_most_the_same_in_any_order():
    samples = seen({str(n): 1 + n % 7 for n in range(200)}, each=2)
    drawn = {samples[row] for row in draw_views(samples, 120)}
    assert 113 < count_views([*drawn]) <= 120
    whole = Counter(sample.vehicle for sample in samples)
    assert all(whole[vehicle] == count for vehicle, count in Counter(s.vehicle for s in drawn).items())
    assert len({s.vehicle for s in drawn}) > 10
    shuffled = random.Random(1).sample(samples, len(samples))
    rows = draw_views(shuffled, 120)
    assert rows == sorted(rows)
    assert {shuffled[row] for row in rows} == drawn


def test_a_vehicle_with_very_many_views_does_not_stand_for_all():
    samples = seen({"parked": 900, **{str(n): 2 for n in range(100)}})
    drawn = Counter(samples[row].vehicle for row in draw_views(samples, 300))
    assert drawn["parked"] == 50
    assert len(drawn) == 101
