"""Recordings of traffic without pictures: truth tracklets of every camera, vehicles, clocks and the true topology."""

from simulator.recording.files import read_recording, require_room, write_boxes, write_recording
from simulator.recording.model import Link, RecordedCamera, RecordedVehicle, Recording, Tracklets
from simulator.recording.record import MOST_VEHICLES, Outcome, TrafficRequest, record_traffic

__all__ = [
    "MOST_VEHICLES",
    "Link",
    "Outcome",
    "RecordedCamera",
    "RecordedVehicle",
    "Recording",
    "Tracklets",
    "TrafficRequest",
    "read_recording",
    "record_traffic",
    "require_room",
    "write_boxes",
    "write_recording",
]
