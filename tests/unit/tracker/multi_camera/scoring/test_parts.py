"""The comparison with everything remembered, done part by part while memory changes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import scorer_for


@pytest.fixture
def crowd(vehicles):
    return [(vehicles.see(f"s{i:02d}", i, "abc"[i % 3], 10.0 * i, 10.0 * i + 3), f"v{i:02d}") for i in range(12)]


def similarities(near):
    return dict(zip(near.rows.tolist(), near.similarity.tolist(), strict=True))


def test_parts_find_what_one_comparison_finds_whatever_changes_between(crowd, vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.scoring.appearance.PART", 4)
    scorer, memory, _ = scorer_for(crowd)
    waiting = vehicles.see("q", 3, "d", 200, 203)
    pauses = 0
    for pauses, _ in enumerate(scorer.prepare_in_parts([waiting]), 1):
        memory.assign(vehicles.see(f"late{pauses}", pauses, "d", 150 + 5 * pauses, 152 + 5 * pauses), f"v{pauses:02d}")
    assert pauses == 3
    found = similarities(scorer.nearest([waiting]))
    expected = similarities(scorer_for([*crowd])[0].nearest([waiting]))
    assert set(found) == set(expected)
    changed = {memory.row(f"v{k:02d}") for k in range(1, 4)}
    for row, similarity in found.items():
        assert similarity == pytest.approx(float(memory.centres[row] @ memory.query_vector(waiting)), abs=1e-6)
        assert row in changed or similarity == pytest.approx(expected[row], abs=1e-6)
    assert np.isfinite(list(found.values())).all()


def test_little_is_compared_without_a_pause(crowd, vehicles):
    scorer, _, _ = scorer_for(crowd)
    assert list(scorer.prepare_in_parts([vehicles.see("q", 3, "d", 200, 203)])) == []
