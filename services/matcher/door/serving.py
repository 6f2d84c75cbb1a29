"""A gRPC server on an event loop in a thread of its own. Offers what it is given; knows no call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import grpc
import grpc.aio
import uvloop

from services.matcher.door.behaviours import on_loop

T = TypeVar("T")

Find = Callable[[grpc.HandlerCallDetails], Any]


class LoopServer:
    """What grpc.server offers, for behaviours that block and for coroutines.

    A call that waits in a coroutine holds no thread and is not passed from one to the next: under many callers that
    halves what it costs. Its interceptors are those of grpc.server, and wrap coroutines by coroutines.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        interceptors: Sequence[grpc.ServerInterceptor],
        most_calls: int,
        options: Sequence[tuple[str, Any]],
    ) -> None:
        """Starts the loop; binds nothing.

        Args:
            pool: Threads for behaviours that block.
            interceptors: The first of them is the outermost.
            most_calls: Calls at once; beyond them the next is refused.
            options: Of gRPC.
        """
        self._handlers: list[grpc.GenericRpcHandler] = []
        find: Find = self._find
        for interceptor in reversed(interceptors):
            find = partial(interceptor.intercept_service, find)
        self._loop = uvloop.new_event_loop()
        self._loop.set_default_executor(pool)
        self._thread = threading.Thread(target=self._run, name="grpc-loop", daemon=True)
        self._thread.start()

        async def make() -> grpc.aio.Server:
            made = grpc.aio.server(maximum_concurrent_rpcs=most_calls, options=options)
            made.add_generic_rpc_handlers((_Front(find),))
            return made

        self._server = self.run(make())

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """As grpc.Server; before it starts."""
        self._handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """As grpc.Server: what generated code says beside ``add_generic_rpc_handlers``, and means the same by."""

    def offer(self, add: Callable[[grpc.aio.Server], None]) -> None:
        """Has coroutines of grpc.aio's own kind answer, past the interceptors; before it starts."""
        self.run(_called(add, self._server))

    def add_insecure_port(self, address: str) -> int:
        """As grpc.Server."""
        return int(self.run(_called(self._server.add_insecure_port, address)))

    def add_secure_port(self, address: str, credentials: grpc.ServerCredentials) -> int:
        """As grpc.Server."""
        return int(self.run(_called(self._server.add_secure_port, address, credentials)))

    def start(self) -> None:
        """As grpc.Server."""
        self.run(self._server.start())

    @property
    def closed(self) -> bool:
        """Whether the loop has ended."""
        return not self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine on the loop returns or raises; for other threads."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self, grace_s: float | None) -> None:
        """Takes no new calls, cancels running ones after ``grace_s``, and returns when all have ended."""
        self.run(self._server.stop(grace_s))

    def close(self) -> None:
        """Ends the loop, after ``stop`` and after the pool has ended."""
        if not self.closed:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _find(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        found = (handler.service(details) for handler in self._handlers)
        return next((handler for handler in found if handler is not None), None)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


class _Front(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds what answers a call, behind the interceptors."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """See grpc.GenericRpcHandler."""
        found = self._find(handler_call_details)
        return None if found is None else on_loop(found)


async def _called(function: Callable[..., T], *given: Any) -> T:
    return function(*given)
