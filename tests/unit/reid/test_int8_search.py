"""The search for the layers that stay in FP32."""

import nncf
import numpy as np
import openvino
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openvino import opset13 as ops

from reid.errors import ModelError
from reid.export.int8 import _behind_last_convolution, _Search, fewest
from reid.export.sensitivity import embedded, layer_damage, quantised_layers


@given(most=st.integers(1, 200), share=st.floats(0, 1.2))
def test_bisection_finds_the_least_count_that_does(most, share):
    threshold = round(share * most)
    asked: list[int] = []

    def does(count):
        asked.append(count)
        return count >= threshold

    assert fewest(most, does) == (threshold if threshold <= most else None)
    assert len(asked) <= 11
    assert len(set(asked)) == len(asked)


def convolution(x, weights, group=1):
    if group > 1:
        weights = weights.reshape(group, 1, 1, *weights.shape[2:])
        return ops.group_convolution(x, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1], "explicit")
    return ops.convolution(x, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1], "explicit")


@pytest.fixture(scope="module")
def network():
    """Three convolutions and a head. The second's input spans four decades from channel to channel: INT8 loses it."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    pixels = ops.parameter([-1, 16, 16, 3], np.uint8, "pixels")
    x = ops.transpose(ops.divide(ops.convert(pixels, np.float32), np.float32(255)), [0, 3, 1, 2])
    first = ops.relu(convolution(x, weights(8, 3, 3, 3)))
    scales = np.geomspace(1, 1e-4, 8, dtype=np.float32).reshape(1, 8, 1, 1)
    uneven = ops.multiply(first, ops.constant(scales))
    fair = (weights(8, 1, 3, 3) / scales.reshape(8, 1, 1, 1)).astype(np.float32)
    second = ops.relu(convolution(uneven, fair, group=8))
    third = ops.relu(convolution(second, weights(16, 8, 3, 3)))
    pooled = ops.reduce_mean(third, [2, 3], keep_dims=False)
    unit = ops.divide(pooled, ops.reduce_l2(pooled, [1], keep_dims=True))
    return openvino.Model([unit], [pixels], "small")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (48, 16, 16, 3), dtype=np.uint8)


def test_the_layer_that_loses_is_found(network, pictures):
    raw = nncf.quantize(
        network,
        nncf.Dataset([row[None] for row in pictures]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(pictures),
        ignored_scope=nncf.IgnoredScope(names=_behind_last_convolution(network), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
    )
    names = quantised_layers(raw)
    damage = layer_damage(network, raw, pictures[:16], embedded(network, pictures[:16]))
    assert list(damage) == names
    kinds = {node.get_friendly_name(): node.get_type_name() for node in network.get_ordered_ops()}
    assert kinds[max(damage, key=lambda name: damage[name])] == "GroupConvolution"
    # With every layer back in FP32 nothing is lost: what is measured is the layer alone.
    assert min(damage.values()) < 1e-3
    assert np.linalg.norm(embedded(raw, pictures[:4]), axis=1) == pytest.approx(1, abs=1e-3)


def test_only_what_loses_stays_in_fp32(network, pictures, capsys):
    search = _Search(network, pictures)
    quantised, found = search.run(0.999)
    kinds = {node.get_friendly_name(): node.get_type_name() for node in network.get_ordered_ops()}
    assert [kinds[name] for name in found.kept] == ["GroupConvolution"]
    assert found.layers >= 3
    assert found.least_cosine >= 0.999
    assert found.document()["fp32_layers"] == 1
    judged = pictures[2::3]
    cosine = (embedded(quantised, judged) * embedded(network, judged)).sum(axis=1)
    assert cosine.min() == pytest.approx(found.least_cosine, abs=1e-6)


def test_a_cosine_beyond_reach_is_refused(network, pictures):
    with pytest.raises(ModelError, match="no layer can be quantised"):
        _Search(network, pictures[:9]).run(1.1)
