"""Searches packed beforehand, whose answers stay packed: what a load generator asks with. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from services.client.messages import CHANNEL_OPTIONS, search_message, translated
from services.client.options import Probe, SearchOptions
from services.rpc.vreid_pb2 import SearchResponse

_SEARCH = "/vreid.v1.MatcherService/Search"


def pack_search(probes: Sequence[Probe], options: SearchOptions | None = None) -> bytes:
    """A search as it goes over the wire."""
    packed: bytes = search_message(probes, (), options).SerializeToString()
    return packed


class PackedSearches:
    """A connection of its own to one matcher, which asks packed searches and never tries again."""

    def __init__(self, address: str, timeout_s: float = 60.0) -> None:
        """Connects at the first search."""
        self._address = address
        self._timeout_s = timeout_s
        # Without a pool of its own a channel would share the connection of others to this address.
        self._channel = grpc.insecure_channel(
            address, options=(*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1))
        )
        self._call = self._channel.unary_unary(_SEARCH)

    def ask(self, packed: bytes) -> bytes:
        """The answer, packed.

        Raises:
            VreidError: As MatcherClient.search.
        """
        try:
            answer: bytes = self._call(packed, timeout=self._timeout_s)
        except grpc.RpcError as exc:
            raise translated(exc, self._address, self._timeout_s) from exc
        return answer

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()


def count_matches(packed: bytes) -> int:
    """How many matches a packed answer holds."""
    return len(SearchResponse.FromString(packed).matches)
