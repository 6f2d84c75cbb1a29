"""Opens channels to a matcher with what a client shows and trusts. Calls nothing."""

from __future__ import annotations

import grpc
import grpc.aio

from services.client.credentials import Credentials
from services.client.messages import CHANNEL_OPTIONS


def open_channel(address: str, credentials: Credentials) -> grpc.Channel:
    """A channel for threads; connects at the first call."""
    secure, options = credentials.channel_credentials(), (*CHANNEL_OPTIONS, *credentials.options())
    if secure is None:
        return grpc.insecure_channel(address, options=options)
    return grpc.secure_channel(address, secure, options=options)


def open_async_channel(address: str, credentials: Credentials) -> grpc.aio.Channel:
    """A channel for one event loop; connects at the first call."""
    secure, options = credentials.channel_credentials(), (*CHANNEL_OPTIONS, *credentials.options())
    if secure is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, secure, options=options)
