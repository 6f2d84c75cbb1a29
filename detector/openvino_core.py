"""The OpenVINO of a process: made once and kept until it ends. Loads no network."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino


@functools.cache
def openvino_core() -> openvino.Core:
    """The process's one ``openvino.Core``; its end would take the stack of signal handlers with it.

    See `reid.openvino_core`, which knows as little of detectors as this does of it.
    """
    from openvino import Core

    return Core()
