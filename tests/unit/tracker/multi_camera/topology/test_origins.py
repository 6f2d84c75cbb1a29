"""Where a vehicle may have come from."""

from __future__ import annotations

from reid.types import Calibration
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.origins import Recent


def test_where_a_vehicle_came_from_is_the_likely_one_first(vehicles):
    topology = Topology(AssociationSettings())
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    for o in (
        vehicles.see("same", 1, "a", 0, 5),
        vehicles.see("other", 2, "a", 0, 5),
        vehicles.see("here", 1, "b", 19, 25),
        vehicles.see("later", 1, "a", 40, 45),
    ):
        recent.put(o)
        topology.camera(o.camera_id)
    arrival = vehicles.see("s", 1, "b", 20, 22)
    topology.arrive(arrival)
    ((_, origins),) = recent.origins([arrival], topology)
    assert [o.sighting_id for o, _ in origins] == ["same", "other"]
