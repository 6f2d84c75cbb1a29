"""The gRPC client."""

from services.client.client import DEFAULT_ADDRESS, MatcherClient, SearchOptions

__all__ = ["DEFAULT_ADDRESS", "MatcherClient", "SearchOptions"]
