"""Owns the city's RTSP server: its listener, its cameras and their one t0; never looks into packets or requests."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from simulator.rtsp.auth import Credentials
from simulator.rtsp.clip import Clip, load_clip
from simulator.rtsp.connection import Connection, Limits, Service
from simulator.rtsp.sink import UdpPorts
from simulator.rtsp.timeline import Timeline


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

        Raises:
            ClipError: A file cannot be played.
        """
        self._clips = {name: clip if isinstance(clip, Clip) else load_clip(clip) for name, clip in clips.items()}
        self._host = host
        self._port = port
        self._t0_ns = t0_ns
        self._loop = loop
        self._credentials = credentials
        self._limits = limits or Limits()
        self._listener: asyncio.Server | None = None
        self._ports: UdpPorts | None = None
        self._service: Service | None = None
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
        self._listener = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._listener.sockets[0].getsockname()[1]
        self._ports = UdpPorts(self._heard_from)
        try:
            await self._ports.open(self._host)
        except OSError:
            self._listener.close()
            raise
        timelines = {name: Timeline(clip, self._t0_ns, self._loop) for name, clip in self._clips.items()}
        self._service = Service(timelines, self._ports, time.time_ns, self._limits, self._credentials)
        return self._port

    async def stop(self) -> None:
        """Says goodbye to every client and closes all sockets."""
        if self._listener is not None:
            self._listener.close()
        tasks = list(self._connections.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            await self._listener.wait_closed()
            self._listener = None
        if self._ports is not None:
            self._ports.close()
            self._ports = None

    def urls(self) -> dict[str, str]:
        """Each camera's address, without credentials."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return {name: f"rtsp://{host}:{self._port}/{name}" for name in self._clips}

    def ends_ns(self) -> int | None:
        """When the last camera has shown its last frame; None for an endless city or before start()."""
        ends = [timeline.end_ns for timeline in self._service.timelines.values()] if self._service else []
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
