from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.types import VehicleClass
from services.matcher.columns import SightingTable
from services.matcher.types import SearchFilter
from services.types import Sighting
from tracker.types import TrackKey


@pytest.fixture
def make():
    def build(sighting_id: str, camera: str = "north", start_ns: int = 0, vehicle_class: int = 0) -> Sighting:
        return Sighting(
            sighting_id=sighting_id,
            revision=1,
            final=False,
            track_keys=(TrackKey(camera, "s", 1),),
            camera_id=camera,
            start_ns=start_ns,
            end_ns=start_ns + 10,
            times_ns=np.array([start_ns]),
            frames=np.array([0]),
            boxes_xyxy=np.zeros((1, 4), np.float32),
            class_probs=np.eye(4, dtype=np.float32)[vehicle_class],
            colour={},
            embedding=np.array([1, 0], np.float32),
            exemplars=np.zeros((0, 2), np.float32),
            quality=0.25,
            model_id="m",
        )

    return build


def test_a_row_tells_what_was_put(make) -> None:
    table = SightingTable()
    row = table.put(make("a", "south", 5, vehicle_class=2), described=True)
    summary = table.summary(row)
    assert (summary.sighting_id, summary.camera_id, summary.start_ns, summary.end_ns) == ("a", "south", 5, 15)
    assert (summary.vehicle_class, summary.quality, summary.final) == (VehicleClass.BUS, 0.25, False)
    assert summary.identity_id == ""
    assert table.described([row, table.put(make("b"), described=False), row]).tolist() == [True, False, True]


def test_a_revision_keeps_row_and_identity(make) -> None:
    table = SightingTable()
    row = table.put(make("a"), described=True)
    table.assign(row, "car")
    assert table.put(make("a", start_ns=7), described=True) == row
    assert table.summary(row).identity_id == "car"
    assert table.rows_of("car") == [row]
    assert len(table) == 1


def test_rows_of_an_identity_come_by_start(make) -> None:
    table = SightingTable()
    for name, start in (("late", 9), ("b", 3), ("a", 3)):
        table.assign(table.put(make(name, start_ns=start), described=True), "car")
    assert [table.sighting_id(row) for row in table.rows_of("car")] == ["a", "b", "late"]
    assert table.rows_of("nobody") == []


def test_an_identity_without_sightings_is_gone(make) -> None:
    table = SightingTable()
    row = table.put(make("a"), described=True)
    table.assign(row, "car")
    table.assign(row, "bus")
    assert table.identity_count == 1
    table.drop(row)
    assert table.identity_count == 0
    assert list(table.identities_by_last_seen()) == []


def test_a_dropped_row_is_used_again_and_remembers_nothing(make) -> None:
    table = SightingTable()
    row = table.put(make("a"), described=True)
    table.assign(row, "car")
    table.drop(row)
    assert not table.mask(SearchFilter()).any()
    assert table.put(make("b"), described=True) == row
    assert table.identity(row) is None
    assert table.row("a") is None


def test_identities_by_last_seen(make) -> None:
    table = SightingTable()
    for name, start, identity in (("a", 0, "old"), ("b", 50, "new"), ("c", 20, "old"), ("d", 50, "also-new")):
        table.assign(table.put(make(name, start_ns=start), described=True), identity)
    assert list(table.identities_by_last_seen()) == ["also-new", "new", "old"]


def test_who_is_in_view_was_not_last_seen_when_that_was_last_told(make) -> None:
    table = SightingTable()
    for name, identity, final in (("a", "parked", True), ("b", "parked", False), ("c", "left", True)):
        sighting = replace(make(name), final=final)
        table.assign(table.put(sighting, described=True), identity)
    assert list(table.identities_by_last_seen(10**6)) == ["parked"]
    assert sorted(table.sighting_id(row) for row in table.ended_before(10**6, "enrolled")) == ["a", "c"]
    table.put(replace(make("b"), final=True), described=True)
    assert list(table.identities_by_last_seen(10**6)) == []
    assert len(table.ended_before(10**6, "enrolled")) == 3


def test_many_sightings_grow_the_columns(make) -> None:
    table = SightingTable()
    for number in range(2500):
        table.put(make(f"s{number}", camera=f"c{number % 7}"), described=True)
    assert int(table.mask(SearchFilter(camera_ids=frozenset({"c3"}))).sum()) == 357
    assert int(table.mask(SearchFilter()).sum()) == len(table) == 2500


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SearchFilter(from_ns=15), {"b"}),
        (SearchFilter(from_ns=10), {"a", "b"}),
        (SearchFilter(to_ns=9), {"a"}),
        (SearchFilter(to_ns=-(2**63)), set()),
        (SearchFilter(exclude_sighting_ids=frozenset({"a", "unknown"})), {"b"}),
        (SearchFilter(exclude_identity_ids=frozenset({"car", "unknown"})), {"b"}),
        (SearchFilter(exclude_camera_ids=frozenset({"unknown"})), {"a", "b"}),
    ],
)
def test_filter(make, wanted: SearchFilter, expected: set[str]) -> None:
    table = SightingTable()
    table.assign(table.put(replace(make("a"), final=True), described=True), "car")
    table.put(replace(make("b", start_ns=10), final=True), described=True)
    assert {table.sighting_id(row) for row in np.flatnonzero(table.mask(wanted))} == expected


def test_what_is_in_view_is_seen_now_however_old_its_news(make) -> None:
    table = SightingTable()
    row = table.put(make("parked"), described=True)
    assert table.takes(row, SearchFilter(from_ns=1000))
    table.put(replace(make("parked"), revision=2, final=True), described=True)
    assert not table.takes(row, SearchFilter(from_ns=1000))


def test_names_of_identities_go_with_their_last_sighting(make) -> None:
    """A long run must not remember everybody who ever passed."""
    table = SightingTable()
    keeper = table.put(make("keeper"), described=True)
    table.assign(keeper, "car-0")
    for number in range(1, 200):
        row = table.put(make(f"s{number}"), described=True)
        table.assign(row, f"car-{number}")
        assert table.summary(row).identity_id == f"car-{number}"
        table.drop(row)
    _, strings = table.export()
    assert len(strings["identities"]) == 2
    assert table.rows_of("car-7") == []
    assert [table.summary(row).identity_id for row in table.rows_of("car-0")] == ["car-0"]
    assert list(table.identities_by_last_seen()) == ["car-0"]


def test_a_loaded_table_has_forgotten_names_that_nobody_bears(make) -> None:
    table = SightingTable()
    rows = [table.put(make(name), described=True) for name in "abc"]
    for row, name in zip(rows, ("one", "two", "three"), strict=True):
        table.assign(row, name)
    table.drop(rows[1])
    columns, strings = table.export()
    loaded = SightingTable.load(columns, strings)
    new = loaded.put(make("d"), described=True)
    loaded.assign(new, "four")
    assert sorted(loaded.identities_by_last_seen()) == ["four", "one", "three"]
    assert len(loaded.export()[1]["identities"]) == 3
    assert loaded.identity(rows[2]) == "three"
    # Written before names were freed: one that no row bears is dropped on the way in.
    columns, strings = table.export()
    older = strings | {"identities": ["one", "two", "three"]}
    assert SightingTable.load(columns, older).rows_of("two") == []


def test_one_row_passes_as_it_does_among_all(make) -> None:
    table = SightingTable()
    rows = [table.put(make(name), described=True) for name in "abc"]
    wanted = SearchFilter(exclude_sighting_ids=frozenset({"b"}))
    assert [table.takes(row, wanted) for row in rows] == table.mask(wanted)[:3].tolist() == [True, False, True]
