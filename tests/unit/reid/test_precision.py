import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reid.checkpoint import load_checkpoint
from reid.model import PixelInput
from reid.precision import exact, half_precision
from reid.weights import default_weights

FROZEN = ("conv1", "conv2", "conv3")


@pytest.fixture(scope="module")
def shipped():
    net, metadata = load_checkpoint(default_weights())
    coarse = np.random.default_rng(3).integers(0, 256, (16, 12, 12, 3), dtype=np.uint8)
    pictures = torch.from_numpy(coarse.repeat(8, axis=1).repeat(8, axis=2))  # (16, 96, 96, 3)
    return net.eval(), PixelInput(metadata.preprocessing)(pictures)


def vectors(net, x, stages, autocast=True):
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast), exact(net, stages):
        return net.features(x)[1].float()


def test_frozen_stages_in_32_bits_keep_vectors_where_they_are_served(shipped):
    net, x = shipped
    plain = vectors(net, x, (), autocast=False)
    exactly, roughly = (1 - F.cosine_similarity(plain, vectors(net, x, stages)) for stages in (FROZEN, ()))
    assert exactly.max() < 0.001
    assert roughly.median() > 5 * exactly.median()
    assert torch.equal(vectors(net, x, FROZEN, autocast=False), plain)


def test_what_follows_a_frozen_stage_goes_on_in_16_bits(shipped):
    net, x = shipped
    seen = {}
    stages = net.backbone.network
    handles = [
        stages.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out.dtype}))
        for name in ("conv1", "conv3")
    ]
    vectors(net, x, ("conv1", "conv2.0"))
    for handle in handles:
        handle.remove()
    assert seen == {"conv1": torch.float32, "conv3": torch.bfloat16}


def test_a_stage_that_fails_leaves_all_as_it_was(shipped):
    net, x = shipped
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with exact(net, FROZEN), pytest.raises(RuntimeError):
            net.features(x[:, :2])  # Two channels of three.
        assert torch.is_autocast_enabled("cpu")
    assert "forward" not in vars(net.backbone.network.conv1)


def test_a_processor_computes_in_32_bits():
    assert half_precision(torch.device("cpu")) is None
