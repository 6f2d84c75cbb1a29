"""Owns the playing of a city as one process: what a command asks for becomes a server that runs until a signal."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.city import load_city
from simulator.clock import CameraClock, matching, merge
from simulator.errors import CityError
from simulator.rtsp.auth import Credentials
from simulator.rtsp.faults.driver import FaultEvent
from simulator.rtsp.faults.schedule import FaultSchedule
from simulator.rtsp.faults.script import FaultPlan, load_script, plan_for
from simulator.rtsp.server import CityServer

#: What clients get to read the goodbye of a city that is over.
_FAREWELL_S = 1.0


@dataclass(frozen=True, slots=True)
class PlayRequest:
    """What to play, and how.

    Attributes:
        city: Folder or name of a city.
        host: Address to listen on; beyond this machine only with credentials.
        port: TCP port, 0 for any.
        t0_ns: Capture time of frame 0, UTC nanoseconds; None for now.
        loop: Begin a new day after the last frame.
        until_end: End with the last frame, where there is one; otherwise stay and say that the city is over.
        only: Cameras to play, ids or patterns; none for all.
        copies: How often each camera is played: as north, north-2, ...
        faults: Fault script, or None.
        clocks: Errors of clocks, as parse_clock reads them, beside those of the script.
        credentials: Asked of every client, or None.
    """

    city: str | Path
    host: str = "127.0.0.1"
    port: int = 0
    t0_ns: int | None = None
    loop: bool = True
    until_end: bool = False
    only: tuple[str, ...] = ()
    copies: int = 1
    faults: Path | None = None
    clocks: tuple[tuple[str, CameraClock], ...] = ()
    credentials: Credentials | None = None


def server_for(request: PlayRequest, on_event: Callable[[FaultEvent], None] | None = None) -> CityServer:
    """A server that is ready to be started.

    Raises:
        CityError: Unknown city, camera or script, or an open door to other machines.
        ClipError: A clip cannot be played.
    """
    if request.credentials is None and not _stays_here(request.host):
        raise CityError(f"{request.host} can be reached from other machines: give a user and a password")
    clips = {camera.id: camera.path for camera in load_city(request.city).cameras}
    if request.only:
        chosen = [camera for name in request.only for camera in matching(name, tuple(clips))]
        clips = {camera: path for camera, path in clips.items() if camera in chosen}
    clips = {_copy(camera, k): path for camera, path in clips.items() for k in range(1, request.copies + 1)}
    return CityServer(
        clips,
        host=request.host,
        port=request.port,
        t0_ns=request.t0_ns,
        loop=request.loop,
        credentials=request.credentials,
        plan=plan_of(request.faults, request.clocks, tuple(clips)),
        on_event=on_event,
    )


def plan_of(script: Path | None, clocks: Sequence[tuple[str, CameraClock]], cameras: tuple[str, ...]) -> FaultPlan:
    """What a script and options do to these cameras.

    Raises:
        CityError: The script is not usable, or something names an unknown camera.
    """
    plan = plan_for(load_script(script), cameras, str(script)) if script else FaultPlan(FaultSchedule(cameras))
    together = merge([*plan.clocks.items(), *clocks], cameras)
    return FaultPlan(plan.schedule, together, plan.delays_s)


def play(
    request: PlayRequest,
    on_ready: Callable[[dict[str, Any]], None],
    on_event: Callable[[FaultEvent], None] | None = None,
) -> None:
    """Plays until SIGINT or SIGTERM, or to the end where that was asked.

    Args:
        request: What to play.
        on_ready: Gets ``{port, t0_ns, ends_ns, urls}`` once clients can connect.
        on_event: Told when a fault begins or ends.

    Raises:
        CityError: It cannot be played; also where the port is taken or the address is not this machine's.
        ClipError: A clip cannot be played.
    """
    server = server_for(request, on_event)
    try:
        asyncio.run(_serve(server, on_ready, until_end=request.until_end))
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        reason = f"port {request.port} is in use" if taken else f"{request.host}: {exc.strerror or exc}"
        raise CityError(reason) from exc


async def _serve(server: CityServer, on_ready: Callable[[dict[str, Any]], None], *, until_end: bool) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        port = await server.start()
        ends_ns = server.ends_ns()
        on_ready({"port": port, "t0_ns": server.t0_ns, "ends_ns": ends_ns, "urls": server.urls()})
        left_s = None
        if until_end and ends_ns is not None:
            left_s = max((ends_ns - time.time_ns()) / 1e9, 0.0) + _FAREWELL_S
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), left_s)
    finally:
        await server.stop()


def _copy(camera: str, number: int) -> str:
    return camera if number == 1 else f"{camera}-{number}"


def _stays_here(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
