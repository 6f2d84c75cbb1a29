import pytest
import torch

from reid.mining.batch_hard import batch_hard


def test_takes_the_furthest_positive_and_the_nearest_negative():
    distances = torch.tensor(
        [
            [0.0, 1.0, 4.0, 3.0, 2.0],
            [1.0, 0.0, 5.0, 6.0, 7.0],
            [4.0, 5.0, 0.0, 8.0, 9.0],
            [3.0, 6.0, 8.0, 0.0, 0.5],
            [2.0, 7.0, 9.0, 0.5, 0.0],
        ]
    )
    mined = batch_hard(distances, torch.tensor([0, 0, 0, 1, 1]))
    assert mined.d_ap.tolist() == [4.0, 5.0, 5.0, 0.5, 0.5]
    assert mined.d_an.tolist() == [2.0, 6.0, 8.0, 3.0, 2.0]
    assert mined.anchors.tolist() == [0, 1, 2, 3, 4]


def test_leaves_out_anchors_without_a_positive():
    mined = batch_hard(torch.rand(3, 3), torch.tensor([0, 0, 1]))
    assert mined.anchors.tolist() == [0, 1]


def test_an_anchor_is_never_its_own_positive():
    distances = torch.tensor([[9.0, 1.0, 2.0], [1.0, 9.0, 3.0], [2.0, 3.0, 9.0]])
    assert batch_hard(distances, torch.tensor([0, 0, 1])).d_ap.tolist() == [1.0, 1.0]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        batch_hard(torch.zeros(2, 3), torch.zeros(3))
