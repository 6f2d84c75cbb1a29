import numpy as np
import pytest

from reid.augment import OFF, STEPS, AugmentSettings, augment
from reid.preprocess import resize_crop, to_batch

EVERYTHING = AugmentSettings(**(OFF.model_dump() | dict.fromkeys(STEPS, 1.0)))


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)


def test_off_only_resizes():
    out = augment(picture(), (48, 48), OFF, np.random.default_rng(0))
    assert np.array_equal(out, resize_crop(picture(), (48, 48)))


@pytest.mark.parametrize("shape", [(70, 90, 3), (1, 1, 3), (3, 200, 3), (48, 48, 3)])
def test_everything_keeps_shape_and_leaves_the_source_alone(shape):
    source = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    before = source.copy()
    for seed in range(10):
        out = augment(source, (48, 48), EVERYTHING, np.random.default_rng(seed))
        assert out.shape == (48, 48, 3)
        assert out.dtype == np.uint8
        assert not np.shares_memory(out, source)
    assert np.array_equal(source, before)


def test_chance_comes_from_the_generator_alone():
    first, second = (augment(picture(), (32, 32), EVERYTHING, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, augment(picture(), (32, 32), EVERYTHING, np.random.default_rng(6)))


@pytest.mark.parametrize("step", STEPS)
def test_each_step_changes_the_picture(step):
    settings = AugmentSettings(**(OFF.model_dump() | {step: 1.0}))
    out = augment(picture(), (48, 48), settings, np.random.default_rng(3))
    assert not np.array_equal(out, resize_crop(picture(), (48, 48)))


@pytest.mark.parametrize(
    "crop", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_batches_refuse_what_is_no_crop(crop):
    with pytest.raises(ValueError, match="uint8"):
        to_batch([crop], (8, 8))


def test_batch_of_nothing_is_empty():
    assert to_batch([], (8, 16)).shape == (0, 8, 16, 3)
