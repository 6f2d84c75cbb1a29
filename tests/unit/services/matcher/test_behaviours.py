"""Calls of all four kinds on an event loop: in threads where they block, as coroutines where they say so."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import grpc
import pytest

from services.matcher.door.serving import LoopServer

SERVICE = "test.Service"
SEEN: ContextVar[str] = ContextVar("seen", default="")


class Service:
    """Echoes in every way, and remembers what became of its streams."""

    def __init__(self) -> None:
        self.begun, self.ended, self.release = threading.Event(), threading.Event(), threading.Event()
        self.over = threading.Event()

    def once(self, request, context):
        if request == "fail":
            raise RuntimeError("a secret")
        if request == "refuse":
            context.set_trailing_metadata((("why", "so"),))
            context.abort(grpc.StatusCode.NOT_FOUND, "not here")
        if request == "block":
            context.add_callback(self.over.set)
            self.begun.set()
            assert self.release.wait(20)
        return request

    async def soon(self, request, context):
        return self.once(request, context)

    def several(self, request, context):
        SEEN.set(request)
        try:
            for number in range(3):
                yield f"{SEEN.get()}{number}"
            while request == "endless" and context.is_active():
                yield "more"
        finally:
            self.ended.set()

    def together(self, requests, context):
        return "+".join(requests)

    async def together_soon(self, requests, context):
        return "+".join([request async for request in requests])

    def each(self, requests, context):
        for request in requests:
            yield request.upper()


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def channel(service):
    pool = ThreadPoolExecutor(1)
    server = LoopServer(pool, (), 4, (("grpc.so_reuseport", 0),))
    codecs = {"request_deserializer": lambda body: body.decode(), "response_serializer": lambda text: text.encode()}
    handlers = {
        "once": grpc.unary_unary_rpc_method_handler(service.once, **codecs),
        "soon": grpc.unary_unary_rpc_method_handler(service.soon, **codecs),
        "several": grpc.unary_stream_rpc_method_handler(service.several, **codecs),
        "together": grpc.stream_unary_rpc_method_handler(service.together, **codecs),
        "together_soon": grpc.stream_unary_rpc_method_handler(service.together_soon, **codecs),
        "each": grpc.stream_stream_rpc_method_handler(service.each, **codecs),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    service.release.set()
    server.stop(0)
    pool.shutdown()
    server.close()


def one(channel, call, body=b"a"):
    return channel.unary_unary(f"/{SERVICE}/{call}").with_call(body, timeout=20)[0]


@pytest.mark.parametrize("call", ["once", "soon"])
def test_one_message_is_answered_by_one(channel, call):
    assert one(channel, call) == b"a"


def test_streams_go_in_order_and_keep_their_context(channel):
    assert list(channel.unary_stream(f"/{SERVICE}/several")(b"a", timeout=20)) == [b"a0", b"a1", b"a2"]
    bodies = [b"a", b"b", b"c"]
    for call in ("together", "together_soon"):
        assert channel.stream_unary(f"/{SERVICE}/{call}")(iter(bodies), timeout=20) == b"a+b+c"
    assert list(channel.stream_stream(f"/{SERVICE}/each")(iter(bodies), timeout=20)) == [b"A", b"B", b"C"]


@pytest.mark.parametrize("call", ["once", "soon"])
def test_failures_say_what_the_behaviour_said_and_no_more(channel, call, caplog):
    wanted = {
        b"refuse": (grpc.StatusCode.NOT_FOUND, "not here"),
        b"fail": (grpc.StatusCode.UNKNOWN, "Exception calling application"),
        b"\xff": (grpc.StatusCode.INTERNAL, "Exception deserializing request!"),
    }
    for body, (code, details) in wanted.items():
        with pytest.raises(grpc.RpcError) as caught:
            one(channel, call, body)
        assert (caught.value.code(), caught.value.details()) == (code, details)
        if body == b"refuse":
            assert ("why", "so") in [(key, value) for key, value in caught.value.trailing_metadata()]
    assert "a secret" in caplog.text


def test_no_such_call(channel):
    with pytest.raises(grpc.RpcError) as caught:
        one(channel, "other")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_coroutine_is_answered_while_every_thread_is_taken(channel, service):
    blocked = channel.unary_unary(f"/{SERVICE}/once").future(b"block", timeout=20)
    assert service.begun.wait(20)
    assert one(channel, "soon") == b"a"
    service.release.set()
    assert blocked.result() == b"block"


def test_beyond_the_bound_a_call_is_refused(channel, service):
    taken = [channel.unary_unary(f"/{SERVICE}/once").future(b"block", timeout=20) for _ in range(4)]
    assert service.begun.wait(20)
    codes = set()
    give_up_s = time.monotonic() + 20
    while codes != {grpc.StatusCode.RESOURCE_EXHAUSTED} and time.monotonic() < give_up_s:
        try:
            one(channel, "soon")
        except grpc.RpcError as exc:
            codes = {exc.code()}
    service.release.set()
    assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert [call.result() for call in taken] == [b"block"] * 4


def test_a_call_that_was_given_up_is_told_so(channel, service):
    blocked = channel.unary_unary(f"/{SERVICE}/once").future(b"block", timeout=20)
    assert service.begun.wait(20)
    blocked.cancel()
    assert service.over.wait(20)


def test_a_stream_that_was_given_up_is_closed(channel, service):
    answers = channel.unary_stream(f"/{SERVICE}/several")(b"endless", timeout=20)
    assert next(answers) == b"endless0"
    answers.cancel()
    assert service.ended.wait(20)


def test_a_stream_at_work_beyond_the_end_is_closed_too(service, caplog):
    def at_work(request, context):
        try:
            yield request
            service.begun.set()
            assert service.release.wait(20)
            yield request
        finally:
            service.ended.set()

    pool = ThreadPoolExecutor(1)
    server = LoopServer(pool, (), 4, (("grpc.so_reuseport", 0),))
    handlers = {"AtWork": grpc.unary_stream_rpc_method_handler(at_work)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answers = channel.unary_stream(f"/{SERVICE}/AtWork")(b"x", timeout=20)
        assert next(answers) == b"x"
        assert service.begun.wait(20)
        server.stop(0)
        pool.shutdown(wait=False)
        service.release.set()
        assert service.ended.wait(20)
        pool.shutdown(wait=True)
        server.close()
    assert "cannot schedule" not in caplog.text
