"""Answers are weighed against each other: who is like the vehicle asked for shares the posterior with who else is."""

from __future__ import annotations

import numpy as np
import pytest

from services.matcher.gallery import Gallery
from services.matcher.index.segmented import faiss_index
from services.matcher.types import Grouping, SearchFilter

AXES = np.eye(4, dtype=np.float32)
BETWEEN = ((AXES[0] + AXES[1]) / np.sqrt(2))[None, :].astype(np.float32)


@pytest.fixture
def gallery(spec, seen) -> Gallery:
    """Vehicle a seen twice along the first axis, b along the second, and a sighting nobody decided along the third."""
    made = Gallery(spec, faiss_index)
    sightings = [(seen("a1", 0), "a"), (seen("a2", 0), "a"), (seen("b1", 1), "b"), (seen("u1", 2), None)]
    made.rebuild(sightings, [], "7-0")
    made.set_ready()
    return made


def test_vehicles_that_look_alike_share_it(gallery, spec) -> None:
    found = {m.sighting_id: m for m in gallery.search(BETWEEN, 10).matches}
    ahead = np.exp(spec.calibration.slope * np.sqrt(0.5))
    each = ahead / (2 * ahead + 1)
    assert found["a1"].posterior == found["a2"].posterior == pytest.approx(each)
    assert found["b1"].posterior == pytest.approx(each)
    assert found["u1"].posterior == pytest.approx(1 / (2 * ahead + 1))
    # To the model all three are as likely the one as ever.
    assert found["a1"].probability == found["b1"].probability == pytest.approx(spec.calibration.probability(0.5**0.5))


def test_it_is_the_same_however_few_are_asked_for(gallery) -> None:
    for grouping in Grouping:
        every = gallery.search(BETWEEN, 10, grouping=grouping).matches
        first = gallery.search(BETWEEN, 1, grouping=grouping).matches
        assert first == every[:1]
        assert first[0].posterior <= 0.5


def test_it_weighs_only_what_may_answer(gallery) -> None:
    alone = gallery.search(BETWEEN, 10, SearchFilter(exclude_identity_ids=frozenset({"b"})), Grouping.IDENTITY).matches
    assert [(m.identity_id, m.posterior) for m in alone] == [("a", 1.0)]


@pytest.mark.parametrize("k", [1, 10, 20])
def test_many_sightings_of_one_vehicle_do_not_hide_its_twin(spec, seen, k) -> None:
    made = Gallery(spec, faiss_index)
    made.rebuild([(seen(f"{name}{i}", axis), name) for axis, name in enumerate("ab") for i in range(12)], [], "7-0")
    made.set_ready()
    first = made.search(BETWEEN + 0.001 * AXES[:1], k).matches[0]
    assert first.identity_id == "a"
    assert first.posterior == pytest.approx(0.5, abs=0.01)
