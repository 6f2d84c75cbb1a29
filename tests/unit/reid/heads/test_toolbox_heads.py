"""Each head against its paper's formula, written cell by cell in float64, and its gradient."""

import math
import warnings

import numpy as np
import openvino
import pytest
import torch

from reid.backbones import build_backbone
from reid.baselines.whitening import fit_whitening
from reid.errors import ModelError
from reid.heads.average import GlobalAverage
from reid.heads.local_global import LocalGlobal
from reid.heads.mac import Mac, RegionalMac, regions
from reid.heads.multi_level import MultiLevelFusion
from reid.heads.netvlad import NetVlad
from reid.heads.pooling import POOLINGS, build_pooling, pooled_width
from reid.heads.second_order import FirstAndSecondOrder, covariance, newton_schulz_root
from reid.heads.spoc import Spoc
from reid.metadata import Architecture
from reid.model import EmbeddingGraph, ReidNet
from reid.openvino_core import openvino_core
from reid.preprocess import Preprocessing


@pytest.fixture
def maps() -> torch.Tensor:
    return torch.rand(2, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1


def cells_of(maps, b):
    return [maps[b, :, y, x].tolist() for y in range(maps.shape[2]) for x in range(maps.shape[3])]


def unit(v):
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v]


def test_spoc_is_a_sum_weighted_towards_the_centre(maps):
    height, width = 5, 6
    sigma = min(height / 2, width / 2) / 3
    weights = [
        math.exp(-((y + 0.5 - height / 2) ** 2 + (x + 0.5 - width / 2) ** 2) / (2 * sigma**2))
        for y in range(height)
        for x in range(width)
    ]
    pooled = Spoc()(maps)
    for b in range(2):
        for c in range(4):
            values = maps[b, c].flatten().tolist()
            expected = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
            assert pooled[b, c].item() == pytest.approx(expected, abs=1e-9)


def test_mac_and_r_mac_are_maxima_of_the_map_and_of_its_regions(maps):
    pooled, regional = Mac()(maps), RegionalMac(2)(maps)
    squares = regions(5, 6, 2)
    assert all(t >= 0 and t + s <= 5 and left >= 0 and left + s <= 6 for t, left, s in squares)
    for b in range(2):
        assert pooled[b].tolist() == [max(maps[b, c].flatten().tolist()) for c in range(4)]
        total = [0.0] * 4
        for top, left, side in squares:
            square = [
                max(maps[b, c, y, x].item() for y in range(top, top + side) for x in range(left, left + side))
                for c in range(4)
            ]
            total = [a + x for a, x in zip(total, unit(square), strict=True)]
        assert regional[b].tolist() == pytest.approx([x / len(squares) * 2 for x in total], abs=1e-9)


def test_regions_grow_in_number_as_the_paper_draws_them():
    assert len(regions(9, 9, 3)) == 1 + 4 + 9
    wide = regions(9, 18, 1)
    assert len(wide) == 3
    assert [left for _, left, _ in wide] == [0, 4, 9]
    assert [top for top, _, _ in regions(18, 9, 1)] == [0, 4, 9]


def naive_netvlad(head, maps, b):
    weight, bias, centres = (p.tolist() for p in (head.assign.weight, head.assign.bias, head.centres))
    vlad = [[0.0] * len(centres[0]) for _ in centres]
    for cell in cells_of(maps, b):
        x = unit(cell)
        logits = [sum(w * v for w, v in zip(row, x, strict=True)) + o for row, o in zip(weight, bias, strict=True)]
        total = sum(math.exp(value) for value in logits)
        for k, value in enumerate(logits):
            share = math.exp(value) / total
            vlad[k] = [v + share * (a - c) for v, a, c in zip(vlad[k], x, centres[k], strict=True)]
    flat = unit([v for row in vlad for v in unit(row)])
    return [v * math.sqrt(len(flat)) for v in flat]


def test_netvlad_equals_its_formula_and_begins_as_assignment_by_distance(maps):
    torch.manual_seed(0)
    head = NetVlad(4, clusters=3, sharpness=2.0).double()
    pooled = head(maps)
    for b in range(2):
        assert pooled[b].tolist() == pytest.approx(naive_netvlad(head, maps, b), abs=1e-9)
    x = torch.nn.functional.normalize(torch.randn(7, 4, dtype=torch.float64), dim=1)
    by_distance = torch.softmax(-2.0 * (x[:, None] - head.centres[None]).square().sum(2), dim=1)
    assert torch.allclose(head.assign(x).softmax(1), by_distance, atol=1e-6)
    assert pooled_width(NetVlad(256, clusters=3, reduced=8), 256) == 24


def test_second_order_is_the_root_of_the_covariance_beside_the_first(maps):
    c = covariance(maps)
    for b in range(2):
        cells = np.array(cells_of(maps, b))
        expected = sum(np.outer(x - cells.mean(0), x - cells.mean(0)) for x in cells) / len(cells)
        assert np.allclose(c[b].numpy(), expected, atol=1e-9)
        values, vectors = np.linalg.eigh(expected)
        root = vectors @ np.diag(np.sqrt(np.maximum(values, 0))) @ vectors.T
        assert np.allclose(newton_schulz_root(c, 30)[b].numpy(), root, atol=1e-5)
        y, z, trace = expected / np.trace(expected), np.eye(4), np.trace(expected)
        for _ in range(5):
            step = 0.5 * (3 * np.eye(4) - z @ y)
            y, z = y @ step, step @ z
        assert np.allclose(newton_schulz_root(c)[b].numpy(), y * math.sqrt(trace), atol=1e-9)
    head = FirstAndSecondOrder(4).double()
    joined = head(maps)
    assert joined.shape == (2, 4 + 10)
    assert torch.allclose(joined[:, :4], head.first(maps))
    upper = [newton_schulz_root(c)[0, i, j].item() for i in range(4) for j in range(i, 4)]
    assert joined[0, 4:].tolist() == pytest.approx(upper)
    assert torch.isfinite(head(torch.ones_like(maps))).all()


def test_local_and_global_join_the_whole_with_its_stripes(maps):
    head = LocalGlobal(3).double()
    joined = head(maps)
    assert torch.allclose(joined[:, :4], head.whole(maps))
    for part, (top, bottom) in enumerate([(0, 2), (1, 4), (3, 5)]):
        expected = [[np.mean(maps[b, c, top:bottom].numpy()) for c in range(4)] for b in range(2)]
        assert np.allclose(joined[:, 4 * (part + 1) : 4 * (part + 2)].detach().numpy(), expected)


def test_levels_are_averaged_normalised_and_joined(maps):
    earlier = torch.rand(2, 3, 10, 12, dtype=torch.float64)
    head = MultiLevelFusion(GlobalAverage(), [3]).double()
    joined = head([earlier, maps])
    means = earlier.mean(dim=(2, 3))
    expected = (means - means.mean(0)) / torch.sqrt(means.var(0, unbiased=False) + 1e-5)
    assert torch.allclose(joined[:, :4], maps.mean(dim=(2, 3)))
    assert torch.allclose(joined[:, 4:], expected)
    generator = torch.Generator().manual_seed(3)
    shapes = ((5, 3, 4, 4), (5, 4, 2, 3))
    levels = [torch.rand(shape, generator=generator, dtype=torch.float64).requires_grad_(True) for shape in shapes]
    assert torch.autograd.gradcheck(lambda *given: head(given), levels, eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
def test_gradients_of_every_head(name, maps):
    torch.manual_seed(1)
    head = build_pooling(name, 4).double()
    assert torch.autograd.gradcheck(head, (maps.clone().requires_grad_(True),), eps=1e-6, atol=1e-5)
    assert pooled_width(build_pooling(name, 4), 4) == head(maps).shape[1]


def test_whitening_decorrelates_and_keeps_the_greatest_variances():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 6)) * [5, 3, 1, 0.5, 0.2, 0.1] @ np.linalg.qr(rng.normal(size=(6, 6)))[0] + 2
    whitening = fit_whitening(vectors, 3, damping=0.0)
    made = (vectors - whitening.mean) @ whitening.projection
    assert np.allclose(made.T @ made / 400, np.eye(3), atol=1e-6)
    values = np.sort(np.linalg.eigvalsh(np.cov(vectors.T, bias=True)))[::-1][:3]
    assert np.allclose(np.linalg.norm(whitening.projection, axis=0) ** -2, values)
    assert np.allclose(np.linalg.norm(whitening.apply(vectors), axis=1), 1)
    assert fit_whitening(vectors[:3], 6).projection.shape == (6, 2)
    with pytest.raises(ValueError, match="two vectors"):
        fit_whitening(vectors[:1], 2)


def test_levels_of_a_backbone_are_found_by_name_and_unknown_ones_named():
    backbone = build_backbone("mobilenetv2_x1_0").eval()
    levels = ("conv4", "conv6.0")
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        maps = backbone.maps(x, levels)
        assert torch.equal(maps[-1], backbone(x))
        assert torch.equal(maps[0], backbone.network.conv4(feed(backbone.network, x)))
    assert backbone.level_channels(levels) == [m.shape[1] for m in maps[:-1]]
    assert not any(module._forward_hooks for module in backbone.modules())
    with pytest.raises(ModelError, match="no stage 'conv99'; there are conv1"):
        backbone.level_channels(("conv99",))


def feed(network, x):
    for stage in (network.conv1, network.conv2, network.conv3):
        x = stage(x)
    return x


@pytest.mark.parametrize(
    "changes", [*({"pooling": name} for name in POOLINGS), {"pooling": "gap", "levels": ("conv4", "conv6")}], ids=str
)
def test_every_architecture_gives_unit_vectors_and_can_be_copied(changes):
    import copy

    net = ReidNet(Architecture(backbone="mobilenetv2_x1_0", dim=16, **changes)).eval()
    graph = EmbeddingGraph(copy.deepcopy(net), Preprocessing(input_hw=(48, 64)))
    with torch.no_grad():
        vectors = graph(torch.randint(0, 256, (2, 48, 64, 3), dtype=torch.uint8))
    assert vectors.shape == (2, 16)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
def test_every_pooling_converts_and_gives_the_same_in_openvino(name):
    torch.manual_seed(2)
    pooling = build_pooling(name, 12).eval()
    example = torch.rand(2, 12, 5, 6) + 0.05
    with torch.no_grad(), warnings.catch_warnings():  # Tracing warns of constants that are constant on purpose.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(pooling, example_input=example, input=[-1, 12, 5, 6])
        model = openvino_core().compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        for batch in (1, 3):
            maps = torch.rand(batch, 12, 5, 6) + 0.05
            assert np.allclose(model(maps.numpy())[0], pooling(maps).numpy(), atol=1e-4)


def test_a_pooling_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(ModelError, match=r"no pooling .magic.; there are gem, gap"):
        ReidNet(Architecture(backbone="mobilenetv2_x1_0", pooling="magic"))
