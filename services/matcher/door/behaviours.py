"""Behaviours of calls as an event loop runs them: coroutines on the loop itself, all others in the loop's threads.

Knows no call: reads requests, hands them on, and sends what comes back with the status that the behaviour chose.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context, copy_context
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

import grpc
import grpc.aio

from services.matcher.door.context import CallAbortedError, CallContext

log = logging.getLogger(__name__)

_UNREADABLE = "Exception deserializing request!"
_FAILED = "Exception calling application"
_NO_MORE = object()

AioContext: TypeAlias = Any  # grpc.aio.ServicerContext, which has no types


class UnreadableError(Exception):
    """A request that is none."""


def on_loop(handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
    """The same behaviour as grpc.aio takes it: it reads and sends bytes, and awaits.

    A behaviour that is a coroutine function must answer with one message, and is given the requests of a stream as an
    asynchronous iterator. It must never block.
    """
    # Messages are unpacked and packed here, for grpc.aio answers a request that is none as an error of the server's.
    if handler.response_streaming:
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(_many(handler, handler.stream_stream))
        return grpc.unary_stream_rpc_method_handler(_many(handler, handler.unary_stream))
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(_one(handler, handler.stream_unary))
    return grpc.unary_unary_rpc_method_handler(_one(handler, handler.unary_unary))


def _one(handler: grpc.RpcMethodHandler, behaviour: Callable[[Any, Any], Any]) -> Callable[[Any, AioContext], Any]:
    """A call with one answer."""
    awaited = iscoroutinefunction(behaviour)

    async def run(body: Any, inner: AioContext) -> Any:
        context = CallContext(inner)
        answer = None
        try:
            if awaited:
                answer = await behaviour(_requests(handler, body, awaited=True), context)
            else:
                answer = await asyncio.to_thread(behaviour, _requests(handler, body, awaited=False), context)
        except Exception as exc:  # the top of a call: behaviours map what is theirs
            _judge(context, exc)
        finally:
            context.end()
        await _finish(inner, context)
        return answer if handler.response_serializer is None else handler.response_serializer(answer)

    return run


def _many(
    handler: grpc.RpcMethodHandler, behaviour: Callable[[Any, Any], Iterator[Any]]
) -> Callable[[Any, AioContext], AsyncIterator[Any]]:
    """A call with any number of answers, each made when the one before it has been sent."""

    async def run(body: Any, inner: AioContext) -> AsyncIterator[Any]:
        context = CallContext(inner)
        pack = handler.response_serializer or bytes
        try:
            requests = _requests(handler, body, awaited=False)
            answers = _Answers(lambda: behaviour(requests, context))
            try:
                async for answer in answers:
                    yield pack(answer)
            finally:
                context.end()
                answers.close()
        except Exception as exc:  # as above
            _judge(context, exc)
        await _finish(inner, context)

    return run


class _Answers:
    """What a generator yields, each in a thread, all in one context; closed only while none is being made."""

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self._begin = begin
        self._within: Context = copy_context()
        self._made: Iterator[Any] | None = None
        self._running: asyncio.Future[Any] | None = None

    def __aiter__(self) -> _Answers:
        return self

    async def __anext__(self) -> Any:
        # Whoever gives up waiting must not make a thread's work be forgotten that has begun.
        self._running = asyncio.get_running_loop().run_in_executor(None, self._within.run, self._next)
        answer = await asyncio.shield(self._running)
        if answer is _NO_MORE:
            raise StopAsyncIteration
        return answer

    def close(self) -> None:
        """Closes the generator, after the answer that it is at; nobody waits for that."""
        if self._running is None:
            return
        if self._running.done():
            self._close_in_thread(self._running)
        else:
            self._running.add_done_callback(self._close_in_thread)

    def _next(self) -> Any:
        if self._made is None:
            self._made = iter(self._begin())
        return next(self._made, _NO_MORE)

    def _close_in_thread(self, ended: asyncio.Future[Any]) -> None:
        if not ended.cancelled():
            ended.exception()  # told to whoever waited, or of no interest
        close = getattr(self._made, "close", None)
        if close is None:
            return
        try:
            asyncio.get_running_loop().run_in_executor(None, self._within.run, close)
        except RuntimeError:  # the server has ended, and its threads with it
            threading.Thread(target=self._within.run, args=(close,), name="grpc-closing", daemon=True).start()


def _requests(handler: grpc.RpcMethodHandler, body: Any, *, awaited: bool) -> Any:
    """What a behaviour is given: one message, or many as they come."""
    read = handler.request_deserializer
    if not handler.request_streaming:
        return _read(read, body)
    return _coming(read, body) if awaited else _waited_for(read, body, asyncio.get_running_loop())


def _read(read: Callable[[bytes], Any] | None, body: bytes) -> Any:
    if read is None:
        return body
    try:
        return read(body)
    except Exception as exc:  # protobuf raises what it likes
        raise UnreadableError from exc


async def _coming(read: Callable[[bytes], Any] | None, bodies: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for body in bodies:
        yield _read(read, body)


def _waited_for(
    read: Callable[[bytes], Any] | None, bodies: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop
) -> Iterator[Any]:
    """The messages of a stream, waited for in a thread."""

    async def following() -> Any:
        return await anext(aiter(bodies), _NO_MORE)

    while (body := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not _NO_MORE:
        yield _read(read, body)


def _judge(context: CallContext, exc: Exception) -> None:
    """Gives a call that failed its status."""
    if isinstance(exc, CallAbortedError):
        return
    if isinstance(exc, UnreadableError):
        context.code, context.details = grpc.StatusCode.INTERNAL, _UNREADABLE
        return
    log.error("%s", _FAILED, exc_info=exc)
    context.code, context.details = grpc.StatusCode.UNKNOWN, _FAILED


async def _finish(inner: AioContext, context: CallContext) -> None:
    """Tells gRPC how a call ends; raises where that is not well."""
    if context.code is not grpc.StatusCode.OK:
        await inner.abort(context.code, context.details, context.trailing)
    if context.trailing:
        inner.set_trailing_metadata(context.trailing)
