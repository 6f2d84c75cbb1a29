from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.crash.enrolment import run_enrolments
from benchmarks.crash.faults import CrashBench
from benchmarks.matcher.flow import Flow
from benchmarks.matcher.generator import fit_generator, load_generator
from benchmarks.matcher.keeping import ChurnBench, churn_figures, restart_figures
from benchmarks.matcher.run import tie_aware_recall
from services.cli.bench import app


def test_the_generator_is_fitted_to_the_default_network() -> None:
    generator = load_generator()
    gallery, queries = generator.gallery(500, 20, seed=3)
    assert gallery.shape == (500, generator.dim)
    np.testing.assert_allclose(np.linalg.norm(gallery, axis=1), 1, atol=1e-5)
    again, _ = generator.gallery(500, 20, seed=3)
    np.testing.assert_array_equal(gallery, again)
    # Queries are held out, and nearer to their own vehicle than to others.
    assert (queries @ gallery.T).max() < 1 - 1e-4
    assert (queries @ gallery.T).max(axis=1).mean() > (queries @ gallery.T).mean() + 0.3


def test_a_fit_finds_the_spreads_again() -> None:
    rng = np.random.default_rng(0)
    between, within = np.diag([1.0, 0.5, 0.1, 0.0]), np.diag([0.1, 0.1, 0.05, 0.0])
    vehicle = np.repeat(np.arange(4000), 2)
    vectors = (rng.standard_normal((4000, 4)) @ between)[vehicle] + rng.standard_normal((8000, 4)) @ within
    fitted = fit_generator(vectors.astype(np.float32), vehicle)
    assert np.trace(fitted.within @ fitted.within.T) == pytest.approx(np.trace(within**2), rel=0.1)
    # The mean of two sightings keeps half of their spread.
    wanted = np.trace(between**2) + np.trace(within**2) / 2
    assert np.trace(fitted.between @ fitted.between.T) == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize(
    ("found", "recall"),
    [([[0, 1]], 1.0), ([[0, 2]], 1.0), ([[0, 3]], 0.5), ([[3, 4]], 0.0), ([[0, 0]], 0.5), ([[0, -1]], 0.5)],
    ids=["both", "a_tie", "one", "none", "twice_is_once", "padding"],
)
def test_recall_counts_ties(found: list[list[int]], recall: float) -> None:
    gallery = np.array([[1, 0], [0.9, 0], [0.8995, 0], [0.5, 0], [0.1, 0]], np.float32)
    query = np.array([[1, 0]], np.float32)
    assert tie_aware_recall(np.array(found), np.array([[0, 1]]), gallery, query) == recall


def test_a_flow_brings_as_many_as_it_takes() -> None:
    flow = Flow(count=50, queries=5, seed=1, per_s=400)
    assert len(list(flow.scan_sightings())) == 50
    assert flow.last_event_id() == "0-0"
    flow.run(True)
    seen: list[str] = []
    after = "0-0"
    while len(seen) < 100:
        events = flow.read_events(after, 30, 500)
        seen += [event.kind for event in events]
        after = events[-1].event_id if events else after
        put = [str(event.payload["sighting_id"]) for event in events if event.kind == "sighting.put"]
        assert all(sighting is not None for sighting in flow.get_sightings(put))
        assert flow.advance_view("gallery", after)
    come = flow.run(False)
    assert come >= 40
    assert flow.read_events(flow.last_event_id(), 10, 1) == []
    rest = flow.read_events(after, 10_000, 1)
    kinds = seen + [event.kind for event in rest]
    assert kinds.count("sighting.put") == kinds.count("sighting.deleted") == come


def test_a_small_gallery_changes_is_written_and_starts_again() -> None:
    kept = restart_figures(300, seconds=0.5, seed=1, clients=2)
    assert kept["failed"] == 0
    assert kept["snapshot_bytes"] > 300 * 512
    churned = churn_figures(ChurnBench(size=2000, per_s=400, seconds=3.0))
    assert churned["failed"] == 0
    assert churned["come_per_s"] > 100
    assert 0 < churned["largest_segment"] <= 1


def test_nothing_acknowledged_is_lost_by_a_kill() -> None:
    found = run_enrolments(CrashBench(times=1, faults=("matcher",), seed=2))
    assert found["ok"]
    assert found["faults"]["matcher"]["enrolled"] >= 2


def test_parts_are_checked() -> None:
    refused = CliRunner().invoke(app, ["matcher", "--part", "speed"])
    assert refused.exit_code != 0
    assert "--part: one of" in refused.output
