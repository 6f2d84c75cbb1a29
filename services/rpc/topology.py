"""What was learned of cameras, as messages and back, for the matcher and its client.

Unlike its neighbours this file is written by hand.
"""

from __future__ import annotations

from services.rpc import vreid_pb2 as pb
from services.rpc.convert import timestamp
from tracker.multi_camera.topology.prediction import Prediction
from tracker.multi_camera.topology.report import CameraReport, ClockWarning, LinkReport, TopologyReport

_FAULTS: dict[str, pb.ClockFault] = {"step": pb.CLOCK_FAULT_STEP, "drift": pb.CLOCK_FAULT_DRIFT}
_FAULT_OF: dict[int, str] = {value: key for key, value in _FAULTS.items()}


def topology_to_message(report: TopologyReport) -> pb.TopologyResponse:
    """A report as a message."""
    return pb.TopologyResponse(
        cameras=[
            pb.CameraTraffic(
                camera_id=camera.camera_id,
                arrivals_per_s=camera.arrivals_per_s,
                new_share=camera.new_share,
                returning_share=camera.returning_share,
            )
            for camera in report.cameras
        ],
        links=[_link_to_message(link) for link in report.links],
        warnings=[
            pb.ClockWarning(
                camera_id=warning.camera_id,
                fault=_FAULTS.get(warning.kind, pb.CLOCK_FAULT_UNSPECIFIED),
                change_s=warning.change_s,
                trips=warning.trips,
            )
            for warning in report.warnings
        ],
    )


def topology_from_message(message: pb.TopologyResponse) -> TopologyReport:
    """A report from a message."""
    return TopologyReport(
        cameras=tuple(
            CameraReport(c.camera_id, c.arrivals_per_s, c.new_share, c.returning_share) for c in message.cameras
        ),
        links=tuple(_link_from_message(link) for link in message.links),
        warnings=tuple(
            ClockWarning(w.camera_id, _FAULT_OF.get(w.fault, "unknown"), w.change_s, w.trips) for w in message.warnings
        ),
    )


def prediction_to_message(prediction: Prediction, left_ns: int) -> pb.PredictResponse:
    """Where a vehicle that left at UTC nanoseconds is seen next, as a message."""
    made = pb.PredictResponse(not_again=prediction.not_again)
    for arrival in prediction.arrivals:
        low, middle, high = (
            timestamp(left_ns + int(s * 1e9)) for s in (arrival.low_s, arrival.median_s, arrival.high_s)
        )
        expected = made.arrivals.add(
            camera_id=arrival.camera_id, probability=arrival.probability, at=middle, to=high, trips=arrival.trips
        )
        getattr(expected, "from").CopyFrom(low)
    return made


def _link_to_message(link: LinkReport) -> pb.CameraLink:
    made = pb.CameraLink(
        from_camera_id=link.from_camera,
        to_camera_id=link.to_camera,
        trips=link.trips,
        share=link.share,
        overlap=link.overlap,
        pinned=link.pinned,
    )
    if link.travel_median_s is not None and link.travel_interval_s is not None:
        low_s, high_s = link.travel_interval_s
        made.travel.CopyFrom(pb.TravelTime(median_s=link.travel_median_s, low_s=low_s, high_s=high_s))
    if link.offset_s is not None:
        made.offset.CopyFrom(pb.ClockOffset(offset_s=link.offset_s, error_s=link.offset_error_s or 0.0))
    return made


def _link_from_message(message: pb.CameraLink) -> LinkReport:
    travels, shifted = message.HasField("travel"), message.HasField("offset")
    return LinkReport(
        from_camera=message.from_camera_id,
        to_camera=message.to_camera_id,
        trips=message.trips,
        share=message.share,
        travel_median_s=message.travel.median_s if travels else None,
        travel_interval_s=(message.travel.low_s, message.travel.high_s) if travels else None,
        overlap=message.overlap,
        offset_s=message.offset.offset_s if shifted else None,
        offset_error_s=message.offset.error_s if shifted else None,
        pinned=message.pinned,
    )
