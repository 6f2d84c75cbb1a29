"""The load is as promised, and latency is counted without mercy; nothing here asserts how fast this machine is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.association.load import Arrival, LoadPlan, Traffic
from benchmarks.association.measure import bench_association, offer
from services.cli.bench import app

SMALL = LoadPlan(active=120, seconds=2.0, per_s=40.0, burst=10, cameras=8, out_degree=3)


def test_what_is_remembered_and_offered_is_as_asked():
    traffic = Traffic(SMALL)
    assigned, queue = traffic.remembered()
    arrivals = list(traffic.arrivals(queue))
    assert len(assigned) == len({a.identity_id for a in assigned}) == 120
    assert all(a.observation.embedding.shape == (256,) for a in assigned)
    ends_s = np.array([a.observation.end_ns for a in assigned]) / 1e9 - 1.7e9
    assert ends_s.max() <= 1e-3
    assert ends_s.min() >= -1800.0
    assert len(arrivals) == 80
    times, counts = np.unique([a.at_s for a in arrivals], return_counts=True)
    assert counts.tolist() == [10] * 8
    assert np.diff(times) == pytest.approx(0.25)
    assert all(a.observation.final for a in arrivals)


def test_the_same_seed_offers_the_same():
    first, second = ([a.observation.embedding for a in _offered(SMALL)] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def _offered(plan):
    traffic = Traffic(plan)
    return list(traffic.arrivals(traffic.remembered()[1]))


def test_a_quarter_of_trips_goes_over_links_that_nobody_has_travelled():
    traffic = Traffic(LoadPlan(active=10))
    known = {(o.camera_id, n.camera_id) for o, n in _pairs(traffic.lesson(2))}
    assert len(known) == 32 * 4
    onward = [(camera, traffic.onward(camera)[0]) for camera in range(32) for _ in range(60)]
    unknown = [pair for pair in onward if (f"c{pair[0]:03d}", f"c{pair[1]:03d}") not in known]
    assert len(unknown) / len(onward) == pytest.approx(0.25, abs=0.04)


def _pairs(observations):
    """Consecutive passages of one vehicle, whose sightings are numbered one after another."""
    by_number = {int(o.sighting_id[1:]): o for o in observations}
    return [(by_number[k], by_number[k + 1]) for k in range(1, len(by_number), 2)]


def test_sightings_in_two_revisions_come_open_and_then_closed():
    arrivals = _offered(LoadPlan(60, 8.0, per_s=20.0, burst=10, cameras=8, out_degree=3, revisions=2))
    finals = [a for a in arrivals if a.observation.final]
    assert len(arrivals) - len(finals) == 160
    assert 0 < len(finals) < 160
    opened = {a.observation.sighting_id: a.at_s for a in arrivals if not a.observation.final}
    assert all(a.at_s == pytest.approx(opened[a.observation.sighting_id] + 4.0) for a in finals)


class Slow:
    """An associator on a clock of the test's own: a bucket takes 1 s, each of its two second looks half as long."""

    def __init__(self, clock, most_behind):
        self.clock = clock
        self.buckets = [[]]
        self.unfinished = 0
        self.most_behind = most_behind

    @property
    def behind(self):
        return -(-self.unfinished // 2)

    @property
    def may_decide(self):
        return self.behind < self.most_behind

    def push(self, observation, now_ns):
        self.buckets[-1].append(observation)

    def prepare(self):
        pass

    def decide(self):
        self.clock[0] += 1.0
        self.unfinished += 2
        self.buckets.append([])

    def reconsider(self):
        self.clock[0] += 0.5
        self.unfinished -= 1


def test_latency_counts_the_time_a_bucket_waits_for_the_one_before(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("benchmarks.association.measure.time.perf_counter", lambda: clock[0])
    slow = Slow(clock, most_behind=1)
    timed = offer(slow, [Arrival(at_s, f"o{k}") for k, at_s in enumerate((0.0, 0.1, 0.6, 1.4))], 0.5)
    assert slow.buckets[:2] == [["o0", "o1"], ["o2", "o3"]]
    # The first is decided at 1.5 s and finished at 2.5 s; the second was due at 1.1 s and is decided at 3.5 s.
    assert timed.latency_ms == pytest.approx([1000.0, 1000.0, 2400.0, 2100.0])
    assert timed.behind_s == pytest.approx(2.4)
    assert timed.step_ms == pytest.approx([500.0] * 4)
    assert timed.waiting == [2, 2]
    assert timed.finished_s == pytest.approx(3.4)


def test_a_bucket_that_is_due_goes_before_second_looks_of_those_before_it(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("benchmarks.association.measure.time.perf_counter", lambda: clock[0])
    arrivals = [Arrival(at_s, f"o{k}") for k, at_s in enumerate((0.0, 0.1, 0.6, 1.4))]
    timed = offer(Slow(clock, most_behind=2), arrivals, 0.5)
    # The first is decided at 1.5 s; the second, due at 1.1 s by what came at 0.6 s, after the step that follows.
    assert timed.latency_ms == pytest.approx([1000.0, 1000.0, 1400.0, 1100.0])
    assert timed.step_ms == pytest.approx([500.0] * 4)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"active": 0}, "above 0"), ({"out_degree": 31}, "out_degree"), ({"revisions": 3}, "revisions must be")],
)
def test_what_cannot_be_offered_is_said(change, says):
    with pytest.raises(ValueError, match=says):
        LoadPlan(**{"active": 10, **change})


def test_a_small_case_is_measured_in_a_process_of_its_own():
    told = []
    plan = LoadPlan(40, 0.5, cameras=5, out_degree=1, per_s=20.0, burst=5)
    document = bench_association([plan], lambda done, of: told.append((done, of)))
    row = document["active"]["40"]
    assert {"p50_ms", "p99_ms", "peak_mb", "sustained", "second_looks_ms_per_decision"} <= set(row)
    assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["worst_ms"]
    assert row["decisions"] == 10
    assert row["active_before"] == 40
    assert row["peak_mb"] >= row["resident_mb"] > 10
    assert 0.0 <= row["recall"] <= 1.0
    assert row["precision"] > 0.5
    assert document["load"]["unknown_share"] == 0.25
    assert told == [(0, 1), (1, 1)]


def test_the_command_offers_what_its_options_say(monkeypatch):
    asked = []

    def measured(plans, progress):
        asked.extend(plans)
        names = ("p50_ms", "p99_ms", "peak_mb", "growth_mb", "busy_share", "second_looks_ms_per_decision", "sustained")
        row = dict.fromkeys(names, 1.0) | {"precision": 0.71, "recall": 0.52}
        load = {"per_s": 200.0, "burst": 50, "seconds": 2.0, "cameras": 32}
        return {"active": {str(p.active): row for p in plans}, "load": load}

    monkeypatch.setattr("benchmarks.association.measure.bench_association", measured)
    result = CliRunner().invoke(app, ["association", "--active", "1000", "--seconds", "2"])
    assert result.exit_code == 0, result.output
    assert asked == [LoadPlan(1000, 2.0)]
    assert "1000" in result.stdout
    assert "0.71" in result.stdout
    assert "0.52" in result.stdout
    asked.clear()
    result = CliRunner().invoke(app, ["association", "--json", "--revisions", "2"])
    assert list(json.loads(result.stdout)["active"]) == ["1000", "10000", "100000"]
    assert asked[2] == LoadPlan(100_000, revisions=2)
