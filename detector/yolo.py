"""Finds vehicles with a YOLO network on OpenVINO. Batches pictures of any sizes; knows neither cameras nor time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.letterbox import Letterbox, letterbox_into
from detector.nms import suppress
from detector.openvino_core import openvino_core
from detector.settings import DetectorSettings
from detector.telemetry import forbid_telemetry
from detector.types import Detections

Image = NDArray[np.uint8]

#: Candidates looked at before suppression, best first; a flooded frame must not cost unbounded time.
MAX_CANDIDATES = 1000


class OpenVinoDetector:
    """A converted YOLO model, compiled for the CPU. One caller at a time: it owns its input buffer."""

    def __init__(self, model_xml: Path, settings: DetectorSettings, threads: int | None = None) -> None:
        """Compiles the model.

        Args:
            model_xml: As written by ``detector.convert``.
            settings: Its input size must be the one converted for.
            threads: Inference threads; overrides the settings' own.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The model has another input size than the settings.
        """
        if not model_xml.is_file():
            raise FileNotFoundError(f"no detector model at {model_xml}")
        forbid_telemetry()
        import openvino as ov

        self._settings = settings
        self._class_ids = np.array(settings.class_ids, np.int64)
        count = threads or settings.threads or os.cpu_count() or 1
        config: dict[str, Any] = {
            # A stream of one thread per picture: nothing waits for another thread within a layer.
            "NUM_STREAMS": count,
            "INFERENCE_NUM_THREADS": count,
            # Pinned threads of several processes would queue on the same cores while others idle.
            "ENABLE_CPU_PINNING": False,
            # The runtime picks bfloat16 wherever the processor has it; without matrix units that is slower and coarser.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        core = openvino_core()
        model = core.read_model(model_xml)
        height, width = (
            model.input(0).get_partial_shape()[1].get_length(),
            model.input(0).get_partial_shape()[2].get_length(),
        )
        if (height, width) != settings.input_hw:
            raise ValueError(f"{model_xml} takes {height}x{width} pixels, settings say {settings.input_hw}")
        classes = model.output(0).get_partial_shape()[1].get_length() - 4
        self._is_vehicle = np.isin(np.arange(classes), self._class_ids)
        model.reshape([1, height, width, 3])
        compiled = core.compile_model(model, "CPU", config)
        self._requests = [compiled.create_infer_request() for _ in range(settings.max_batch)]
        self._buffers = [np.empty((1, height, width, 3), np.uint8) for _ in self._requests]
        for request, buffer in zip(self._requests, self._buffers, strict=True):
            request.set_input_tensor(ov.Tensor(buffer, shared_memory=True))

    @property
    def settings(self) -> DetectorSettings:
        """What it was built with."""
        return self._settings

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Finds the vehicles of each picture.

        Args:
            images: uint8 (H, W, 3) BGR, sizes may differ; may be empty.

        Returns:
            One ``Detections`` per picture, in order.

        Raises:
            ValueError: A picture is not uint8 (H, W, 3) or has no pixels.
        """
        found: list[Detections] = []
        for start in range(0, len(images), self._settings.max_batch):
            found += self._detect_batch(images[start : start + self._settings.max_batch])
        return found

    def infer(self, inputs: Sequence[Image]) -> list[NDArray[np.float32]]:
        """Runs the network alone.

        Args:
            inputs: At most ``max_batch`` pictures of the network's input size, uint8 (h, w, 3) BGR.

        Returns:
            Raw output of each, float32 (4 + classes, anchors).
        """
        for image, request, buffer in zip(inputs, self._requests, self._buffers, strict=False):
            buffer[0] = image
            request.start_async()
        raw = []
        for _, request in zip(inputs, self._requests, strict=False):
            request.wait()
            raw.append(np.array(request.get_output_tensor(0).data[0]))
        return raw

    def _detect_batch(self, images: Sequence[Image]) -> list[Detections]:
        fits = []
        for image, request, buffer in zip(images, self._requests, self._buffers, strict=False):
            fits.append(letterbox_into(image, buffer[0]))
            request.start_async()
        found = []
        for fit, request in zip(fits, self._requests, strict=False):
            request.wait()
            raw: NDArray[np.float32] = request.get_output_tensor(0).data
            found.append(self._decode(raw[0], fit))
        return found

    def _decode(self, raw: NDArray[np.float32], fit: Letterbox) -> Detections:
        """One picture's (4 + classes, anchors) to detections in source pixels."""
        settings = self._settings
        vehicle_scores = raw[4 + self._class_ids]  # (vehicle classes, anchors)
        candidates = np.flatnonzero(vehicle_scores.max(axis=0) >= settings.confidence)
        # A box belongs to its best class of all: what is a person first is no weak motorcycle.
        every = raw[4:, candidates]
        class_ids = every.argmax(axis=0).astype(np.int64)
        vehicles = self._is_vehicle[class_ids]
        candidates, class_ids = candidates[vehicles], class_ids[vehicles]
        scores = every.max(axis=0)[vehicles]
        if scores.size > MAX_CANDIDATES:
            best = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
            candidates, class_ids, scores = candidates[best], class_ids[best], scores[best]
        centre, half = raw[:2, candidates], raw[2:4, candidates] / 2
        boxes = np.concatenate([centre - half, centre + half]).T.astype(np.float32)
        kept = suppress(boxes, scores, class_ids, iou=settings.iou, cross_class_iou=settings.cross_class_iou)
        boxes = fit.to_source(boxes[kept])
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        kept, boxes = kept[solid][: settings.max_detections], boxes[solid][: settings.max_detections]
        return Detections(boxes, np.clip(scores[kept], 0.0, 1.0), class_ids[kept])
