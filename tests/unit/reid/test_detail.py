from pathlib import Path

import numpy as np
import pytest

from reid.data import Sample
from reid.detail import SIZES_PX, measure_detail, seen_small
from reid.types import Calibration, Detail


def test_shares_rise_with_size_and_are_level_beyond_both_ends():
    detail = Detail((20.0, 80.0), (0.5, 0.9))
    assert [detail.share(px) for px in (1.0, 20.0, 80.0, 900.0)] == pytest.approx([0.5, 0.5, 0.9, 0.9])
    assert detail.share(0.0) == Detail().share(10.0) == 1.0  # Nothing is known of the picture, or of the model.


@pytest.mark.parametrize(
    ("sizes", "shares"),
    [((20.0,), ()), ((80.0, 20.0), (0.5, 0.9)), ((0.0,), (0.5,)), ((9.0,), (0.0,)), ((9.0,), (2.0,))],
)
def test_what_is_no_curve_is_refused(sizes, shares):
    with pytest.raises(ValueError, match="must"):
        Detail(sizes, shares)
    assert Calibration(10.0, -5.0).detail == Detail()


def test_pictures_lose_pixels_but_never_gain_any():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (60, 120, 3), dtype=np.uint8)
    small = seen_small(picture, 30.0)
    assert small.shape[0] * small.shape[1] == pytest.approx(900, rel=0.05)
    assert small.shape[1] == pytest.approx(2 * small.shape[0], abs=1)
    assert seen_small(picture, 200.0) is picture


def test_a_share_is_the_likeness_that_small_pictures_keep_across_cameras(monkeypatch):
    own = np.random.default_rng(0).normal(size=(20, 64))

    def embed(samples, through=None):
        rng = np.random.default_rng(1)
        blur = 0.0 if through is None else 60.0 / through.keywords["size_px"]
        rows = np.array([own[int(s.vehicle)] + blur * rng.normal(size=64) for s in samples])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    monkeypatch.setattr("reid.detail.embed_samples", lambda net, some, preprocessing, through: embed(some, through))
    samples = [Sample(Path(f"{v}{c}"), "city", str(v), str(c)) for v in range(20) for c in (1, 2)]
    detail = measure_detail(None, None, {"city": samples}, {"city": embed(samples)})
    assert detail.sizes_px == SIZES_PX
    expected = [1 / np.hypot(1, 60.0 / px) for px in SIZES_PX]
    assert detail.shares == pytest.approx(expected, abs=0.06)
    assert list(detail.shares) == sorted(detail.shares)
    alone = [s for s in samples if s.camera == "1"]
    assert measure_detail(None, None, {"city": alone}, {"city": embed(alone)}) == Detail()
