import pickle
from dataclasses import replace

import pytest

from reid.augment import OFF
from reid.batches import AugmentedPictures, BatchLoader, Place
from reid.data import Sample, read_folder
from reid.errors import DataError


@pytest.fixture
def pictures(small_city):
    return AugmentedPictures(read_folder(small_city, "city", "veri").samples, (32, 32), OFF, seed=1)


def test_batches_are_drawn_as_they_are_asked_and_come_with_what_they_hold(pictures):
    drawn = []

    def draw(count):
        for step in range(count):
            drawn.append(step)
            yield [Place(2 * step, step, 0), Place(2 * step + 1, step, 1)]

    loader = BatchLoader(pictures, workers=0)
    epoch = loader.epoch(draw(6))
    batch, loaded = next(epoch)
    assert len(drawn) < 6
    assert loaded.shape == (2, 32, 32, 3)
    batches = [batch, *(batch for batch, _ in epoch)]
    assert [[place.index for place in batch] for batch in batches] == [[2 * n, 2 * n + 1] for n in range(6)]
    batch, again = next(iter(loader.epoch(draw(1))))
    assert (again == loaded).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_vanished_is_one_line_whoever_reads_it(pictures, tmp_path, workers):
    gone = Sample(tmp_path / "gone.jpg", "city", "1", "1")
    loader = BatchLoader(replace(pictures, samples=[*pictures.samples[:2], gone]), workers)
    with pytest.raises(DataError) as raised:
        list(loader.epoch([[Place(n, 0, n)] for n in range(3)]))
    assert "gone.jpg" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_helpers_get_paths_without_labels(pictures):
    helper = pickle.loads(pickle.dumps(pictures))
    assert [sample.path for sample in helper.samples] == [sample.path for sample in pictures.samples]
    assert {sample.vehicle for sample in helper.samples} == {""}
    place = Place(3, 5, 1)
    assert (helper[place] == pictures[place]).all()
