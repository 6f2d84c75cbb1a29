"""The gRPC client, synchronous and asynchronous."""

from services.client.aio import AsyncMatcherClient
from services.client.client import MatcherClient
from services.client.options import (
    DEFAULT_ADDRESS,
    Enrolled,
    ImageMode,
    Imported,
    Probe,
    Reranking,
    RetryRules,
    SearchOptions,
    Verdict,
)

__all__ = [
    "DEFAULT_ADDRESS",
    "AsyncMatcherClient",
    "Enrolled",
    "ImageMode",
    "Imported",
    "MatcherClient",
    "Probe",
    "Reranking",
    "RetryRules",
    "SearchOptions",
    "Verdict",
]
