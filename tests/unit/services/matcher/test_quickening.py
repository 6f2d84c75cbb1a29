"""What makes an index faster is learned beside who feeds it: nobody waits, and nothing is found wrongly meanwhile."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.identity.memory_store import MemoryStore
from services.matcher.follower import GalleryFollower
from services.matcher.gallery import Gallery
from services.matcher.index import quickening
from services.matcher.index.brute_force import BruteForceIndex
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex, faiss_index
from services.types import Sighting
from tracker.types import TrackKey

DIM = 16
RULES = SegmentRules(head_rows=64, segment_rows=512, tier="fast", learn_from=256)
WAIT_S = 30


class Held:
    """A learner that begins, and goes on only when it is let."""

    def __init__(self, learner: Callable[[np.ndarray], object]) -> None:
        self.learner = learner
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.samples: list[np.ndarray] = []

    def __call__(self, sample: np.ndarray) -> object:
        self.samples.append(sample)
        self.begun.set()
        assert self.go_on.wait(WAIT_S)
        return self.learner(sample)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Learning the quantiser waits until it is let go on; in the end it is."""
    holding = Held(quickening.CoarseQuantiser)
    monkeypatch.setattr(quickening, "CoarseQuantiser", holding)
    yield holding
    holding.go_on.set()


@pytest.fixture
def make() -> Iterator[Callable[..., SegmentedIndex]]:
    """Makes indexes that are closed in the end."""
    made: list[SegmentedIndex] = []

    def one(rules: SegmentRules = RULES, dim: int = DIM) -> SegmentedIndex:
        made.append(SegmentedIndex(dim, rules=rules))
        return made[-1]

    yield one
    for index in made:
        index.close()


def unit(seed: int, n: int, dim: int = DIM) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)  # as they are kept, so that brute force is held to the same


def keep_house(index: SegmentedIndex) -> None:
    """As who feeds does; it would never return if it waited for what is held."""
    while index.maintain():
        pass


def test_all_goes_on_while_it_is_learned(held: Held, make: Callable[..., SegmentedIndex]) -> None:
    index, reference = make(), BruteForceIndex(DIM)

    def same() -> None:
        found, expected = index.search(queries, 7), reference.search(queries, 7)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
        assert (found.ids == expected.ids).mean() > 0.99

    queries, rows = unit(1, 20), unit(2, 1500)
    for some in (index, reference):
        some.add(np.arange(600), rows[:600])
    keep_house(index)
    assert held.begun.wait(WAIT_S)
    same()
    for some in (index, reference):
        some.add(np.arange(600, 1500), rows[600:])
        some.remove(np.arange(0, 1500, 3))
    keep_house(index)
    same()
    index.purge()
    same()
    again = make(SegmentRules(64, 512, tier="exact"))  # a restart from what was written down meanwhile
    again.load(index.export())
    assert again.search(queries, 7).ids.tolist() == index.search(queries, 7).ids.tolist()
    assert index.tier == "exact"
    held.go_on.set()
    index.settle()
    assert index.tier == "fast"
    assert len(held.samples) == 1
    found = index.search(rows[1:300:3], 1)
    assert (found.ids[:, 0] == np.arange(1, 300, 3)).all()
    assert not np.isin(index.search(queries, 50).ids, np.arange(0, 1500, 3)).any()


def test_a_segment_gets_its_first_pass_beside_the_feeding_too(
    make: Callable[..., SegmentedIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, rows = make(), unit(3, 1200)
    index.add(np.arange(600), rows[:600])
    index.settle()
    quick = index.nbytes
    quantiser = index._quickener._quantiser
    holding = Held(quantiser.encode)
    monkeypatch.setattr(quantiser, "encode", holding)
    index.add(np.arange(600, 1200), rows[600:])
    keep_house(index)
    assert holding.begun.wait(WAIT_S)
    assert index.search(rows[900:901], 1).ids.tolist() == [[900]]
    assert index.nbytes < 2 * quick
    holding.go_on.set()
    index.settle()
    assert all(part.coarse is not None for part in index.parts()[:-1])


def test_so_it_is_with_bounds(make: Callable[..., SegmentedIndex], monkeypatch: pytest.MonkeyPatch) -> None:
    holding = Held(quickening.Leading)
    monkeypatch.setattr(quickening, "Leading", holding)
    index = make(SegmentRules(64, 512, tier="exact", bounds_from=256, learn_from=256), 80)
    rows = unit(4, 600, 80)
    index.add(np.arange(600), rows)
    keep_house(index)
    assert holding.begun.wait(WAIT_S)
    assert index.search(rows[:30], 1).ids[:, 0].tolist() == list(range(30))
    bare = index.nbytes
    holding.go_on.set()
    index.settle()
    assert index.nbytes > bare
    assert index.search(rows[:30], 1).ids[:, 0].tolist() == list(range(30))


def test_a_closed_index_waits_for_nobody(held: Held) -> None:
    index = SegmentedIndex(DIM, rules=RULES)
    index.add(np.arange(600), unit(5, 600))
    keep_house(index)
    assert held.begun.wait(WAIT_S)
    view = index.view()
    index.close()
    assert view.search(unit(5, 1), 1).ids.tolist() == [[0]]
    held.go_on.set()
    index._quickener.wait()
    assert index.tier == "exact"  # what comes after the end is not given to anybody
    index.maintain()
    assert len(held.samples) == 1


def test_a_failure_is_told_once_and_tried_again_with_twice_the_rows(
    make: Callable[..., SegmentedIndex], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    learner, asked = quickening.CoarseQuantiser, []

    def failing(sample: np.ndarray) -> object:
        asked.append(len(sample))
        if len(asked) == 1:
            raise MemoryError("no room")
        return learner(sample)

    monkeypatch.setattr(quickening, "CoarseQuantiser", failing)
    index, rows = make(), unit(6, 1300)
    with caplog.at_level(logging.WARNING):
        index.add(np.arange(640), rows[:640])
        index.settle()
        index.add(np.arange(640, 1200), rows[640:1200])
        index.settle()
    assert [record.message for record in caplog.records] == ["the index was not made faster and answers as it is"]
    assert (len(asked), index.tier) == (1, "exact")
    assert index.search(rows[700:701], 1).ids.tolist() == [[700]]
    index.add(np.arange(1200, 1300), rows[1200:])
    index.settle()
    assert (len(asked), index.tier) == (2, "fast")


def test_who_waits_for_a_failure_goes_on_once_it_is_told(
    make: Callable[..., SegmentedIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(sample: np.ndarray) -> object:
        raise MemoryError("no room")

    class Slow(logging.Handler):
        """A log that takes its time."""

        def emit(self, record: logging.LogRecord) -> None:
            time.sleep(0.3)
            told.append(record.getMessage())

    told: list[str] = []
    slow = Slow()
    monkeypatch.setattr(quickening, "CoarseQuantiser", failing)
    quickening.log.addHandler(slow)
    try:
        index = make()
        index.add(np.arange(640), unit(6, 640))
        index.settle()
        assert told == ["the index was not made faster and answers as it is"]
    finally:
        quickening.log.removeHandler(slow)


def test_what_is_learned_depends_on_what_was_fed_and_not_on_when(
    make: Callable[..., SegmentedIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, queries = unit(7, 1500), unit(8, 40)
    found = []
    learner = quickening.CoarseQuantiser
    for waits in (False, True):
        holding = Held(learner)
        monkeypatch.setattr(quickening, "CoarseQuantiser", holding)
        index = make()
        index.add(np.arange(512), rows[:512])
        keep_house(index)
        if not waits:
            holding.go_on.set()
            index.settle()
        index.add(np.arange(512, 1500), rows[512:])
        keep_house(index)
        holding.go_on.set()
        index.settle()
        found.append(index.search(queries, 20))
        np.testing.assert_array_equal(holding.samples[0], rows[:512])
    np.testing.assert_array_equal(found[0].ids, found[1].ids)


def test_a_sample_is_bounded_and_spread_over_all(
    make: Callable[..., SegmentedIndex], held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickening, "TRAINING_ROWS", 300)
    held.go_on.set()
    index, rows = make(), unit(9, 1472)
    index.add(np.arange(1472), rows)
    index.settle()
    (sample,) = held.samples
    segments = len(index.segments)
    assert 256 <= len(sample) <= 300 + segments
    places = (sample @ rows.T).argmax(axis=1)
    assert np.histogram(places, bins=4, range=(0, 1472))[0].min() >= len(sample) // 5


def test_what_is_written_is_read_while_it_is_learned(held: Held) -> None:
    store, ready = MemoryStore(), threading.Event()
    lease = store.acquire_lease("t", "t", 60)
    vectors = unit(10, 400)

    def see(number: int) -> str:
        none, no_boxes = np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
        sighting = Sighting(
            f"s{number}", 1, True, (TrackKey("c", "x", number),), "c", 1, 2, none, none, no_boxes,
            np.full(4, 0.25, np.float32), {}, vectors[number], vectors[number][None], 1.0, "m",
        )  # fmt: skip
        store.put_sighting(sighting, lease)
        return store.last_event_id()

    for number in range(350):
        see(number)
    gallery = Gallery(EmbedderSpec("m", DIM, (8, 8), Calibration(1.0, 0.0)), lambda dim: faiss_index(dim, RULES))
    follower, stop = GalleryFollower(store, gallery, ready.set), threading.Event()
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    try:
        assert ready.wait(WAIT_S)
        assert held.begun.wait(WAIT_S)
        for number in range(350, 400):
            gallery.wait_for(see(number), WAIT_S)
            assert gallery.search(vectors[number][None], 1).matches[0].sighting_id == f"s{number}"
        assert not held.go_on.is_set()
        follower.call(gallery.compact, WAIT_S)
        follower.call(lambda: follower.refill(True), WAIT_S)  # an index is let go in the middle of it
        assert gallery.search(vectors[9][None], 1).matches[0].sighting_id == "s9"
    finally:
        stop.set()
        thread.join(WAIT_S)
        gallery.close()


@pytest.mark.parametrize("ending", ["index.close()", "os._exit(0)"], ids=["closed", "killed"])
def test_a_process_may_end_in_the_middle_of_it(ending: str) -> None:
    program = f"""
import os, threading, numpy as np
from services.matcher.index import quickening
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
begun, learner = threading.Event(), quickening.CoarseQuantiser
def learn(sample):
    begun.set()
    return learner(sample)
quickening.CoarseQuantiser = learn
index = SegmentedIndex(64, rules=SegmentRules(tier="fast"))
index.add(np.arange(16384), np.random.default_rng(0).standard_normal((16384, 64)).astype(np.float32))
index.maintain()
index.maintain()
assert begun.wait(30)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
