"""Owns the playing of a fault schedule: puts into effect what begins and ends; never decides what a fault does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from simulator.rtsp.camera import Camera
from simulator.rtsp.faults.kinds import Fault, Restart
from simulator.rtsp.faults.schedule import Active, FaultSchedule

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """A fault begins or ends.

    Attributes:
        at_s: When by the script, seconds since t0.
        begins: Or ends.
        fault: What it is.
        cameras: Whom it befalls.
    """

    at_s: float
    begins: bool
    fault: Fault
    cameras: tuple[str, ...]

    def line(self) -> str:
        """For people.

        >>> from simulator.rtsp.faults.kinds import Drop
        >>> FaultEvent(20.0, True, Drop(at_s=20, for_s=10), ("north", "market")).line()
        '    20.0 s  north, market: drop begins (reset; 10 s)'
        """
        for_s = "without end" if self.fault.for_s is None else f"{self.fault.for_s:g} s"
        details = "; ".join(part for part in (self.fault.summary(), for_s) if part)
        said = f"begins ({details})" if self.begins else "ends"
        return f"{self.at_s:8.1f} s  {', '.join(self.cameras)}: {self.fault.kind} {said}"

    def document(self) -> dict[str, Any]:
        """For programs: JSON-serialisable."""
        return {
            "at_s": round(self.at_s, 3),
            "event": "begins" if self.begins else "ends",
            "kind": self.fault.kind,
            "cameras": list(self.cameras),
            "for_s": self.fault.for_s,
        }


class Host(Protocol):
    """What a driver needs of a server."""

    def disconnect(self, camera_id: str) -> int:
        """Drops every client of a camera without a word."""

    def close_port(self) -> None:
        """Refuses connections and drops all that there are."""

    async def open_port(self) -> None:
        """Listens again."""


class FaultDriver:
    """Keeps each camera's ``faults`` what the schedule says, and cuts clients where a fault does that."""

    def __init__(
        self,
        schedule: FaultSchedule,
        cameras: Mapping[str, Camera],
        host: Host,
        *,
        t0_ns: int,
        on_event: Callable[[FaultEvent], None] | None = None,
    ) -> None:
        """Takes up a city.

        Args:
            schedule: What happens.
            cameras: All of them, by id.
            host: Their server.
            t0_ns: Time 0 of the schedule, UTC nanoseconds. Read against the wall clock once; from then on time goes on
                monotonically.
            on_event: Told of every beginning and end, in order.
        """
        self._schedule = schedule
        self._cameras = cameras
        self._host = host
        self._on_event = on_event
        self._zero_s = time.monotonic() - (time.time_ns() - t0_ns) / 1e9
        self._injected: dict[int, Fault] = {}
        self._count = len(schedule.faults)
        self._holding: dict[tuple[int, int], tuple[Active, tuple[str, ...]]] = {}
        self._changed = asyncio.Event()
        self._stepping = asyncio.Lock()

    @property
    def now_s(self) -> float:
        """Seconds since t0."""
        return time.monotonic() - self._zero_s

    async def inject(self, fault: Fault) -> None:
        """Adds a fault whose times count from now, and puts it into effect.

        Args:
            fault: What shall happen, and to whom.
        """
        self._injected[self._count] = fault.model_copy(update={"at_s": self.now_s + fault.at_s})
        self._count += 1
        await self.step()
        self._changed.set()

    async def heal(self, pattern: str) -> None:
        """Takes back every injected fault whose camera, as it was named, fits a pattern."""
        self._injected = {k: f for k, f in self._injected.items() if not fnmatchcase(f.camera, pattern)}
        await self.step()
        self._changed.set()

    async def run(self) -> None:
        """Steps at every edge, until cancelled."""
        while True:
            self._changed.clear()
            edge_s = await self.step()
            timeout_s = None if edge_s is None else max(edge_s - self.now_s, 0.0)
            try:
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            except TimeoutError:
                continue

    async def step(self) -> float | None:
        """Puts into effect what holds now.

        Returns:
            When next anything changes, seconds since t0; None for never.
        """
        async with self._stepping:
            return await self._step(self.now_s)

    async def _step(self, now_s: float) -> float | None:
        active = {camera_id: self._active(camera_id, now_s) for camera_id in self._cameras}
        holding = _by_fault(active)
        ended = [held for key, held in self._holding.items() if key not in holding]
        begun = [held for key, held in holding.items() if key not in self._holding]
        self._holding = holding
        for camera_id, faults in active.items():
            if faults != self._cameras[camera_id].faults:
                self._cameras[camera_id].faults = faults
        for held in ended:
            await self._apply(*held, begins=False)
        for held in begun:
            await self._apply(*held, begins=True)
        self._injected = {k: f for k, f in self._injected.items() if _lives(f, now_s)}
        edges = [self._schedule.next_edge_s(now_s), *(fault.next_edge_s(now_s) for fault in self._injected.values())]
        known = [edge_s for edge_s in edges if edge_s is not None]
        return min(known) if known else None

    def _active(self, camera_id: str, now_s: float) -> tuple[Active, ...]:
        injected = [
            Active(fault, entry, number)
            for entry, fault in self._injected.items()
            if fnmatchcase(camera_id, fault.camera) and (number := fault.window(now_s)) is not None
        ]
        return (*self._schedule.active(camera_id, now_s), *injected)

    async def _apply(self, active: Active, camera_ids: tuple[str, ...], *, begins: bool) -> None:
        fault = active.fault
        if isinstance(fault, Restart) and fault.closes_port:
            if begins:
                self._host.close_port()
            elif not any(isinstance(a.fault, Restart) and a.fault.closes_port for a, _ in self._holding.values()):
                await self._host.open_port()
        elif fault.cuts_clients(begins=begins):
            for camera_id in camera_ids:
                self._host.disconnect(camera_id)
        if self._on_event:
            at_s = active.began_s if begins else min(active.ends_s, self.now_s)
            self._on_event(FaultEvent(at_s, begins, fault, camera_ids))


def _by_fault(
    active: Mapping[str, tuple[Active, ...]],
) -> dict[tuple[int, int], tuple[Active, tuple[str, ...]]]:
    """Turns faults by camera into cameras by fault."""
    found: dict[tuple[int, int], tuple[Active, tuple[str, ...]]] = {}
    for camera_id, faults in active.items():
        for each in faults:
            key = (each.entry, each.number)
            found[key] = (each, (*found[key][1], camera_id) if key in found else (camera_id,))
    return found


def _lives(fault: Fault, now_s: float) -> bool:
    """Whether a fault holds, or will."""
    return fault.window(now_s) is not None or fault.next_edge_s(now_s) is not None
