import math

import pytest

from reid.collapse import CollapseWatch


def test_a_loss_that_stays_at_ln_2_with_all_features_in_one_point_is_collapse():
    watch = CollapseWatch(math.log(2), patience=3)
    assert [watch.see(0.6931, 1e-6) for _ in range(4)] == [False, False, True, True]
    assert not watch.see(0.5, 1e-6)


def test_passing_by_is_not_collapse():
    watch = CollapseWatch(math.log(2), patience=2)
    assert not any(watch.see(0.6931, spread) for spread in (4.0, 4.0, 4.0))
    assert not any(CollapseWatch(0.3, scale=0.3, patience=2).see(loss, 1e-6) for loss in (0.3, 0.2, 0.3, 0.2))


def test_the_margin_sets_what_one_point_means():
    watch = CollapseWatch(0.3, scale=0.3, patience=1)
    assert not watch.see(0.3, 0.05)
    assert watch.see(0.3, 0.02)


def test_without_a_collapse_value_nothing_is_told():
    assert not CollapseWatch(None, patience=1).see(0.0, 0.0)
    with pytest.raises(ValueError, match="positive"):
        CollapseWatch(0.3, scale=0.0)
