"""Names of learned state, and its kinds."""

from __future__ import annotations

import pytest

from tracker.multi_camera.topology.state import KINDS, by_kind, ends_of, names_of


@pytest.mark.parametrize(
    ("one", "other"), [("a", "b"), ("site/a", "b"), ("a", "site/b"), ("site/a", "site/b")], ids="/".join
)
def test_a_link_leads_back_to_its_cameras_though_ids_hold_slashes(one, other):
    (name,) = names_of([one, other], (), [(0, 1)], ((), ()))
    assert ends_of(name.removeprefix("link/"), [one, other]) == (one, other)


def test_every_kind_has_its_names():
    names = names_of(["a", "b"], [3], [(1, 0)], ([7], [1]))
    assert names == {"lesson/3", "link/b/a", "encounter/7", "clock/b"}


def test_entries_are_told_apart_by_kind():
    found = by_kind({"x": '{"kind": "fit", "lessons": 2}', "y": '{"kind": "mean"}', "z": '{"kind": "fit"}'})
    assert [len(found[kind]) for kind in (*KINDS, "mean")] == [0, 0, 0, 2, 0, 0, 1]
