"""Goes on training a published YOLO on pictures with known boxes, without unlearning what it knew. Never serves.

Three things keep what was learned elsewhere: the first layers stay as they are; on footage without boxes, and wherever
the boxes say nothing, the network has to go on saying what it said before; and only a share of the way that its weights
have gone is kept in the end.

Sources: Li and Hoiem, Learning without Forgetting, ECCV 2016; Wortsman et al., Robust fine-tuning of zero-shot models,
CVPR 2022 (the mean of the weights before and after).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from detector.adapt.labelled import Image, Labelled, LabelledSet
from detector.adapt.losses import AdaptLosses, Outputs
from detector.adapt.plan import AdaptPlan
from detector.adapt.staging import staged

#: Told: step, losses of this step by name.
Report = Callable[[int, dict[str, float]], None]

#: Share of the steps in which the learning rate rises, and how long a gradient may be.
_WARM_UP, _STEEPEST = 0.1, 10.0


class _Parts:
    """A YOLO's network as layers that are shared and layers that are trained."""

    def __init__(self, network: nn.Module, frozen: int) -> None:
        layers: list[Any] = list(network.model)
        self._save: set[int] = set(network.save)
        self._shared, self._after, self.head = layers[:frozen], layers[frozen:-1], layers[-1]

    def train_on(self) -> list[nn.Parameter]:
        """Lets all but the shared layers be trained; gives their parameters."""
        trained = [
            parameter for layer in (*self._after, self.head.cv2, self.head.cv3) for parameter in layer.parameters()
        ]
        for parameter in trained:
            parameter.requires_grad_(True)
        return trained

    def shared(self, pixels: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """What the frozen layers make of pictures (B, 3, h, w) in 0 .. 1."""
        saved: dict[int, Tensor] = {}
        with torch.no_grad(), _coarse():
            return self._through(self._shared, pixels, saved), saved

    def outputs(self, before: Tensor, saved: dict[int, Tensor]) -> Outputs:
        """Sides (B, anchors, 4 x bins) and class logits (B, anchors, classes), and the maps that anchors lie in."""
        saved = dict(saved)
        with _coarse():
            self._through(self._after, before, saved)
            maps = [saved[layer] for layer in self.head.f]
            made = self.head.forward_head(maps, **self.head.one2many)
        return made["boxes"].transpose(1, 2).float(), made["scores"].transpose(1, 2).float(), maps

    def _through(self, layers: Any, x: Any, saved: dict[int, Tensor]) -> Tensor:
        for layer in layers:
            if isinstance(layer.f, list):
                x = [x if source == -1 else saved[source] for source in layer.f]
            elif layer.f != -1:
                x = saved[layer.f]
            x = layer(x)
            if layer.i in self._save or layer.i in self.head.f:
                saved[layer.i] = x
        return x


def adapt(checkpoint: Path, labelled: LabelledSet, footage: Sequence[Image], plan: AdaptPlan, report: Report) -> Any:
    """Trains.

    Args:
        checkpoint: A YOLOv8 `.pt`; trusted, it is a pickle.
        labelled: Pictures with boxes; its classes must be among the network's.
        footage: Pictures, uint8 (H, W, 3) BGR, that the network shall go on to see as before.
        plan: How far.
        report: Told after each step.

    Returns:
        The network of ultralytics, in 32 bits, its weights the share ``plan.kept`` of the way.

    Raises:
        ValueError: The checkpoint is no YOLO that finds boxes, or lacks a class of the set; a picture cannot be read.
    """
    yolo = _opened(checkpoint)
    numbers = _class_numbers(dict(yolo.names), labelled.classes)
    network = yolo.model.float().eval()  # statistics of batch norm stay those of the photographs it comes from
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    before = deepcopy(network)
    teacher, student = _Parts(before, plan.frozen), _Parts(network, plan.frozen)
    trained = student.train_on()
    losses = AdaptLosses(student.head, numbers, plan.distil)
    optimiser = torch.optim.AdamW(trained, lr=plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.learning_rate, total_steps=plan.steps, pct_start=_WARM_UP, cycle_momentum=False
    )
    rng = np.random.default_rng(plan.seed)
    for step in range(1, plan.steps + 1):
        shown, unknown = _batch(labelled, footage, plan, rng)
        came, saved = student.shared(_pixels([*(each.image for each in shown), *unknown]))
        with torch.no_grad():
            said = teacher.outputs(came, saved)
        told = losses(student.outputs(came, saved), said, shown)
        optimiser.zero_grad()
        torch.stack(list(told.values())).sum().backward()
        nn.utils.clip_grad_norm_(trained, _STEEPEST)
        optimiser.step()
        schedule.step()
        report(step, {name: float(value.detach()) for name, value in told.items()})
    _go_back(network, before, plan.kept)
    return network


def _opened(checkpoint: Path) -> Any:
    from ultralytics import YOLO
    from ultralytics.nn.modules.head import Detect

    try:
        yolo = YOLO(str(checkpoint), task="detect")
    except Exception as exc:  # a pickle may raise whatever it likes
        raise ValueError(f"{checkpoint} cannot be read as a YOLO checkpoint: {exc}") from exc
    if type(yolo.model.model[-1]) is not Detect:
        raise ValueError(f"{checkpoint} is no YOLO that finds boxes")
    return yolo


def _batch(
    labelled: LabelledSet, footage: Sequence[Image], plan: AdaptPlan, rng: np.random.Generator
) -> tuple[list[Labelled], list[Image]]:
    """Pictures with boxes, and pictures of which nothing is known, all of one size."""
    size = plan.sizes_hw[int(rng.integers(len(plan.sizes_hw)))]
    shown = [staged(labelled[int(rng.integers(len(labelled)))], size, rng) for _ in range(plan.labelled)]
    count = plan.unlabelled if footage else 0
    drawn = [Labelled.unknown(footage[int(rng.integers(len(footage)))]) for _ in range(count)]
    return shown, [staged(each, size, rng).image for each in drawn]


def _coarse() -> Any:
    """Products in bfloat16, which processors with matrix units do several times as fast; weights stay in 32 bits."""
    return torch.autocast("cpu", dtype=torch.bfloat16)


def _go_back(network: nn.Module, before: nn.Module, kept: float) -> None:
    """Leaves of the way that the weights have gone the first share, ``kept``."""
    with torch.no_grad():
        for parameter, old in zip(network.parameters(), before.parameters(), strict=True):
            parameter.copy_(torch.lerp(old, parameter, kept))


def _pixels(images: Sequence[Image]) -> Tensor:
    """As the network takes them: float32 (B, 3, h, w) RGB in 0 .. 1."""
    return torch.from_numpy(np.stack(images)[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255.0


def _class_numbers(names: dict[int, str], wanted: Sequence[str]) -> list[int]:
    """The network's number of each class of a set.

    Raises:
        ValueError: It has no class of that name.
    """
    by_name = {name: number for number, name in names.items()}
    for name in wanted:
        if name not in by_name:
            raise ValueError(f"the network knows no class {name!r}")
    return [by_name[name] for name in wanted]
