"""Observations worked out together score as each would alone, whatever was decided in between."""

from __future__ import annotations

import numpy as np
import pytest

from reid.types import Calibration
from tests.unit.tracker.multi_camera.conftest import scorer_for
from tracker.multi_camera.scoring.score import Scorer
from tracker.multi_camera.settings import AssociationSettings


@pytest.mark.parametrize(
    ("spread", "settings"),
    [
        pytest.param(0.6, {}, id="many candidates"),
        pytest.param(0.6, {"unknown_link_candidates": 20}, id="more than may be compared"),
        pytest.param(3.0, {"unknown_link_candidates": 20}, id="next to no hope"),
    ],
)
def test_what_was_worked_out_ahead_is_what_would_be_worked_out_now(vehicles, spread, settings):
    rng = np.random.default_rng(5)
    centre = rng.standard_normal(16)

    def see(name, camera, start_s):
        look = centre + spread * rng.standard_normal(16)
        return vehicles.see(name, 0, camera, start_s, start_s + 4, look=look)

    known = [(see(f"s{i:03d}", f"c{i % 6}", 0.2 * i), f"i{i:03d}") for i in range(120)]
    scorer, memory, topology = scorer_for(known, **settings)
    waiting = [see(f"t{i:02d}", f"c{i // 5}", 30 + 0.1 * i) for i in range(30)]
    scorer.expect(waiting)
    for number, begin in enumerate(range(0, len(waiting), 5)):
        group = waiting[begin : begin + 5]
        scores = scorer.score_all(group)
        afresh = Scorer(AssociationSettings(**settings), Calibration(20.0, -10.0), memory, topology, lambda _: 1.0)
        for score, expected in zip(scores, afresh.score_all(group), strict=True):
            assert score.rows.tolist() == expected.rows.tolist()
            assert score.total == pytest.approx(expected.total, abs=1e-4)
        # Some are vehicles that were known, of which one is the likeliest of all; others are new.
        for observation, score in zip(group, scores, strict=True):
            likeliest = memory.row_ids[score.rows[np.argmax(score.total)]]
            memory.assign(observation, f"n{observation.sighting_id}" if number % 2 else str(likeliest))


def test_what_a_look_took_out_is_judged_without_it(vehicles):
    known = [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(4)]
    again = vehicles.see("t", 2, "b", 20, 22)
    scorer, memory, _ = scorer_for([*known, (again, "i2")])
    scorer.expect([again])
    assert memory.detach("t") == "i2"
    scores = scorer.score(again, keep=memory.row("i2"))
    assert memory.visit_counts[memory.row("i2")] == 1
    assert scores.rows[np.argmax(scores.total)] == memory.row("i2")
    assert np.isfinite(scores.total).all()


def test_a_newer_revision_is_not_taken_for_the_one_worked_out(vehicles):
    known = [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(4)]
    scorer, memory, _ = scorer_for(known)
    scorer.expect([vehicles.see("t", 1, "b", 20, 22, final=False)])
    scores = scorer.score(vehicles.see("t", 3, "b", 20, 22, revision=2))
    assert scores.rows[np.argmax(scores.total)] == memory.row("i3")
