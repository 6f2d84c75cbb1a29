from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.client import MatcherClient, SearchOptions
from services.errors import InputError, MatcherUnavailable, Unavailable


@pytest.fixture
def nobody() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_nobody_there(nobody: str) -> None:
    with MatcherClient(nobody) as client, pytest.raises(MatcherUnavailable) as caught:
        client.identity_get("x")
    assert str(caught.value) == f"no matcher at {nobody}; is `vreid up` running?"
    assert caught.value.retryable


@pytest.mark.parametrize("address", ["nonsense", "no such host.invalid:1", "::::"])
def test_an_address_that_is_none(address: str) -> None:
    with MatcherClient(address, timeout_s=10) as client, pytest.raises(MatcherUnavailable, match="no matcher at"):
        client.gallery_stats()


def test_somebody_who_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with MatcherClient(address, timeout_s=0.3) as client:
            with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
                client.gallery_stats()
            assert not client.serving()


def test_no_matches_wanted(nobody: str) -> None:
    with MatcherClient(nobody) as client, pytest.raises(InputError, match="k: must be at least 1"):
        client.search_sighting("x", SearchOptions(k=0))


def test_nobody_and_somebody_who_catches_up_are_told_apart(nobody: str) -> None:
    with MatcherClient(nobody, timeout_s=1.0) as client:
        assert not client.answers()
    server = grpc.server(ThreadPoolExecutor(1))
    status = health.HealthServicer()
    status.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with MatcherClient(f"127.0.0.1:{port}", timeout_s=5.0) as client:
        assert client.answers()
        assert not client.serving()
    server.stop(None)
