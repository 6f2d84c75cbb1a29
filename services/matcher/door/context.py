"""A call as its behaviour sees it, on whatever thread that runs. Sends nothing: what it is told is kept to the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
import grpc.aio


class CallAbortedError(Exception):
    """Ends a behaviour whose call has been given a status."""


class CallContext:
    """As much of grpc.ServicerContext as behaviours use, for those on an event loop and those in threads.

    Attributes:
        code: What the call ends with.
        details: What is said of it.
        trailing: Metadata that goes out at its end.
    """

    def __init__(self, inner: grpc.aio.ServicerContext) -> None:
        """Belongs to one call; to be made on the loop."""
        self._inner = inner
        left: float | None = inner.time_remaining()
        self._ends_s = None if left is None else time.monotonic() + left
        self._lock = threading.Lock()
        self._over = False
        self._callbacks: list[Callable[[], None]] = []
        self.code = grpc.StatusCode.OK
        self.details = ""
        self.trailing: tuple[tuple[str, str], ...] = ()

    def invocation_metadata(self) -> Any:
        """What the caller said beside its request."""
        return self._inner.invocation_metadata()

    def peer(self) -> str:
        """Where the call comes from."""
        return str(self._inner.peer())

    def time_remaining(self) -> float | None:
        """Seconds until the caller waits no more; None where it said nothing of that."""
        return None if self._ends_s is None else max(0.0, self._ends_s - time.monotonic())

    def is_active(self) -> bool:
        """Whether anybody still waits for the answer."""
        return not self._over

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Has something called when the call is over; False where it is over already."""
        with self._lock:
            if self._over:
                return False
            self._callbacks.append(callback)
            return True

    def set_trailing_metadata(self, metadata: Any) -> None:
        """Replaces what goes out at the end."""
        self.trailing = tuple(metadata)

    def set_code(self, code: grpc.StatusCode) -> None:
        """Sets what the call ends with."""
        self.code = code

    def set_details(self, details: str) -> None:
        """Sets what is said of it."""
        self.details = details

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """Ends the call with a status.

        Raises:
            CallAbortedError: Always.
        """
        self.code, self.details = code, details
        raise CallAbortedError

    def end(self) -> None:
        """Says that the call is over; called once, on the loop."""
        with self._lock:
            self._over = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
