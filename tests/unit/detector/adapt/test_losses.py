"""What the detector is told, held against ultralytics' own losses."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from detector.adapt.labelled import Labelled
from detector.adapt.losses import AdaptLosses


@pytest.fixture(scope="module")
def network(published):
    from ultralytics import YOLO

    return YOLO(str(published), task="detect").model.float().eval()


def outputs(network, pixels):
    head = network.model[-1]
    with torch.no_grad():
        made = network(pixels)[1]
    return head, (made["boxes"].transpose(1, 2), made["scores"].transpose(1, 2), made["feats"])


def labelled(boxes, classes, ignored=()):
    image = np.zeros((96, 160, 3), np.uint8)
    return Labelled(
        image,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


KNOWN = [labelled([[20, 20, 90, 70], [100, 40, 150, 90]], [2, 7]), labelled([[5, 5, 60, 60]], [3])]


def test_with_all_classes_known_losses_are_those_of_ultralytics(network):
    from ultralytics.utils.loss import v8DetectionLoss

    head, made = outputs(network, torch.rand(2, 3, 96, 160))
    told = AdaptLosses(head, range(80), distil=1.0)(made, made, KNOWN)
    network.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
    rows = [
        (number, each, box)
        for number, one in enumerate(KNOWN)
        for each, box in zip(one.classes, one.boxes, strict=True)
    ]
    size = np.array([160, 96, 160, 96])
    batch = {
        "batch_idx": torch.tensor([float(number) for number, _, _ in rows]),
        "cls": torch.tensor([[float(each)] for _, each, _ in rows]),
        "bboxes": torch.tensor(
            np.array([[*(b[:2] + b[2:]) / 2, *(b[2:] - b[:2])] / size for _, _, b in rows]), dtype=torch.float32
        ),
    }
    wanted = {"boxes": made[0].transpose(1, 2), "scores": made[1].transpose(1, 2), "feats": made[2]}
    expected = v8DetectionLoss(network).get_assigned_targets_and_loss(wanted, batch)[1]
    found = torch.stack([told["box"], told["class"], told["sides"]])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_a_network_that_says_what_it_said_has_nothing_to_unlearn(network):
    head, made = outputs(network, torch.rand(3, 3, 96, 160))
    told = AdaptLosses(head, [2, 7, 3], distil=2.0)(made, made, [labelled([], []), labelled([[5, 5, 60, 60]], [2])])
    for name in ("elsewhere", "footage", "footage boxes"):
        assert float(told[name]) == pytest.approx(0.0, abs=1e-4)


def test_other_classes_and_footage_are_held_and_boxes_are_not(network):
    head, made = outputs(network, torch.rand(3, 3, 96, 160))
    losses = AdaptLosses(head, [2], distil=1.0)
    known = [labelled([], []), labelled([], [])]
    person = made[1].clone()
    person[:2, :, 0] += 3.0
    told = losses((made[0], person, made[2]), made, known)
    assert float(told["elsewhere"]) > 0.01
    assert float(told["footage"]) == pytest.approx(0.0, abs=1e-4)
    car = made[1].clone()
    car[:2, :, 2] += 3.0  # of which the set says that there is none
    told = losses((made[0], car, made[2]), made, known)
    assert float(told["elsewhere"]) == pytest.approx(0.0, abs=1e-4)
    seen = made[1].clone()
    seen[2] += 3.0
    assert float(losses((made[0], seen, made[2]), made, known)["footage"]) > 0.01
    drawn = made[0].clone()
    drawn[2, :, :16] = drawn[2, :, :16].flip(1)
    assert float(losses((drawn, made[1], made[2]), made, known)["footage boxes"]) >= 0.0


def test_nothing_is_said_within_what_is_ignored(network):
    head, made = outputs(network, torch.rand(1, 3, 96, 160))
    losses = AdaptLosses(head, [2], distil=1.0)
    car = made[1].clone()
    car[:, :, 2] += 5.0
    everywhere = losses((made[0], car, made[2]), made, [labelled([], [], [[0, 0, 160, 96]])])
    nowhere = losses((made[0], car, made[2]), made, [labelled([], [])])
    assert float(everywhere["class"]) == 0.0
    assert float(nowhere["class"]) > 0.0
    # What it may say of a car there is what it said before.
    assert float(everywhere["elsewhere"]) > float(nowhere["elsewhere"])
