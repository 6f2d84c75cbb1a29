"""For whom calls are made: a console asks with its own credentials and its visitor's name and role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from services.access.roles import Caller
from services.rpc.errors import ACTOR_KEY
from services.rpc.roles import ROLE_KEY

Metadata = tuple[tuple[str, str], ...]

_acting: ContextVar[Caller | None] = ContextVar("vreid-acting-for", default=None)


@contextmanager
def acting_for(caller: Caller | None) -> Iterator[None]:
    """Calls of every client inside are made for that caller, with at most its role; None for the client's own."""
    kept = _acting.set(caller)
    try:
        yield
    finally:
        _acting.reset(kept)


def acting_metadata(own: Metadata) -> Metadata:
    """Metadata of a call: the client's own, or with the name and role of whom it is made for."""
    caller = _acting.get()
    if caller is None:
        return own
    kept = tuple((key, value) for key, value in own if key != ACTOR_KEY)
    return (*kept, (ACTOR_KEY, caller.name), (ROLE_KEY, caller.role.value))
