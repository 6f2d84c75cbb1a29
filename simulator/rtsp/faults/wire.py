"""Owns the way of one client's packets through the faults of its camera into its sink; never decides what is wrong."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from simulator.rtsp.faults.effects import Effect, Link, Piece, effects_of
from simulator.rtsp.faults.schedule import Active
from simulator.rtsp.sink import PacketSink


class Wire:
    """Sends to a sink what the camera's faults leave of each packet."""

    def __init__(self, camera_id: str, sink: PacketSink, faults: Callable[[], tuple[Active, ...]]) -> None:
        """Connects.

        Args:
            camera_id: Whose packets.
            sink: Where they go.
            faults: What holds for the camera now.
        """
        self._camera_id = camera_id
        self._sink = sink
        self._faults = faults
        self._known: tuple[Active, ...] = ()
        self._effects: Sequence[Effect] = ()
        self._link: Link | None = None
        self._waiting: deque[tuple[float, Piece]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def room_bytes(self) -> int | None:
        """What may wait on a narrow link; None where there is none."""
        self._renew()
        return self._link.room_bytes if self._link else None

    def backlog_bytes(self) -> int:
        """Bytes that wait for a narrow link, or for the client."""
        waiting = self._link.waiting_bytes(_now_s()) if self._link else 0
        return waiting + self._sink.backlog_bytes()

    def send_rtp(self, packet: bytes) -> None:
        """Queues a media packet; never blocks."""
        self._send(Piece("rtp", packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Queues a control packet; never blocks."""
        self._send(Piece("rtcp", packet))

    def close(self) -> None:
        """Swallows what waits and all that is still sent."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self, piece: Piece) -> None:
        if self._closed:
            return
        self._renew()
        pieces = [piece]
        for effect in self._effects:
            pieces = [out for each in pieces for out in effect.apply(each)]
        for each in pieces:
            if self._link is None:
                self._emit(each)
            else:
                self._waiting.append((self._link.out_s(_now_s(), len(each.data)), each))
        self._arm()

    def _renew(self) -> None:
        """Takes up the camera's faults where they changed; a link that is no more lets go of what it held."""
        active = self._faults()
        if active is self._known:
            return
        self._known = active
        self._effects, self._link = effects_of(active, self._camera_id)
        while self._waiting:
            self._emit(self._waiting.popleft()[1])

    def _arm(self) -> None:
        if self._waiting and self._timer is None:
            delay_s = max(self._waiting[0][0] - _now_s(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._drain)

    def _drain(self) -> None:
        self._timer = None
        now_s = _now_s()
        while self._waiting and self._waiting[0][0] <= now_s:
            self._emit(self._waiting.popleft()[1])
        self._arm()

    def _emit(self, piece: Piece) -> None:
        if piece.channel == "rtp":
            self._sink.send_rtp(piece.data)
        elif piece.channel == "rtcp":
            self._sink.send_rtcp(piece.data)
        else:
            self._sink.send_raw(piece.data)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
