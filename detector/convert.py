"""Turns a published YOLO checkpoint into an OpenVINO model. The only part of detection that needs torch; never serves.

Runs as a process of its own (``python -m detector.convert``), so that torch never enters a serving one. A checkpoint
is a pickle: whoever calls this has checked its hash, or trusts it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from detector.telemetry import forbid_telemetry
from detector.types import VEHICLE_CLASSES

#: Raised when the converted file changes in a way that the cache must notice.
CONVERTER_VERSION = 1


def convert_yolo(checkpoint: Path, out_dir: Path, input_hw: tuple[int, int]) -> Path:
    """Converts a checkpoint to OpenVINO IR with FP16-compressed weights and a dynamic batch.

    The model takes uint8 (B, h, w, 3) BGR and gives float32 (B, 4 + classes, anchors): centre x, centre y, width and
    height in input pixels, then class probabilities.

    Args:
        checkpoint: A YOLO `.pt` with COCO classes.
        out_dir: Existing folder for `model.xml`, `model.bin` and `detector.json`.
        input_hw: Network input height and width, multiples of 32.

    Returns:
        Path of `model.xml`.

    Raises:
        ValueError: The checkpoint has other classes than COCO's where the vehicles are.
        ImportError: torch or ultralytics is not installed.
    """
    forbid_telemetry()
    import openvino as ov
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    yolo = YOLO(str(checkpoint), task="detect")
    names: dict[int, str] = dict(yolo.names)
    for vehicle in VEHICLE_CLASSES:
        if names.get(int(vehicle)) != vehicle.name.lower():
            raise ValueError(f"class {int(vehicle)} must be {vehicle.name.lower()!r}, got {names.get(int(vehicle))!r}")
    network = yolo.model.float().eval()
    network.fuse(verbose=False)
    head = network.model[-1]
    head.export, head.dynamic, head.format = True, False, "openvino"
    example = torch.zeros(2, 3, *input_hw)
    with torch.inference_mode():
        network(example)  # fixes the anchor grid before it is traced
        traced = torch.jit.trace(network, example, strict=False, check_trace=False)
    model = ov.convert_model(traced, example_input=example)
    model.reshape([-1, 3, *input_hw])
    model = _with_preprocessing(model)
    xml = out_dir / "model.xml"
    ov.save_model(model, xml, compress_to_fp16=True)
    card = {"input_hw": list(input_hw), "classes": [names[i] for i in sorted(names)], "converter": CONVERTER_VERSION}
    (out_dir / "detector.json").write_text(json.dumps(card, indent=1) + "\n")
    return xml


def _with_preprocessing(model: Any) -> Any:
    """Moves BGR to RGB, layout and scaling into the graph, so that callers hand over bytes as decoded."""
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    steps = PrePostProcessor(model)
    given = steps.input().tensor()
    given.set_element_type(Type.u8)
    given.set_layout(Layout("NHWC"))
    given.set_color_format(ColorFormat.BGR)
    steps.input().preprocess().convert_element_type(Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    steps.input().model().set_layout(Layout("NCHW"))
    return steps.build()


def main(argv: list[str] | None = None) -> int:
    """Converts one checkpoint; prints the path of the result."""
    parser = argparse.ArgumentParser(prog="python -m detector.convert", description=main.__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    args = parser.parse_args(argv)
    xml = convert_yolo(args.checkpoint, args.out_dir, (args.height, args.width))
    sys.stdout.write(f"{xml}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
