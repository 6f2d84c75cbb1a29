"""Keeps third-party libraries from reporting home. Must run before they are imported; never imports them itself."""

from __future__ import annotations

import os
import sys


def forbid_telemetry() -> None:
    """Makes sure that neither OpenVINO nor ultralytics sends anything or installs anything by itself.

    ``import openvino`` alone reports a usage event unless its reporting package cannot be imported, in which case it
    falls back to a stub of its own. Child processes inherit the environment part and have to call this again for the
    rest.
    """
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
