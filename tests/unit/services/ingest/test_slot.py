import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from detector.types import Frame
from services.ingest.slot import LatestFrames, SlotCounts

IMAGE = np.zeros((2, 2, 3), np.uint8)


def frame(camera_id, index):
    return Frame(camera_id, "s", index, index, "host", IMAGE)


class SlotMachine(RuleBasedStateMachine):
    """The slot against a model: a queue of cameras, each with its newest frame."""

    def __init__(self):
        super().__init__()
        self.slot = LatestFrames()
        self.queue = []
        self.newest = {}
        self.offered = dict.fromkeys("abc", 0)
        self.taken = dict.fromkeys("abc", 0)
        self.index = 0

    @rule(camera=st.sampled_from("abc"))
    def put(self, camera):
        self.index += 1
        self.slot.put(frame(camera, self.index))
        self.offered[camera] += 1
        if camera not in self.queue:
            self.queue.append(camera)
        self.newest[camera] = self.index

    @rule(camera=st.sampled_from("abc"))
    def put_wait(self, camera):
        self.index += 1
        accepted = self.slot.put_wait(frame(camera, self.index), 0.0)
        assert accepted == (camera not in self.queue)
        if accepted:
            self.offered[camera] += 1
            self.queue.append(camera)
            self.newest[camera] = self.index

    @rule(count=st.integers(1, 4))
    def take(self, count):
        frames = self.slot.take(count, 0.0)
        expected, self.queue = self.queue[:count], self.queue[count:]
        assert [(f.camera_id, f.index) for f in frames] == [(c, self.newest[c]) for c in expected]
        for camera in expected:
            self.taken[camera] += 1

    @invariant()
    def every_frame_is_accounted_for(self):
        for camera in "abc":
            counts = self.slot.counts(camera)
            assert (counts.offered, counts.taken) == (self.offered[camera], self.taken[camera])
            assert counts.offered == counts.taken + counts.dropped + (camera in self.queue)


SlotMachine.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
TestSlot = SlotMachine.TestCase


def test_a_file_waits_for_its_place_and_loses_nothing():
    slot = LatestFrames()
    received = []

    def consume():
        while len(received) < 50:
            received.extend(f.index for f in slot.take(4, 5.0))

    consumer = threading.Thread(target=consume, daemon=True)
    consumer.start()
    assert all(slot.put_wait(frame("a", k), 10.0) for k in range(50))
    consumer.join(10.0)
    assert received == list(range(50))
    assert slot.counts("a") == SlotCounts(50, 50, 0)


def test_closing_wakes_everyone_and_leaves_what_waits():
    slot = LatestFrames()
    slot.put(frame("a", 1))
    results = []
    blocked = threading.Thread(target=lambda: results.append(slot.put_wait(frame("a", 2), 60.0)), daemon=True)
    blocked.start()
    slot.close()
    blocked.join(10.0)
    slot.put(frame("a", 3))
    assert results == [False]
    assert slot.closed
    assert [f.index for f in slot.take(4, 60.0)] == [1]
    assert slot.take(4, 60.0) == []
    assert slot.counts("a") == SlotCounts(1, 1, 0)


def test_taking_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="max_frames"):
        LatestFrames().take(0, 0.0)
