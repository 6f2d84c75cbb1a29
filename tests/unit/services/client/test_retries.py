"""Which failures a client tries again: by status, as often as its rules say, never what could happen twice."""

from __future__ import annotations

import asyncio
from concurrent import futures

import grpc
import pytest

from services.client import AsyncMatcherClient, MatcherClient, Probe, RetryRules
from services.errors import InputError, MatcherUnavailable, Overloaded
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc

RULES = RetryRules(attempts=3, first_pause_s=0.001, longest_pause_s=0.002)


class Moody(vreid_pb2_grpc.MatcherServiceServicer):
    """Fails with a status so many times, then answers."""

    def __init__(self) -> None:
        self.fail_with, self.times, self.calls = grpc.StatusCode.UNAVAILABLE, 0, 0

    def Search(self, request, context):  # noqa: N802
        self.calls += 1
        if self.calls <= self.times:
            context.abort(self.fail_with, "not now")
        return pb.SearchResponse(log_position="1-1")


class MoodyGallery(vreid_pb2_grpc.GalleryServiceServicer):
    calls = 0

    def Delete(self, request, context):  # noqa: N802
        self.calls += 1
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")


class MoodyIdentities(vreid_pb2_grpc.IdentityServiceServicer):
    calls = 0

    def _refuse(self, request, context):
        self.calls += 1
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    Merge = Split = Undo = _refuse


@pytest.fixture
def served():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    moody, gallery = Moody(), MoodyGallery()
    vreid_pb2_grpc.add_MatcherServiceServicer_to_server(moody, server)
    vreid_pb2_grpc.add_GalleryServiceServicer_to_server(gallery, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", moody, gallery
    server.stop(0).wait()


@pytest.fixture
def identities():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = MoodyIdentities()
    vreid_pb2_grpc.add_IdentityServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", service
    server.stop(0).wait()


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
@pytest.mark.parametrize("style", ["sync", "async"])
def test_failures_for_now_are_tried_again(served, status, style) -> None:
    address, moody, _ = served
    moody.fail_with, moody.times = status, 2

    async def ask() -> str:
        async with AsyncMatcherClient(address, retry=RULES) as client:
            return (await client.search([Probe(sighting_id="s")])).log_position

    if style == "async":
        assert asyncio.run(ask()) == "1-1"
    else:
        with MatcherClient(address, retry=RULES) as client:
            assert client.search([Probe(sighting_id="s")]).log_position == "1-1"
    assert moody.calls == 3


@pytest.mark.parametrize(
    ("status", "calls", "error"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 1, InputError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 3, Overloaded),
        (grpc.StatusCode.UNAVAILABLE, 3, MatcherUnavailable),
    ],
)
def test_others_are_not_and_patience_ends(served, status, calls, error) -> None:
    address, moody, _ = served
    moody.fail_with, moody.times = status, 99
    with MatcherClient(address, retry=RULES) as client, pytest.raises(error):
        client.search([Probe(sighting_id="s")])
    assert moody.calls == calls


def test_a_deletion_is_never_sent_twice(served) -> None:
    address, _, gallery = served
    with MatcherClient(address, retry=RULES) as client, pytest.raises(MatcherUnavailable):
        client.gallery_delete("i")
    assert gallery.calls == 1


@pytest.mark.parametrize(
    "correct",
    [
        lambda client: client.identity_merge("i", "j"),
        lambda client: client.identity_split("i", ["s"]),
        lambda client: client.identity_undo("1-1"),
        lambda client: client.identity_undo_last("i"),
    ],
    ids=["merge", "split", "undo", "undo_last"],
)
def test_a_correction_is_never_sent_twice(identities, correct) -> None:
    address, service = identities
    with MatcherClient(address, retry=RULES) as client, pytest.raises(MatcherUnavailable):
        correct(client)
    assert service.calls == 1


def test_a_probe_is_one_thing() -> None:
    with pytest.raises(ValueError, match="one of"):
        Probe()
    with pytest.raises(ValueError, match="one of"):
        Probe(sighting_id="s", identity_id="i")
