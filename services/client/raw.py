"""Calls by name with any bytes, and the bare status that comes back: for who tries what no client would send."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import grpc

from services.rpc import vreid_pb2

_CALLS = {
    f"{service.name}.{method.name}": method
    for service in vreid_pb2.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
#: Every call of vreid.v1, "GalleryService.List".
CALLS = tuple(_CALLS)


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a call.

    Attributes:
        code: Its name, "INVALID_ARGUMENT".
        details: What was said.
    """

    code: str
    details: str


class RawCalls:
    """A connection of its own to one matcher without TLS, with no bound to what is sent. One thread's."""

    def __init__(self, address: str, timeout_s: float = 60.0) -> None:
        """Connects at the first call."""
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(
            address, (("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1))
        )

    def __enter__(self) -> RawCalls:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def ask(self, call: str, body: bytes) -> Status:
        """Sends one message and reads one answer.

        Args:
            call: Of CALLS.
            body: As it goes over the wire.

        Raises:
            KeyError: There is no such call.
        """
        method = _CALLS[call]
        kind = f"{_kind(method.client_streaming)}_{_kind(method.server_streaming)}"
        stub = getattr(self._channel, kind)(f"/{method.containing_service.full_name}/{method.name}")
        try:
            answer = stub(iter([body]) if method.client_streaming else body, timeout=self._timeout_s)
            if method.server_streaming:
                next(answer, None)
                answer.cancel()
        except grpc.RpcError as exc:
            return Status(exc.code().name, exc.details() or "")
        return Status("OK", "")


def _kind(streaming: bool) -> str:
    return "stream" if streaming else "unary"
