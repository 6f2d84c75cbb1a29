"""Going on training: what moves, what stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from detector.adapt.checkpoint import write_checkpoint
from detector.adapt.labelled import LabelledSet
from detector.adapt.loop import adapt
from detector.adapt.plan import AdaptPlan

PLAN = AdaptPlan(steps=2, labelled=2, unlabelled=1, sizes_hw=((64, 96),), learning_rate=1e-3, kept=1.0)
FOOTAGE = [np.random.default_rng(1).integers(0, 255, (60, 90, 3)).astype(np.uint8)]


@pytest.fixture(scope="module")
def before(published):
    from ultralytics import YOLO

    return {k: v.float() for k, v in YOLO(str(published), task="detect").model.state_dict().items()}


def run(published, folder, plan=PLAN, footage=FOOTAGE):
    told = []
    network = adapt(published, LabelledSet(folder), footage, plan, lambda step, losses: told.append((step, losses)))
    return network, told


def test_the_first_layers_and_all_statistics_stay(published, small_set, before):
    network, told = run(published, small_set)
    assert [step for step, _ in told] == [1, 2]
    assert all(np.isfinite(value) for _, losses in told for value in losses.values())
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(int(name.split(".")[1]) < PLAN.frozen for name in moved)
    assert not any("running" in name or "num_batches" in name or "dfl" in name for name in moved)


def test_a_share_of_the_way_is_kept(published, small_set, before):
    whole, _ = run(published, small_set)
    half, _ = run(published, small_set, replace(PLAN, kept=0.5))
    none, _ = run(published, small_set, replace(PLAN, kept=0.0))
    name = "model.22.cv3.0.2.weight"
    there, here, nowhere = (each.state_dict()[name] for each in (whole, half, none))
    torch.testing.assert_close(here, (before[name] + there) / 2)
    torch.testing.assert_close(nowhere, before[name])


def test_the_same_seed_gives_the_same_weights(published, small_set):
    one, other = (run(published, small_set)[0].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_without_footage_it_learns_from_boxes_alone(published, small_set):
    _, told = run(published, small_set, footage=[])
    assert told[0][1]["footage"] == 0.0


def test_a_class_that_the_network_does_not_know_is_named(published, make_set, tmp_path):
    folder = make_set(tmp_path / "other", names=("car", "rickshaw"))
    with pytest.raises(ValueError, match="knows no class 'rickshaw'"):
        run(published, folder)


def test_what_is_no_checkpoint_is_said(small_set, tmp_path):
    (tmp_path / "text.pt").write_text("no pickle")
    with pytest.raises(ValueError, match=r"text\.pt cannot be read as a YOLO checkpoint"):
        run(tmp_path / "text.pt", small_set)


def test_a_checkpoint_can_be_read_again(published, small_set, tmp_path):
    from ultralytics import YOLO

    network, _ = run(published, small_set)
    write_checkpoint(network, published, tmp_path / "new.pt")
    read = YOLO(str(tmp_path / "new.pt"), task="detect")
    assert read.names[2] == "car"
    assert str(published).encode() not in (tmp_path / "new.pt").read_bytes()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(read.model.state_dict()[name].float(), value.half().float())
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".pt", ".draft")] == ["new.pt"]
