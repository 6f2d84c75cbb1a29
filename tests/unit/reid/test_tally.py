import math

import pytest
import torch

from reid.collapse import CollapseWatch
from reid.errors import TrainingError
from reid.tally import BATCH_FIGURES, Tally


def figures(loss=1.0, metric=2.0, spread=3.0):
    return torch.tensor([loss, metric, 0.5, 0.25, 1.0, spread])


def test_a_batch_is_read_when_the_next_is_told_or_at_the_end():
    heard = []
    tally = Tally(CollapseWatch(None), lambda step, told: heard.append((step, told)))
    tally.tell(7, figures())
    assert heard == []
    tally.tell(8, figures(metric=4.0))
    assert [step for step, _ in heard] == [7]
    tally.read()
    tally.read()
    assert [step for step, _ in heard] == [7, 8]
    assert heard[0][1] == dict(zip(BATCH_FIGURES, (2.0, 0.5, 0.25, 1.0, 3.0), strict=True))
    assert tally.means(2)["metric"] == pytest.approx(3.0)
    assert not tally.collapsed


def test_a_loss_that_is_no_number_names_its_own_batch():
    tally = Tally(CollapseWatch(None), lambda step, told: None)
    tally.tell(3, figures(loss=math.nan))
    with pytest.raises(TrainingError, match="nan at batch 3"):
        tally.tell(4, figures())


def test_collapse_is_remembered():
    tally = Tally(CollapseWatch(math.log(2), patience=2), lambda step, told: None)
    for step, (metric, spread) in enumerate([(math.log(2), 1e-4)] * 2 + [(0.3, 2.0)]):
        tally.tell(step, figures(metric=metric, spread=spread))
    tally.read()
    assert tally.collapsed
