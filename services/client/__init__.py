"""The gRPC client, synchronous and asynchronous."""

from services.client.aio import AsyncMatcherClient
from services.client.client import MatcherClient
from services.client.credentials import ClientSettings, Credentials, client_settings
from services.client.options import (
    DEFAULT_ADDRESS,
    Enrolled,
    Imported,
    Probe,
    RetryRules,
    SearchOptions,
    Verdict,
)
from services.matcher.types import ImageMode, Reranking

__all__ = [
    "DEFAULT_ADDRESS",
    "AsyncMatcherClient",
    "ClientSettings",
    "Credentials",
    "Enrolled",
    "ImageMode",
    "Imported",
    "MatcherClient",
    "Probe",
    "Reranking",
    "RetryRules",
    "SearchOptions",
    "Verdict",
    "client_settings",
]
