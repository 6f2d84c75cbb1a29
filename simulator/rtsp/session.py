"""Owns one client's playback of one camera: pacing, sender reports, what a slow client loses; never parses RTSP."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from simulator.rtsp import rtcp
from simulator.rtsp.camera import Camera
from simulator.rtsp.faults.wire import Wire
from simulator.rtsp.packetise import Packetiser
from simulator.rtsp.sink import PacketSink
from simulator.rtsp.timeline import Scheduled

log = logging.getLogger(__name__)

WallClock = Callable[[], int]
_NS = 1_000_000_000
#: A joining client gets the pictures since the last keyframe this much faster than real time.
CATCH_UP_SPEED = 10
#: No sleep is longer, so that a step of the wall clock is noticed.
MAX_SLEEP_S = 1.0


@dataclass(frozen=True, slots=True)
class PlayStart:
    """Where playback begins, for the reply to PLAY: this media time is that RTP time and packet."""

    npt_s: float
    sequence: int
    rtp_time: int


class GopGate:
    """Bounds what waits for a slow client: beyond the limit it loses all pictures up to a keyframe."""

    def __init__(self, max_backlog_bytes: int) -> None:
        self._max_backlog_bytes = max_backlog_bytes
        self._closed = False
        self.dropped = 0

    def admits(self, *, keyframe: bool, backlog_bytes: int, room_bytes: int | None = None) -> bool:
        """Whether to send the next picture.

        Args:
            keyframe: The picture can be decoded alone.
            backlog_bytes: Waiting for the client now.
            room_bytes: What may wait, where that is less than the gate's own limit.
        """
        limit = self._max_backlog_bytes if room_bytes is None else min(room_bytes, self._max_backlog_bytes)
        if backlog_bytes > limit:
            self._closed = True
        elif keyframe and backlog_bytes <= limit // 2:
            self._closed = False
        self.dropped += self._closed
        return not self._closed

    def skip(self) -> None:
        """The next picture is not sent, whatever it is."""
        self._closed = True
        self.dropped += 1


class StreamSession:
    """Plays one camera to one client from the moment of PLAY."""

    def __init__(
        self, camera: Camera, sink: PacketSink, *, max_backlog_bytes: int, report_interval_s: float, clock: WallClock
    ) -> None:
        self.camera_id = camera.camera_id
        self.session_id = secrets.token_hex(8)
        self.sink = sink
        self.gate = GopGate(max_backlog_bytes)
        self.last_seen_s = time.monotonic()
        self._camera = camera
        self._wire = Wire(camera.camera_id, sink, lambda: camera.faults)
        self._clock = clock
        self._report_interval_s = report_interval_s
        self._packetiser = Packetiser(secrets.randbits(32), secrets.randbits(16))
        self._task: asyncio.Task[None] | None = None
        self._reported_s = float("-inf")

    @property
    def playing(self) -> bool:
        """Whether packets are being sent."""
        return self._task is not None and not self._task.done()

    def touch(self) -> None:
        """The client showed that it is alive."""
        self.last_seen_s = time.monotonic()

    def play(self) -> PlayStart:
        """Begins at the live position.

        Returns:
            What the client needs to know absolute media time.
        """
        timeline = self._camera.timeline
        position = timeline.join_position(self._clock())
        first = timeline.at(position)
        start = PlayStart(timeline.media_s(first.frame), self._packetiser.sequence, first.rtp_time)
        self._task = asyncio.create_task(self._run(position), name=f"rtsp-play-{self.session_id}")
        self._task.add_done_callback(_report_failure)
        return start

    def silence(self) -> None:
        """Sends nothing any more, not even a goodbye."""
        self._wire.close()

    def abandon(self) -> None:
        """Ends playback at once, without a word."""
        self._wire.close()
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Ends playback, with a goodbye if it was still going on."""
        task, self._task = self._task, None
        if task is not None:
            playing = not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if playing:
                self._say_goodbye()
        self._wire.close()

    async def _run(self, position: int) -> None:
        previous_sent_s = float("-inf")
        timeline = self._camera.own_timeline
        interval_s = float(1 / timeline.clip.fps)
        for scheduled in self._camera.pictures(position):
            await self._sleep_until(scheduled.due_ns)
            behind_s = previous_sent_s + interval_s / CATCH_UP_SPEED - time.monotonic()
            await asyncio.sleep(max(behind_s, 0.0))
            previous_sent_s = time.monotonic()
            if self._camera.mute:
                self.gate.skip()
                continue
            self._report()
            self._send(scheduled)
        await self._sleep_until(timeline.end_ns or 0)
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        if not self._camera.mute:
            self._wire.send_rtcp(rtcp.goodbye(self._packetiser.ssrc))

    async def _sleep_until(self, due_ns: int) -> None:
        while (wait_s := (due_ns - self._clock()) / _NS) > 0:
            await asyncio.sleep(min(wait_s, MAX_SLEEP_S))

    def _send(self, scheduled: Scheduled) -> None:
        unit, wire = scheduled.unit, self._wire
        if self.gate.admits(keyframe=unit.keyframe, backlog_bytes=wire.backlog_bytes(), room_bytes=wire.room_bytes):
            for packet in self._packetiser.packets(unit.nals, scheduled.rtp_time, scheduled.parameter_sets):
                wire.send_rtp(packet)

    def _report(self) -> None:
        if time.monotonic() - self._reported_s < self._report_interval_s:
            return
        self._reported_s = time.monotonic()
        now_ns = self._clock()
        timeline, maker = self._camera.own_timeline, self._packetiser
        report = rtcp.sender_report(
            maker.ssrc,
            timeline.shown_ns(now_ns),
            timeline.rtp_time_at(now_ns),
            maker.packets_sent,
            maker.octets_sent,
        )
        self._wire.send_rtcp(report + rtcp.source_description(maker.ssrc, "city"))


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (exc := task.exception()) is not None:
        log.error("playback failed", exc_info=exc)
