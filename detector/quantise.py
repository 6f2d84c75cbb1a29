"""Turns a converted detector into an INT8 one by quantisation after training with NNCF. Trains nothing, never serves.

Runs as a process of its own, like ``detector.convert``: NNCF is slow to load and comes with the ``train`` extra.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.openvino_core import openvino_core
from detector.telemetry import forbid_telemetry

#: Pictures of rendered cities, by day, dusk and night, in random order; no place of the demo and none of training.
CALIBRATION_CLIP = Path(__file__).parent / "calibration" / "city.mp4"
#: Raised when the quantised file changes in a way that the cache must notice.
QUANTISER_VERSION = 1

Image = NDArray[np.uint8]


def calibration_pictures(clip: Path = CALIBRATION_CLIP) -> list[Image]:
    """The pictures of a clip, uint8 (H, W, 3) BGR, in order.

    Raises:
        FileNotFoundError: There is no such clip.
        ValueError: It holds no picture.
    """
    import cv2

    if not clip.is_file():
        raise FileNotFoundError(f"no calibration clip at {clip}")
    capture = cv2.VideoCapture(str(clip))
    pictures: list[Image] = []
    try:
        while True:
            read, picture = capture.read()
            if not read:
                break
            pictures.append(np.asarray(picture, np.uint8))
    finally:
        capture.release()
    if not pictures:
        raise ValueError(f"no picture could be read from {clip}")
    return pictures


def quantise_yolo(
    model_xml: Path, out_dir: Path, pictures: Sequence[Image] | None = None, own: Sequence[Image] = ()
) -> Path:
    """Quantises the convolutions of a converted detector; what decodes boxes and scores stays as it is.

    Args:
        model_xml: As written by ``detector.convert``.
        out_dir: Existing folder for ``model.xml``, ``model.bin`` and ``detector.json``.
        pictures: What ranges are taken from; None for the pictures that ship with the product.
        own: Pictures of one's own cameras, that ranges are taken from as well. None is kept.

    Returns:
        Path of the new ``model.xml``.

    Raises:
        FileNotFoundError: A file is missing.
        ImportError: NNCF is not installed.
        ValueError: There are no pictures.
    """
    forbid_telemetry()
    import nncf
    import openvino as ov

    chosen = [*(calibration_pictures() if pictures is None else pictures), *own]
    if not chosen:
        raise ValueError("quantising needs pictures to take ranges from, got none")
    card = json.loads((model_xml.parent / "detector.json").read_text(encoding="utf-8"))
    height, width = card["input_hw"]
    model = openvino_core().read_model(model_xml)
    model.reshape([1, height, width, 3])
    logging.getLogger("nncf").setLevel(logging.ERROR)
    with redirect_stdout(sys.stderr):  # It draws bars on stdout.
        quantised = nncf.quantize(
            model,
            nncf.Dataset([_fitted(picture, height, width) for picture in chosen]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(chosen),
            fast_bias_correction=True,
            ignored_scope=nncf.IgnoredScope(names=_kept_in_fp32(model), validate=False),
        )
    quantised.reshape([-1, height, width, 3])
    xml = out_dir / "model.xml"
    ov.save_model(quantised, xml, compress_to_fp16=True)
    card |= {
        "precision": "int8",
        "quantiser": QUANTISER_VERSION,
        "nncf": nncf.__version__,
        "calibration_pictures": len(chosen),
        "own_pictures": len(own),
    }
    (out_dir / "detector.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return xml


def _fitted(picture: Image, height: int, width: int) -> Image:
    from detector.letterbox import letterbox_into

    batch = np.empty((1, height, width, 3), np.uint8)
    letterbox_into(picture, batch[0])
    return batch


def _kept_in_fp32(model: Any) -> list[str]:
    """Names of what decodes: in the order of the graph, everything behind the last convolution that has weights.

    Box distances, anchors and scores span hundreds of pixels beside shares of one; eight bits for both would move
    boxes by pixels. It costs next to nothing in FP32.
    """
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() not in ("Constant", "Result")]
    outputs = _behind_convolutions(model)
    return [node.get_friendly_name() for node in nodes if node.get_friendly_name() in outputs]


def _behind_convolutions(model: Any) -> set[str]:
    """Names of the nodes that lead from a last convolution to the result, seen from the result."""
    found: set[str] = set()
    waiting = [result.input_value(0).get_node() for result in model.get_results()]
    while waiting:
        node = waiting.pop()
        name = node.get_friendly_name()
        if name in found or node.get_type_name() in ("Constant", "Parameter"):
            continue
        if node.get_type_name().endswith("Convolution") and node.output(0).get_partial_shape()[1].get_length() > 1:
            continue
        found.add(name)
        waiting += [value.get_node() for value in node.input_values()]
    return found
