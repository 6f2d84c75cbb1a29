"""Owns the choice of the association algorithm by its name. Never associates."""

from __future__ import annotations

from tracker.single_camera.association.bytetrack import ByteTrack
from tracker.single_camera.association.ocsort import OcSort
from tracker.single_camera.settings import TrackerSettings


def associator(settings: TrackerSettings) -> ByteTrack:
    """The algorithm that the settings name, without tracks."""
    if settings.algorithm == "ocsort":
        return OcSort(settings.association, settings.ocsort)
    return ByteTrack(settings.association)
