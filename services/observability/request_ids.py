"""The id of the request that this thread or task works on, from the first process that saw it to the last log line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar

#: Metadata of a gRPC call and header of an HTTP request.
REQUEST_KEY = "x-request-id"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_current: ContextVar[str] = ContextVar("vreid_request_id", default="")


def new_request_id() -> str:
    """A fresh id.

    >>> len(new_request_id())
    16
    """
    return os.urandom(8).hex()


def current_request_id() -> str:
    """The id of the request that is being worked on here; empty outside of any."""
    return _current.get()


def set_request_id(request_id: str) -> None:
    """Says which request this thread or task works on from now on; empty for none."""
    _current.set(request_id)


def accepted(said: str | None) -> str:
    """The id that a caller gave, or a fresh one where it gave none that may stand in a log.

    >>> accepted("web-17"), len(accepted("two words")), len(accepted(None))
    ('web-17', 16, 16)
    """
    return said if said and _WELL_FORMED.fullmatch(said) else new_request_id()


def request_metadata() -> Iterable[tuple[str, str]]:
    """What an outgoing gRPC call says of the request that it is made for."""
    request_id = current_request_id()
    return ((REQUEST_KEY, request_id),) if request_id else ()
