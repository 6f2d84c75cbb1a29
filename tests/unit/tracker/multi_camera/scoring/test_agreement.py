"""Early revisions show less of a vehicle; how much less is learned from how sightings go on."""

from __future__ import annotations

import numpy as np
import pytest

from reid.pooled import pool
from reid.types import Calibration
from tracker.multi_camera.scoring.agreement import LINK, PRIOR, Agreement


def blurred(vehicles, name, agreement, *, final=False):
    look = np.zeros(16)
    look[0], look[1] = agreement, np.sqrt(1 - agreement**2)
    return vehicles.see(name, 1, "a", 0, 2, final=final, look=look, noise=0.0)


def test_what_is_closed_is_relied_on_and_what_is_open_as_revisions_before_it_were(vehicles):
    agreement = Agreement()
    early, closed = blurred(vehicles, "s", 0.7), blurred(vehicles, "s", 1.0, final=True)
    assert agreement.reliability(early) == PRIOR
    for _ in range(200):
        agreement.learn(early, closed)
    assert agreement.reliability(early) == pytest.approx(0.7, abs=0.02)
    assert agreement.reliability(closed) == 1.0


def test_what_was_learned_is_restored_and_drained_once(vehicles):
    agreement = Agreement()
    assert agreement.drain_links() == agreement.all_links() == {}
    agreement.learn(blurred(vehicles, "s", 0.5), blurred(vehicles, "s", 1.0, final=True))
    links = agreement.drain_links()
    assert agreement.drain_links() == {}
    twin = Agreement()
    twin.load(links)
    early = blurred(vehicles, "t", 1.0)
    assert twin.reliability(early) == agreement.reliability(early) < PRIOR
    assert twin.all_links() == links
    with pytest.raises(ValueError, match="agreement"):
        twin.load({LINK: "{}"})


def test_evidence_of_poor_pictures_is_what_a_fit_to_them_finds():
    rng = np.random.default_rng(0)
    n, dims, rho, share = 4000, 40, 0.5, 0.75
    vehicle = rng.standard_normal((n, dims))
    seen = np.sqrt(rho) * vehicle + np.sqrt(1 - rho) * rng.standard_normal((n, dims))
    again = np.sqrt(rho) * vehicle + np.sqrt(1 - rho) * rng.standard_normal((n, dims))
    left = share * np.sqrt(rho)
    poor = left * vehicle + np.sqrt(1 - left**2) * rng.standard_normal((n, dims))
    seen, again, poor = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (seen, again, poor))

    def fitted(x, y):
        z = np.concatenate([(x * y).sum(axis=1), (np.roll(x, 1, axis=0) * y).sum(axis=1)])
        same = np.repeat([1.0, 0.0], n)
        design, theta = np.stack([z, np.ones_like(z)], axis=1), np.zeros(2)
        for _ in range(40):
            p = 1 / (1 + np.exp(-design @ theta))
            theta += np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (same - p))
        return theta

    usual, worse = fitted(seen, again), fitted(seen, poor)
    pooled = pool(Calibration(float(usual[0]), float(usual[1]), 8.0), 4)
    similarity = np.array([0.2, 0.3, 0.4])
    plain = pooled.nats(similarity, np.ones(3, np.intp))
    found = pooled.nats(similarity, np.ones(3, np.intp), 1, share)
    expected = worse[0] * similarity + worse[1]
    assert np.abs(found - expected).max() < 0.35
    assert np.abs(plain - expected).max() > 1.0
