"""Labels as they stood some seconds after a tracklet closed."""

from __future__ import annotations

import math

import pytest

from tracker.metrics.latency import Aliased, LabelHistory, Labelled, labels_at

S = 10**9


def _history(*events):
    return LabelHistory(tuple(events))


def test_later_labels_do_not_reach_back():
    history = _history(Labelled(1 * S, "s", "a"), Labelled(6 * S, "s", "b"))
    at = {latency: labels_at({"s": 2 * S}, history, latency)["s"] for latency in (0, 2, 10, math.inf)}
    assert at == {0: "a", 2: "a", 10: "b", math.inf: "b"}


def test_a_label_published_exactly_then_counts():
    assert labels_at({"s": 0}, _history(Labelled(2 * S, "s", "a")), 2.0) == {"s": "a"}


def test_unlabelled_by_then_is_left_out():
    assert labels_at({"s": 0, "t": 0}, _history(Labelled(3 * S, "s", "a")), 2.0) == {}


def test_aliases_as_known_then():
    history = _history(
        Labelled(0, "s", "a"), Labelled(0, "late", "a"), Aliased(5 * S, "a", "b"), Aliased(7 * S, "b", "c")
    )
    labels = labels_at({"s": 0, "late": 6 * S}, history, 2.0)
    assert labels == {"s": "a", "late": "c"}


def test_split_relabels():
    history = _history(Labelled(0, "s", "a"), Labelled(0, "t", "a"), Labelled(4 * S, "t", "fresh"))
    assert labels_at({"s": 0, "t": 0}, history, math.inf) == {"s": "a", "t": "fresh"}


def test_undone_merge():
    history = _history(Labelled(0, "s", "a"), Aliased(1 * S, "a", "b"), Aliased(2 * S, "a", None))
    assert labels_at({"s": 0}, history, 1.0) == {"s": "b"}
    assert labels_at({"s": 0}, history, math.inf) == {"s": "a"}


def test_events_may_come_unsorted():
    history = _history(Labelled(6 * S, "s", "b"), Labelled(1 * S, "s", "a"))
    assert labels_at({"s": 0}, history, 2.0) == {"s": "a"}


def test_circle_is_refused():
    history = _history(Labelled(0, "s", "a"), Aliased(0, "a", "b"), Aliased(0, "b", "a"))
    with pytest.raises(ValueError, match="circle"):
        labels_at({"s": 0}, history, 0.0)


@pytest.mark.parametrize("latency", [-1.0, math.nan])
def test_latency_must_be_a_time(latency):
    with pytest.raises(ValueError, match="latency_s"):
        labels_at({}, _history(), latency)
