"""A call without a good token is refused before its request is read; one with it is read as gRPC does."""

from concurrent import futures

import grpc
import pytest

from services.access.book import TokenBook
from services.access.roles import Role
from services.access.tokens import Token, digest_of, new_secret
from services.matcher.door.admission import AccessInterceptor, Door
from services.matcher.door.failures import ErrorInterceptor

SECRET = new_secret()
CALLS = {"Get": False, "Watch": True}


class Service:
    """Answers with the length of what it was sent, once or twice, and counts what was read."""

    def __init__(self):
        self.read = 0

    def decoded(self, data):
        self.read += 1
        return data

    def once(self, request, context):
        return str(len(request)).encode()

    def twice(self, request, context):
        yield from [self.once(request, context)] * 2


@pytest.fixture(params=["port", "socket"])
def served(request, tmp_path):
    book = TokenBook([Token("ann", Role.ADMIN, digest_of(SECRET))])
    server = grpc.server(
        futures.ThreadPoolExecutor(2), interceptors=(ErrorInterceptor(), AccessInterceptor(Door(book)))
    )
    service = Service()
    handlers = {
        "Get": grpc.unary_unary_rpc_method_handler(service.once, service.decoded, None),
        "Watch": grpc.unary_stream_rpc_method_handler(service.twice, service.decoded, None),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("vreid.v1.GalleryService", handlers),))
    address = f"unix:{tmp_path}/s" if request.param == "socket" else "127.0.0.1"
    if request.param == "socket":
        server.add_insecure_port(address)
    else:
        address += f":{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with grpc.insecure_channel(address) as channel:
        yield channel, service, request.param == "socket"
    server.stop(0).wait()


def ask(channel, call, metadata):
    name = f"/vreid.v1.GalleryService/{call}"
    make = channel.unary_stream if CALLS[call] else channel.unary_unary
    answer = make(name, None, None)(b"x" * 100_000, timeout=20, metadata=metadata)
    return list(answer) if CALLS[call] else [answer]


@pytest.mark.parametrize("call", list(CALLS))
def test_strangers_are_refused_unread(served, call):
    channel, service, local = served
    for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "Basic x"),)):
        if local:
            assert ask(channel, call, metadata) == [b"100000"] * (2 if CALLS[call] else 1)
            continue
        with pytest.raises(grpc.RpcError) as caught:
            ask(channel, call, metadata)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert service.read == 0


@pytest.mark.parametrize("call", list(CALLS))
def test_who_shows_a_token_is_answered(served, call):
    channel, service, _ = served
    said = (("authorization", f"Bearer {SECRET}"),)
    assert ask(channel, call, said) == [b"100000"] * (2 if CALLS[call] else 1)
    assert service.read == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_good_token_is_compared_once(served, call, monkeypatch):
    channel, _, local = served
    judged = []
    identify = TokenBook.identify
    monkeypatch.setattr(TokenBook, "identify", lambda book, secret: judged.append(secret) or identify(book, secret))
    ask(channel, call, (("authorization", f"Bearer {SECRET}"),))
    assert judged == [SECRET], f"by the {'socket' if local else 'port'}"
