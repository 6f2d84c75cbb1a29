"""The client of a process that shares a configuration with the matcher, as the console and the supervisor do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.access.local import local_address
from services.client.client import MatcherClient

if TYPE_CHECKING:
    from services.config import VreidConfig


def client_beside(config: VreidConfig, timeout_s: float) -> MatcherClient:
    """A client of the matcher that a configuration is about.

    Where ``client.address`` is set, there and with what ``client`` says. Otherwise by the matcher's local socket, which
    asks for neither certificate nor token; where there is none, where the matcher listens.

    Raises:
        ConfigError: What ``client`` refers to cannot be read.
    """
    settings = config.client
    if settings.address is None and (local := local_address(config.data_dir)) is not None:
        return MatcherClient(local, timeout_s)
    return MatcherClient(settings.address or config.matcher.listen, timeout_s, credentials=settings.credentials())
