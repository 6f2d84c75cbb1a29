import math

import pytest
import torch
from pydantic import ValidationError

from reid.objective import METRIC_LOSSES, MINERS, ObjectiveSettings

LABELS = torch.tensor([0, 0, 1, 1])


def features(scale: float) -> torch.Tensor:
    return scale * torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_(True)


@pytest.mark.parametrize("miner", MINERS)
def test_every_miner_can_be_trained_with(miner):
    loss = ObjectiveSettings(miner=miner).build()
    term = loss(features(1.0), LABELS, torch.Generator().manual_seed(0))
    term.loss.backward()
    assert term.loss.item() > 0
    assert 0 <= term.active.item() <= 1
    assert term.spread.item() > 0


@pytest.mark.parametrize(("margin", "value", "scale"), [(None, math.log(2), 1.0), (0.3, 0.3, 0.3), (0.0, None, 1.0)])
def test_the_value_at_collapse_is_known(margin, value, scale):
    loss = ObjectiveSettings(margin=margin).build()
    assert loss.at_collapse == value
    assert loss.scale == scale
    if value is not None:
        collapsed = torch.ones(4, 3, dtype=torch.float64)
        assert loss(collapsed, LABELS, torch.Generator()).loss.item() == pytest.approx(value)


def test_cross_entropy_alone_leaves_features_to_themselves():
    own = features(1.0)
    term = ObjectiveSettings(metric="none").build()(own, LABELS, torch.Generator())
    assert term.loss.item() == 0
    assert term.spread.item() > 0
    assert ObjectiveSettings(metric="none").build().at_collapse is None


def test_names_that_are_in_no_table_are_refused_with_those_that_are():
    with pytest.raises(ValidationError, match="batch-hard"):
        ObjectiveSettings(miner="batch-harder")
    with pytest.raises(ValidationError, match=", ".join(METRIC_LOSSES)):
        ObjectiveSettings(metric="magic")
