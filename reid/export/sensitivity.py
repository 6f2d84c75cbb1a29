"""How much each layer of a network loses by being quantised. Decides nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
from numpy.typing import NDArray

from reid.openvino_core import openvino_core

if TYPE_CHECKING:
    from openvino import Input, Node

#: Operations with weights or two branches: what can be kept in FP32 by name.
_LAYERS = frozenset({"Convolution", "GroupConvolution", "MatMul", "Add"})
#: Operations that a quantised value passes through unchanged.
_PASSING = frozenset({"Transpose", "Reshape", "Squeeze", "Unsqueeze", "MaxPool"})
_BATCH = 16


def embedded(model: openvino.Model, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Vectors of pictures of network size.

    Args:
        model: uint8 (B, H, W, 3) to float32 (B, D), any B.
        batch: uint8 (N, H, W, 3).

    Returns:
        float32 (N, D).
    """
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()
    rows = [request.infer([batch[i : i + _BATCH]])[0].copy() for i in range(0, len(batch), _BATCH)]
    return np.concatenate(rows)


def layer_damage(
    plain: openvino.Model, quantised: openvino.Model, batch: NDArray[np.uint8], reference: NDArray[np.float32]
) -> dict[str, float]:
    """What each layer costs when it is the only one in INT8.

    Args:
        plain: The model in FP32.
        quantised: The same quantised, biases not corrected: a correction is made for all layers together, and would
            be counted against the layer that is left.
        batch: uint8 (N, H, W, 3) pictures to measure with.
        reference: float32 (N, D), what the model in FP32 makes of them.

    Returns:
        By name of the layer, in order of the network: mean of 1 - cosine to FP32 over the pictures.
    """
    weights = _plain_weights(plain)
    names = quantised_layers(quantised)
    return {
        name: float(np.mean(1.0 - (embedded(_all_but(quantised, name, names, weights), batch) * reference).sum(axis=1)))
        for name in names
    }


def quantised_layers(model: openvino.Model) -> list[str]:
    """Names of the layers that read quantised values, in order of the network."""
    return [node.get_friendly_name() for node in model.get_ordered_ops() if _quantisers(node)]


def _all_but(
    model: openvino.Model, spared: str, names: Sequence[str], weights: Mapping[str, NDArray[Any]]
) -> openvino.Model:
    """A copy of a quantised model with every layer but one back in FP32."""
    copy = model.clone()
    for node in copy.get_ordered_ops():
        name = node.get_friendly_name()
        if name == spared or name not in names:
            continue
        for reader, quantiser in _quantisers(node):
            reader.replace_source_output(quantiser.input_value(0))
        if name in weights:
            node.input(1).replace_source_output(openvino.opset13.constant(weights[name]).output(0))
    return copy


def _quantisers(node: Node) -> list[tuple[Input, Node]]:
    """Where a layer's inputs are quantised: the reading port, and the quantiser that it reads."""
    if node.get_type_name() not in _LAYERS:
        return []
    found = []
    for reader in node.inputs():
        source = reader.get_source_output().get_node()
        while source.get_type_name() in _PASSING:
            reader = source.input(0)  # noqa: PLW2901 - walked upwards
            source = reader.get_source_output().get_node()
        if source.get_type_name() == "FakeQuantize":
            found.append((reader, source))
    return found


def _plain_weights(plain: openvino.Model) -> dict[str, NDArray[Any]]:
    """Weights by layer, computed where they are written as an expression of constants."""
    found = {}
    for node in plain.get_ordered_ops():
        if node.get_type_name() in _LAYERS and node.get_type_name() != "Add":
            expression = openvino.Model([node.input_value(1)], [], "weights")
            found[node.get_friendly_name()] = openvino_core().compile_model(expression, "CPU")([])[0]
    return found
