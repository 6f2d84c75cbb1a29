from __future__ import annotations

import socket
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.client import MatcherClient, RetryRules
from services.errors import ConfigError, MatcherUnavailable, Overloaded, PortInUse, VreidError
from services.matcher.build import build_matcher
from services.matcher.server import SERVICES
from services.matcher.settings import MatcherSettings
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc


@pytest.fixture
def channel(city):
    with grpc.insecure_channel(city.matcher.address) as opened:
        yield opened


def test_health_of_every_service(channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", *SERVICES):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_services(channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = list(stub.ServerReflectionInfo(iter([request]), timeout=10))
    assert set(SERVICES) < {service.name for service in answer.list_services_response.service}


def test_an_internal_failure_leaks_nothing(city, channel, monkeypatch, caplog) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(city.store, "list_cameras", broken)
    with pytest.raises(grpc.RpcError) as caught:
        vreid_pb2_grpc.CameraServiceStub(channel).List(pb.ListCamerasRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in caught.value.details()
    assert "secret" not in str(caught.value.trailing_metadata())
    request_id = caught.value.details().split()[-1]
    assert request_id in caplog.text
    assert "secret of the house" in caplog.text
    with pytest.raises(VreidError, match=r"internal error.*request_id"):
        city.client.camera_list()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (pb.SearchRequest(), "probes: must be 1 to 16, got 0"),
        (pb.SearchRequest(probes=[pb.Probe()] * 17), "probes: must be 1 to 16, got 17"),
        (pb.SearchRequest(probes=[pb.Probe()]), r"probes\[0\]: give an image"),
        (pb.SearchRequest(probes=[pb.Probe(sighting_id="x")], k=-1), "k: must be in"),
        (pb.SearchRequest(probes=[pb.Probe(sighting_id="x")], grouping=77), "grouping: unknown value 77"),
        (pb.SearchRequest(probes=[pb.Probe(sighting_id="x")], filter=pb.Filter(classes=[9])), "filter.classes"),
        (
            pb.SearchRequest(
                probes=[pb.Probe(sighting_id="x")], filter=pb.Filter(span=pb.TimeSpan(to={"seconds": 2**62}))
            ),
            "filter.span.to: out of range",
        ),
    ],
)
def test_requests_that_a_typed_client_would_not_send(channel, request_, message) -> None:
    with pytest.raises(grpc.RpcError, match=message) as caught:
        vreid_pb2_grpc.MatcherServiceStub(channel).Search(request_, timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_delete_without_a_target(channel) -> None:
    with pytest.raises(grpc.RpcError, match="target: give"):
        vreid_pb2_grpc.GalleryServiceStub(channel).Delete(pb.DeleteRequest(), timeout=10)


def test_a_taken_port_is_one_line(city) -> None:
    with pytest.raises(PortInUse, match=rf"{city.matcher.address} is in use") as caught:
        build_matcher(city.store, None, city.embedder, MatcherSettings(listen=city.matcher.address))
    assert "\n" not in str(caught.value)


def test_another_programs_port(city) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(PortInUse, match="in use"):
            build_matcher(city.store, None, city.embedder, MatcherSettings(listen=listen))


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.invalid:0"])
def test_beyond_loopback_is_refused(city, listen: str) -> None:
    with pytest.raises(ConfigError, match=r"matcher\.listen: .*TLS"):
        build_matcher(city.store, None, city.embedder, MatcherSettings(listen=listen))


def test_nobody_at_the_address(build) -> None:
    city = build()
    city.matcher.stop()
    with MatcherClient(city.matcher.address, timeout_s=10) as client:
        with pytest.raises(MatcherUnavailable, match=r"no matcher at 127.*is `vreid up` running"):
            client.gallery_stats()
        assert not client.serving()


def test_running_calls_end_before_it_stops(build, monkeypatch) -> None:
    city = build()
    entered, release = threading.Event(), threading.Event()

    def slow() -> list[object]:
        entered.set()
        assert release.wait(20)
        return []

    monkeypatch.setattr(city.store, "list_cameras", slow)
    answers: list[object] = []
    call = threading.Thread(target=lambda: answers.append(city.client.camera_list()))
    call.start()
    assert entered.wait(20)
    stop = threading.Thread(target=city.matcher.stop)
    stop.start()
    release.set()
    stop.join(20)
    call.join(20)
    assert answers == [[]]


def test_a_failed_thread_ends_the_matcher(city) -> None:
    class Broken:
        def run(self, stop: threading.Event) -> None:
            raise RuntimeError("no more")

    matcher = build_matcher(city.store, None, city.embedder, MatcherSettings(listen="127.0.0.1:0"), Broken())
    matcher.start()
    assert matcher.wait(threading.Event()) is False
    matcher.stop()


def test_being_told_to_stop_is_no_failure(city) -> None:
    stop = threading.Event()
    stop.set()
    assert city.matcher.wait(stop) is True


def test_calls_beyond_the_bound_are_refused_at_once(build, monkeypatch, wait_until) -> None:
    city = build(max_waiting_calls=2, threads=2)
    release, entered = threading.Event(), []

    def slow() -> list[object]:
        entered.append(1)
        assert release.wait(60)
        return []

    monkeypatch.setattr(city.store, "list_cameras", slow)
    running = [threading.Thread(target=city.client.camera_list) for _ in range(2)]
    for call in running:
        call.start()
    try:
        wait_until(lambda: len(entered) == 2)
        never = RetryRules(attempts=1)
        with MatcherClient(city.matcher.address, timeout_s=30, retry=never) as client, pytest.raises(Overloaded):
            client.gallery_stats()
    finally:
        release.set()
        for call in running:
            call.join(30)
    assert city.client.gallery_stats().sightings == 0
