"""Owns one client's RTSP conversation: each method's answer and the sessions it set up; never paces packets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.rtsp.auth import Credentials, DigestAuth
from simulator.rtsp.camera import Camera
from simulator.rtsp.message import TRACK, MalformedRequest, Request, read_message, reply, session_description
from simulator.rtsp.session import StreamSession, WallClock
from simulator.rtsp.sink import UdpPorts, UdpSink, choose_sink

log = logging.getLogger(__name__)

#: What a client gets to read the last bytes.
CLOSE_TIMEOUT_S = 1.0

_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN")
_OPEN_METHODS = ("OPTIONS", "GET_PARAMETER")
#: Linger for no time: closing becomes a reset.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take.

    Attributes:
        session_timeout_s: Silence after which a session ends.
        max_backlog_bytes: Waiting for one client before it loses pictures.
        max_sessions: Of one connection.
        report_interval_s: From one sender report to the next.
    """

    session_timeout_s: float = 60.0
    max_backlog_bytes: int = 1 << 20
    max_sessions: int = 16
    report_interval_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Service:
    """What every connection of a server shares."""

    cameras: Mapping[str, Camera]
    ports: UdpPorts
    clock: WallClock
    limits: Limits
    credentials: Credentials | None


class Connection:
    """One client."""

    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._auths: dict[Credentials, DigestAuth] = {}
        self.sessions: dict[str, StreamSession] = {}
        self._last_seen_s = time.monotonic()

    async def run(self) -> None:
        """Answers until the client leaves, falls silent or sends something else."""
        guard = asyncio.create_task(self._end_silence(), name="rtsp-silence")
        try:
            while (message := await read_message(self._reader)) is not None:
                self.touch()
                if isinstance(message, Request):
                    self._writer.write(await self._answer(message))
        except (MalformedRequest, ConnectionError) as exc:
            log.info("client left out: %s", exc)
        finally:
            guard.cancel()
            await self.close()

    async def close(self) -> None:
        """Ends every session and the connection."""
        sessions, self.sessions = list(self.sessions.values()), {}
        try:
            for session in sessions:
                await session.stop()
            self._writer.close()
            with contextlib.suppress(OSError):
                await asyncio.wait_for(self._writer.wait_closed(), CLOSE_TIMEOUT_S)
        finally:
            # Also where the server, on its way down, cancels this farewell.
            for session in sessions:
                session.abandon()
            self._writer.transport.abort()

    def abort(self) -> None:
        """Drops the connection without a word: a TCP reset, and no goodbye over UDP either."""
        for session in self.sessions.values():
            session.silence()
        if not self._writer.is_closing():
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    def touch(self) -> None:
        """The client showed that it is alive."""
        self._last_seen_s = time.monotonic()
        for session in self.sessions.values():
            session.touch()

    def heard_from(self, address: tuple[str, int]) -> None:
        """A receiver report came from an address; keeps the session alive that sends there."""
        for session in self.sessions.values():
            if isinstance(session.sink, UdpSink) and session.sink.rtcp_address == address:
                session.touch()

    async def _end_silence(self) -> None:
        """Ends sessions that were silent for too long, and the connection when nothing on it is alive."""
        limit_s = self._service.limits.session_timeout_s
        while True:
            await asyncio.sleep(limit_s / 4)
            oldest_s = time.monotonic() - limit_s
            for session in [s for s in self.sessions.values() if s.last_seen_s < oldest_s]:
                del self.sessions[session.session_id]
                await session.stop()
            if not self.sessions and self._last_seen_s < oldest_s:
                self.abort()
                return

    async def _answer(self, request: Request) -> bytes:
        if request.method not in _METHODS:
            return reply(request, 501, {"Public": ", ".join(_METHODS)})
        session = self.sessions.get(request.session_id)
        camera = self._service.cameras.get(session.camera_id if session else request.camera_id)
        turned_away = self._turn_away(request, camera)
        if turned_away is not None:
            return turned_away
        if request.method == "OPTIONS" or (request.method == "GET_PARAMETER" and not request.session_id):
            return reply(request, 200, {"Public": ", ".join(_METHODS)})
        if request.method in ("DESCRIBE", "SETUP"):
            camera = self._service.cameras.get(request.camera_id)
            return reply(request, 404) if camera is None else self._on_camera(request, camera)
        return await self._on_session(request, session) if session else reply(request, 454)

    def _turn_away(self, request: Request, camera: Camera | None) -> bytes | None:
        """What a request gets that is not answered: by a camera's fault, or for want of a password."""
        refusal = camera.refusal if camera else None
        if refusal == "reset":
            self.abort()
        if refusal in ("reset", "silent"):
            return b""
        if request.method in _OPEN_METHODS:
            return None
        if isinstance(refusal, int):
            return reply(request, refusal)
        credentials = camera.credentials if camera else self._service.credentials
        if credentials is None:
            return None
        auth = self._auths.setdefault(credentials, DigestAuth(credentials))
        return None if auth.admits(request) else reply(request, 401, {"WWW-Authenticate": auth.challenge})

    def _on_camera(self, request: Request, camera: Camera) -> bytes:
        timeline = camera.timeline
        if camera.own_timeline.ended(self._service.clock()):
            return reply(request, 410)
        if request.method == "DESCRIBE":
            base = f"{request.uri.rstrip('/')}/"
            return reply(
                request,
                200,
                {"Content-Base": base},
                session_description(request.camera_id, timeline.clip, timeline.t0_ns),
            )
        return self._set_up(request, camera)

    def _set_up(self, request: Request, camera: Camera) -> bytes:
        limits = self._service.limits
        if len(self.sessions) >= limits.max_sessions:
            return reply(request, 453)
        sink = choose_sink(request.headers.get("transport", ""), self._writer, self._service.ports)
        if sink is None:
            return reply(request, 461)
        session = StreamSession(
            camera,
            sink,
            max_backlog_bytes=limits.max_backlog_bytes,
            report_interval_s=limits.report_interval_s,
            clock=self._service.clock,
        )
        self.sessions[session.session_id] = session
        timeout_s = max(round(limits.session_timeout_s), 1)
        headers = {"Transport": sink.transport_header, "Session": f"{session.session_id};timeout={timeout_s}"}
        return reply(request, 200, headers)

    async def _on_session(self, request: Request, session: StreamSession) -> bytes:
        headers = {"Session": session.session_id}
        if request.method == "TEARDOWN":
            del self.sessions[session.session_id]
            await session.stop()
        elif request.method == "PLAY":
            if session.playing:
                return reply(request, 455, headers)
            start = session.play()
            base = request.uri.rstrip("/")
            track = base if base.endswith(f"/{TRACK}") else f"{base}/{TRACK}"
            headers["Range"] = f"npt={start.npt_s:.6f}-"
            headers["RTP-Info"] = f"url={track};seq={start.sequence};rtptime={start.rtp_time}"
        return reply(request, 200, headers)
