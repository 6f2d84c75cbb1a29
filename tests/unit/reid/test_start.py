from pathlib import Path

import pytest
import torch

from reid.checkpoint import save_checkpoint
from reid.errors import ModelError
from reid.metadata import Architecture
from reid.model import ReidNet
from reid.start import initialise


@pytest.fixture
def known(tmp_path, metadata) -> tuple[ReidNet, Path]:
    torch.manual_seed(3)
    net = ReidNet(metadata.architecture)
    save_checkpoint(net, metadata, tmp_path / "known.safetensors")
    return net, tmp_path / "known.safetensors"


def close(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return all(torch.allclose(x, y, atol=1e-2) for x, y in pairs)


def test_a_checkpoint_gives_backbone_and_head_but_no_classifier(known, metadata):
    net = ReidNet(metadata.architecture, classes=4)
    assert not close(net.embed, known[0].embed)
    initialise(net, known[1])
    assert close(net.backbone, known[0].backbone)
    assert close(net.embed, known[0].embed)
    assert net.classifier.weight.shape == (4, 32)


def test_of_a_checkpoint_with_another_head_only_the_backbone_is_taken(known, metadata):
    net = ReidNet(metadata.architecture.model_copy(update={"dim": 16}))
    before = net.embed.weight.clone()
    initialise(net, known[1])
    assert close(net.backbone, known[0].backbone)
    assert torch.equal(net.embed.weight, before)


def test_a_checkpoint_of_another_backbone_is_refused(known):
    net = ReidNet(Architecture(backbone="osnet_x0_25", last_stride=2))
    with pytest.raises(ModelError, match="holds a mobilenetv2_x1_0, the run wants a osnet_x0_25"):
        initialise(net, known[1])


def test_nothing_changes_nothing_and_other_files_are_refused(metadata, tmp_path):
    net = ReidNet(metadata.architecture)
    before = net.embed.weight.clone()
    initialise(net, "none")
    assert torch.equal(net.embed.weight, before)
    with pytest.raises(ModelError, match="cannot read"):
        initialise(net, tmp_path / "absent.pt")


def test_the_zoo_is_reached_through_torchreid_alone(monkeypatch, metadata):
    class Zoo:
        @staticmethod
        def build_model(**asked):
            raise OSError(f"pretrained={asked['pretrained']}")

    net = ReidNet(Architecture(backbone="osnet_x0_25", last_stride=2))
    monkeypatch.setattr("reid.backbones.zoo.torchreid_models", lambda: Zoo)
    with pytest.raises(ModelError, match="pretrained=True"):
        initialise(net, "torchreid-zoo")
