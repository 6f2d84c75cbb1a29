"""The gRPC listener: services, health, reflection, limits. Owns what is offered, not how a call is answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from services.matcher.console import ConsoleParts, ConsoleServicer
from services.matcher.door.admission import AccessInterceptor, Door
from services.matcher.door.failures import ErrorInterceptor
from services.matcher.door.ledger import Ledger
from services.matcher.door.listening import listen
from services.matcher.door.serving import LoopServer
from services.matcher.identity_servicer import IdentityServicer
from services.matcher.read_only import ReadOnlyInterceptor
from services.matcher.search_servicer import MatcherServicer
from services.matcher.servicers import CameraServicer, Parts
from services.matcher.standing import StandingLoop
from services.matcher.standing_servicer import StandingServicer
from services.matcher.upkeep_servicer import GalleryServicer, Keeping
from services.observability.calls import CallInterceptor
from services.rpc import vreid_pb2, vreid_pb2_grpc

SERVICES = tuple(service.full_name for service in vreid_pb2.DESCRIPTOR.services_by_name.values())


@dataclass(frozen=True, slots=True)
class Offer:
    """What a listener offers, and to whom.

    Attributes:
        parts: What calls work with.
        keeping: What keeps and changes the gallery beside them.
        door: How callers come in; by default everybody on this machine does.
        ledger: Where what callers ask for is written down; None writes nothing.
        standing: Raises alerts in this process, and hears at once of a query that is made.
        read_only: Refuse every call that changes what the site knows.
    """

    parts: Parts
    keeping: Keeping = field(default_factory=Keeping)
    door: Door = field(default_factory=Door)
    ledger: Ledger | None = None
    standing: StandingLoop | None = None
    read_only: bool = False


class MatcherServer:
    """A bound listener. Health says NOT_SERVING until told otherwise."""

    def __init__(self, offer: Offer) -> None:
        """Binds the port; answers nothing yet.

        Raises:
            ConfigError: The address cannot be listened on, or is not this machine's alone and lacks TLS or tokens.
            PortInUse: Somebody else listens there.
        """
        parts, keeping, settings = offer.parts, offer.keeping, offer.parts.settings
        self.calls = CallInterceptor()
        self.serving = False
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="grpc")
        self._server = LoopServer(
            self._pool,
            (
                self.calls,
                ErrorInterceptor(),
                AccessInterceptor(offer.door, offer.ledger),
                *((ReadOnlyInterceptor(),) if offer.read_only else ()),
            ),
            settings.max_waiting_calls,
            (
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
            ),
        )
        self._health = health.aio.HealthServicer()
        self._server.offer(partial(health_pb2_grpc.add_HealthServicer_to_server, self._health))
        self.set_serving(False)
        self._matcher = MatcherServicer(parts, keeping.crops)
        vreid_pb2_grpc.add_MatcherServiceServicer_to_server(self._matcher, self._server)
        vreid_pb2_grpc.add_GalleryServiceServicer_to_server(GalleryServicer(parts, keeping), self._server)
        vreid_pb2_grpc.add_IdentityServiceServicer_to_server(IdentityServicer(parts), self._server)
        vreid_pb2_grpc.add_CameraServiceServicer_to_server(CameraServicer(parts), self._server)
        waker = offer.standing.wake if offer.standing is not None else lambda: None
        vreid_pb2_grpc.add_StandingServiceServicer_to_server(StandingServicer(parts, waker), self._server)
        console = ConsoleServicer(ConsoleParts(parts.store, parts.reader, parts.retention))
        vreid_pb2_grpc.add_ConsoleServiceServicer_to_server(console, self._server)
        shown = reflection.ReflectionServicer((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(shown, self._server)
        try:
            self.address = listen(self._server, settings, offer.door)
        except BaseException:
            self._server.close()
            raise

    def set_serving(self, serving: bool) -> None:
        """Tells health, for every service and for the whole ("")."""
        self.serving = serving
        if self._server.closed:
            return
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING

        async def tell() -> None:
            for name in ("", *SERVICES):
                await self._health.set(name, status)

        self._server.run(tell())

    def start(self) -> None:
        """Answers from now on."""
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Takes no new calls, cancels running ones after ``grace_s``, and returns when all have ended."""
        if self._server.closed:
            return
        self._server.run(self._health.enter_graceful_shutdown())
        self._matcher.end_watches()
        self._server.stop(grace_s)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._server.close()
        self._matcher.close()
