import pytest
import torch

from reid.heads.average import GeM, GlobalAverage
from reid.heads.bnneck import BNNeck


@pytest.fixture
def maps() -> torch.Tensor:
    return torch.rand(3, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1


def test_gem_equals_its_formula_and_lies_between_average_and_maximum(maps):
    for p in (1.0, 3.0, 20.0):
        pooled = GeM(p).double()(maps)
        for b in range(3):
            for c in range(4):
                values = maps[b, c].flatten().tolist()
                expected = (sum(v**p for v in values) / len(values)) ** (1 / p)
                assert pooled[b, c].item() == pytest.approx(expected, abs=1e-5)
    average = GlobalAverage()(maps)
    assert torch.allclose(GeM(1.0).double()(maps), average)
    assert (GeM(20.0).double()(maps) > average).all()
    assert (GeM(200.0).double()(maps) <= maps.amax(dim=(2, 3)) + 1e-9).all()


def test_gem_has_gradients_also_where_the_map_is_dark(maps):
    gem = GeM().double()
    gem(torch.zeros_like(maps)).sum().backward()
    assert torch.isfinite(gem.p.grad)
    assert torch.autograd.gradcheck(gem, (maps.requires_grad_(True),))


def test_bnneck_normalises_over_the_batch_and_learns_no_shift():
    neck = BNNeck(8).double()
    features = torch.randn(64, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 5 + 3
    after = neck(features)
    expected = (features - features.mean(0)) / torch.sqrt(features.var(0, unbiased=False) + neck.eps)
    assert torch.allclose(after, expected)
    probe = torch.randn(4, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_(True)
    assert torch.autograd.gradcheck(neck, (probe,), eps=1e-6, atol=1e-5)
    after.square().sum().backward()
    assert neck.bias.grad is None
    assert neck.weight.grad is not None
