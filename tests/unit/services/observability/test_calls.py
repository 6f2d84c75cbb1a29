"""What the interceptor gives every call, over real gRPC: a request id there and back, counts, a trace, logs."""

import logging
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from services.errors import NotFound
from services.matcher.door.failures import ErrorInterceptor
from services.observability import catalogue
from services.observability.calls import CallInterceptor
from services.observability.instruments import REGISTRY
from services.observability.request_ids import REQUEST_KEY, current_request_id


def answer(request, context):
    if request == b"missing":
        raise NotFound("no such thing")
    if request == b"broken":
        raise KeyError("secret inside")
    return current_request_id().encode()


def stream(request, context):
    yield current_request_id().encode()
    if request == b"broken":
        raise KeyError("secret inside")
    yield current_request_id().encode()


@pytest.fixture
def calls():
    return CallInterceptor()


@pytest.fixture
def channel(calls):
    server = grpc.server(ThreadPoolExecutor(4), interceptors=(calls, ErrorInterceptor()))
    handlers = {"Do": grpc.unary_unary_rpc_method_handler(answer), "Many": grpc.unary_stream_rpc_method_handler(stream)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("vreid.v1.Test", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    server.stop(0).wait()


def ended(method, code):
    value = REGISTRY.get_sample_value(catalogue.CALLS.name, {"method": f"vreid.v1.Test/{method}", "code": code})
    return value or 0.0


def said(call):
    return dict(call.trailing_metadata()).get(REQUEST_KEY)


def test_a_callers_id_is_kept_and_told(channel, calls):
    before = ended("Do", "OK")
    reply, call = channel.unary_unary("/vreid.v1.Test/Do").with_call(b"x", metadata=((REQUEST_KEY, "mine-1"),))
    assert reply == b"mine-1"
    assert said(call) == "mine-1"
    assert ended("Do", "OK") == before + 1
    assert all(sample.value == 0 for sample in calls.running().samples)


@pytest.mark.parametrize("bad", [(), ((REQUEST_KEY, "two words"),), ((REQUEST_KEY, "x" * 65),)], ids=str)
def test_others_get_a_fresh_one(channel, bad):
    replies = [channel.unary_unary("/vreid.v1.Test/Do").with_call(b"x", metadata=bad) for _ in range(2)]
    assert len({reply for reply, _ in replies}) == 2
    for reply, call in replies:
        assert said(call) == reply.decode()
        assert len(reply) == 16


def test_a_failure_of_the_callers_keeps_its_class_and_the_id(channel):
    before = ended("Do", "NOT_FOUND")
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/vreid.v1.Test/Do")(b"missing", metadata=((REQUEST_KEY, "mine-2"),))
    trailing = dict(failed.value.trailing_metadata())
    assert trailing[REQUEST_KEY] == "mine-2"
    assert trailing["vreid-error"] == "NotFound"
    assert ended("Do", "NOT_FOUND") == before + 1


@pytest.mark.parametrize("method", ["Do", "Many"])
def test_an_internal_failure_tells_the_id_and_nothing_else(channel, method, caplog):
    make = channel.unary_unary if method == "Do" else channel.unary_stream
    with caplog.at_level(logging.ERROR), pytest.raises(grpc.RpcError) as failed:
        list(make(f"/vreid.v1.Test/{method}")(b"broken", metadata=((REQUEST_KEY, "mine-3"),)))
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert "mine-3" in failed.value.details()
    assert "secret" not in failed.value.details()
    logged = [record for record in caplog.records if getattr(record, "request_id", "") == "mine-3"]
    assert logged
    assert "secret inside" in caplog.text
    assert ended(method, "INTERNAL") >= 1


def test_a_stream_has_one_id_throughout(channel):
    call = channel.unary_stream("/vreid.v1.Test/Many")(b"x", metadata=((REQUEST_KEY, "mine-4"),))
    assert list(call) == [b"mine-4", b"mine-4"]
    assert said(call) == "mine-4"


def test_an_unknown_method_makes_no_series(channel):
    with pytest.raises(grpc.RpcError):
        channel.unary_unary("/vreid.v1.Test/Nope")(b"x")
    assert (
        REGISTRY.get_sample_value(catalogue.CALLS.name, {"method": "vreid.v1.Test/Nope", "code": "UNIMPLEMENTED"})
        is None
    )
