"""What was learned survives the wire; what is not known stays unknown."""

from __future__ import annotations

import pytest

from services.cli.camera import topology_document
from services.rpc.topology import topology_from_message, topology_to_message
from tracker.multi_camera.topology.report import CameraReport, ClockWarning, LinkReport, TopologyReport

REPORT = TopologyReport(
    cameras=(CameraReport("a", 0.1, 0.25, 0.75), CameraReport("b", 0.2, 0.5, 0.5)),
    links=(
        LinkReport("a", "b", 41.5, 0.75, 12.0, (8.0, 20.0), 0.0, 0.5, 0.125, pinned=False),
        LinkReport("b", "a", 30.0, 0.5, None, None, 0.875, None, None, pinned=False),
        LinkReport("b", "c", 2.0, 0.25, 5.0, (4.0, 6.0), 0.0, None, None, pinned=True),
    ),
    warnings=(ClockWarning("a", "step", -5.0, 14), ClockWarning("b", "drift", 2.0, 90)),
)


def test_a_report_survives_the_wire():
    assert topology_from_message(topology_to_message(REPORT)) == REPORT


def test_an_offset_of_zero_is_not_unknown():
    zero = LinkReport("a", "b", 1.0, 1.0, 0.0, (0.0, 0.0), 0.0, 0.0, 0.0, pinned=False)
    (link,) = topology_from_message(topology_to_message(TopologyReport((), (zero,), ()))).links
    assert link == zero


def test_the_document_names_overlaps_and_what_cannot_be_told():
    document = topology_document(REPORT)
    first, second, third = document["links"]
    assert first["travel_s"] == {"median": 12.0, "low": 8.0, "high": 20.0}
    assert (first["offset_s"], first["offset_identifiable"]) == (0.5, True)
    assert (second["travel_s"], second["offset_identifiable"]) == (None, False)
    assert third["pinned"] is True
    assert document["overlaps"] == [{"cameras": ["a", "b"], "share": 0.875}]
    assert document["warnings"][0] == {"camera_id": "a", "kind": "step", "change_s": -5.0, "trips": 14}


@pytest.mark.parametrize("kind", ["step", "drift"])
def test_warnings_keep_their_kind(kind):
    report = TopologyReport((), (), (ClockWarning("a", kind, 1.5, 3),))
    assert topology_from_message(topology_to_message(report)) == report
