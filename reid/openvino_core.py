"""The OpenVINO of a process: made once and kept until it ends. Loads no network."""

from __future__ import annotations

import functools

import openvino


@functools.cache
def openvino_core() -> openvino.Core:
    """The process's one ``openvino.Core``.

    The CPU plugin of a core gives the thread that first compiles with it a stack for signal handlers, and unmaps it
    when the core and its networks are gone. Of two cores whose lives overlap the second then puts back the stack of the
    first, which is no more, and the next signal (a child that ends, a request to stop) kills the process.
    """
    return openvino.Core()
