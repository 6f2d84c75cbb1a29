import pytest
import torch

from reid.losses.triplet import active_fraction, triplet_loss

D_AP = torch.tensor([1.0, 2.0, 0.5, 0.1], dtype=torch.float64)
D_AN = torch.tensor([1.5, 1.0, 0.7, 5.0], dtype=torch.float64)


def test_nonzero_averages_over_what_still_teaches():
    terms = [0.0, 1.3, 0.1, 0.0]
    assert triplet_loss(D_AP, D_AN, 0.3).item() == pytest.approx(sum(terms) / 4)
    assert triplet_loss(D_AP, D_AN, 0.3, "nonzero").item() == pytest.approx(sum(terms) / 2)
    assert triplet_loss(D_AP, D_AN, None, "nonzero").item() == pytest.approx(triplet_loss(D_AP, D_AN, None).item())


def test_nonzero_of_nothing_active_is_zero():
    near = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    loss = triplet_loss(near, near + 2.0, 0.5, "nonzero")
    loss.backward()
    assert loss.item() == 0
    assert near.grad.abs().sum() == 0


@pytest.mark.parametrize(("margin", "share"), [(0.3, 0.5), (0.0, 0.25), (None, 0.25), (10.0, 1.0)])
def test_active_fraction_counts_triplets_above_zero_or_in_wrong_order(margin, share):
    assert active_fraction(D_AP, D_AN, margin).item() == share


def test_active_fraction_of_nothing_is_zero():
    assert active_fraction(D_AP[:0], D_AN[:0], None).item() == 0


def test_other_reductions_are_refused():
    with pytest.raises(ValueError, match="reduction"):
        triplet_loss(D_AP, D_AN, None, "sum")
