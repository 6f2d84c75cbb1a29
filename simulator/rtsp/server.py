"""Owns the city's RTSP server: its listener, its cameras and their one t0; never looks into packets or requests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.clock import TRUE_CLOCK, matching
from simulator.rtsp.auth import Credentials
from simulator.rtsp.camera import Camera
from simulator.rtsp.clip import Clip, load_clip
from simulator.rtsp.connection import Connection, Limits, Service
from simulator.rtsp.faults.driver import FaultDriver, FaultEvent
from simulator.rtsp.faults.kinds import Fault, Resolution
from simulator.rtsp.faults.schedule import FaultSchedule
from simulator.rtsp.faults.script import FaultPlan
from simulator.rtsp.sink import UdpPorts
from simulator.rtsp.timeline import Timeline

log = logging.getLogger(__name__)


class CityServer:
    """Plays clips as live cameras, all on one clock.

    A client that joins at any time gets the live picture and absolute media time; a server that is killed and started
    again with the same t0 goes on where the city would be.
    """

    def __init__(  # noqa: PLR0913 - the keywords are independent settings of one listener
        self,
        clips: Mapping[str, Path | Clip],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        t0_ns: int | None = None,
        loop: bool = False,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
        plan: FaultPlan | None = None,
        on_event: Callable[[FaultEvent], None] | None = None,
        cache: Path | None = None,
    ) -> None:
        """Reads the clips.

        Args:
            clips: What each camera plays, by camera id.
            host: Address to listen on.
            port: TCP port, 0 for any.
            t0_ns: Capture time of frame 0, UTC nanoseconds; None for the moment of start().
            loop: Begin a new day after the last frame, counting on; otherwise say goodbye.
            credentials: Ask every client for them.
            limits: What a client may take.
            plan: What goes wrong, and the cameras' clocks; made for these cameras.
            on_event: Told when a fault begins or ends, in the server's event loop.
            cache: Folder for clips at another size; the user's cache if None.

        Raises:
            ClipError: A file cannot be played.
        """
        plan = plan or FaultPlan(FaultSchedule(tuple(clips)))
        self._schedule = plan.schedule
        self._on_event = on_event
        self._cache = cache
        self._cameras: dict[str, Camera] = {}
        for name, clip in _loaded(clips).items():
            clock, delay_s = plan.clocks.get(name, TRUE_CLOCK), plan.delays_s.get(name, 0.0)
            self._cameras[name] = Camera(name, Timeline(clip, t0_ns or 0, loop, clock, delay_s), credentials)
            self._cameras[name].prepare(plan.schedule.resolutions(name), cache)
        self._host = host
        self._port = port
        self._t0_ns = t0_ns
        self._credentials = credentials
        self._limits = limits or Limits()
        self._listener: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._ports: UdpPorts | None = None
        self._service: Service | None = None
        self._driver: FaultDriver | None = None
        self._faults: asyncio.Task[None] | None = None
        self._connections: dict[Connection, asyncio.Task[None]] = {}

    @property
    def t0_ns(self) -> int | None:
        """Capture time of frame 0, UTC nanoseconds; None before start() where none was given."""
        return self._t0_ns

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The clients being served."""
        return tuple(self._connections)

    async def start(self) -> int:
        """Begins to listen.

        Returns:
            The TCP port.

        Raises:
            OSError: The port is taken.
        """
        if self._t0_ns is None:
            self._t0_ns = time.time_ns()
        for camera in self._cameras.values():
            camera.begin(self._t0_ns)
        self._ports = UdpPorts(self._heard_from)
        self._service = Service(self._cameras, self._ports, time.time_ns, self._limits, self._credentials)
        self._listener = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._listener.sockets[0].getsockname()[1]
        try:
            await self._ports.open(self._host)
        except OSError:
            self._listener.close()
            raise
        self._driver = FaultDriver(self._schedule, self._cameras, self, t0_ns=self._t0_ns, on_event=self._on_event)
        await self._driver.step()
        self._faults = asyncio.create_task(self._driver.run(), name="rtsp-faults")
        self._faults.add_done_callback(_report_failure)
        return self._port

    async def stop(self) -> None:
        """Says goodbye to every client and closes all sockets."""
        if self._faults is not None:
            self._faults.cancel()
            await asyncio.gather(self._faults, return_exceptions=True)
            self._faults = None
        if self._listener is not None:
            self._listener.close()
        tasks = list(self._connections.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            await self._listener.wait_closed()
            self._listener = None
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        if self._ports is not None:
            self._ports.close()
            self._ports = None

    async def inject(self, fault: Fault) -> None:
        """Lets something go wrong at once, beside what the plan says.

        Args:
            fault: What, to whom, for how long; its ``at_s`` counts from now.

        Raises:
            CityError: It names no camera of this city.
            ClipError: The clip of another size cannot be made.
            RuntimeError: The server is not running.
        """
        driver = self._running()
        for name in matching(fault.camera, tuple(self._cameras)):
            if isinstance(fault, Resolution):
                await asyncio.to_thread(self._cameras[name].prepare, [fault], self._cache)
        await driver.inject(fault)

    async def heal(self, camera: str = "*") -> None:
        """Ends what was injected for cameras that a pattern fits.

        Raises:
            RuntimeError: The server is not running.
        """
        await self._running().heal(camera)

    def city_s(self) -> float:
        """Seconds since t0 by which faults are timed.

        Raises:
            RuntimeError: The server is not running.
        """
        return self._running().now_s

    def urls(self) -> dict[str, str]:
        """Each camera's address, without credentials."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return {name: f"rtsp://{host}:{self._port}/{name}" for name in self._cameras}

    def ends_ns(self) -> int | None:
        """When the last camera has shown its last frame; None for an endless city or before start()."""
        ends = [camera.own_timeline.end_ns for camera in self._cameras.values()] if self._service else []
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def disconnect(self, camera_id: str) -> int:
        """Drops every client of a camera without a word.

        Returns:
            How many were dropped.
        """
        dropped = [c for c in self._connections if any(s.camera_id == camera_id for s in c.sessions.values())]
        for connection in dropped:
            connection.abort()
        return len(dropped)

    def close_port(self) -> None:
        """Refuses connections and drops all that there are; the port stays reserved."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._reserved = _reserve(self._host, self._port)
        for connection in self._connections:
            connection.abort()

    async def open_port(self) -> None:
        """Listens again, on the same port.

        Raises:
            OSError: Somebody took the port.
        """
        if self._listener is None:
            held, self._reserved = self._reserved, None
            if held is not None:
                self._listener = await asyncio.start_server(self._serve, sock=held)
            else:
                self._listener = await asyncio.start_server(self._serve, self._host, self._port)

    def _running(self) -> FaultDriver:
        if self._driver is None or self._faults is None:
            raise RuntimeError("the server is not running")
        return self._driver

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if self._service is None or task is None:
            writer.close()
            return
        # The kernel would otherwise let a slow client's backlog grow to megabytes on its own.
        kernel_bytes = self._limits.max_backlog_bytes
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes)
        connection = Connection(self._service, reader, writer)
        self._connections[connection] = task
        try:
            await connection.run()
        except asyncio.CancelledError:
            pass
        finally:
            del self._connections[connection]

    def _heard_from(self, address: tuple[str, int]) -> None:
        for connection in self._connections:
            connection.heard_from(address)


def _loaded(clips: Mapping[str, Path | Clip]) -> dict[str, Clip]:
    """Every camera's clip; a file that several play is read once."""
    read: dict[Path, Clip] = {}
    for clip in clips.values():
        if isinstance(clip, Path) and clip not in read:
            read[clip] = load_clip(clip)
    return {name: read[clip] if isinstance(clip, Path) else clip for name, clip in clips.items()}


def _reserve(host: str, port: int) -> socket.socket | None:
    """Binds a port without listening: nobody else gets it, and who connects is refused."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    held = socket.socket(family, kind, protocol)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.suppress(OSError):
        held.bind(address)
        return held
    held.close()
    return None


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (exc := task.exception()) is not None:
        log.error("the fault script stopped", exc_info=exc)
