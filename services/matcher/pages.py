"""Pages of answers: their bounds, and how much of a list one message holds. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from services.errors import InputError

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
#: gRPC's clients take 4 MiB unless told otherwise; the rest is room for what stands beside a list.
MESSAGE_BYTES = 3 * 2**20
#: What a message adds to one of a list: a tag, and its length.
EACH_BYTES = 6


class Message(Protocol):
    """A message that knows its size."""

    def ByteSize(self) -> int:  # noqa: N802
        """As it goes over the wire."""
        ...


M = TypeVar("M", bound=Message)


def page(limit: int, offset: int) -> tuple[int, int]:
    """Limit and offset of a list, checked.

    Raises:
        InputError: Out of bounds.
    """
    return bounded(limit, "limit", MAX_LIMIT) or DEFAULT_LIMIT, bounded(offset, "offset")


def bounded(value: int, name: str, most: int | None = None) -> int:
    """A number of things, checked; 0 stands for the default.

    Raises:
        InputError: It is negative, or above ``most``.
    """
    if value < 0 or (most is not None and value > most):
        raise InputError(f"{name}: must be {'>= 0' if most is None else f'in 1..{most}'}, got {value}")
    return value


def fitting(messages: Iterable[M], most_bytes: int = MESSAGE_BYTES) -> Iterator[M]:
    """The first of some messages, one at least, that together fit into one."""
    left = most_bytes
    for n, message in enumerate(messages):
        left -= message.ByteSize() + EACH_BYTES
        if n and left < 0:
            return
        yield message
