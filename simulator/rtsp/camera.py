"""Owns one camera as its clients find it now: what it plays and which faults hold; never talks and never sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

from simulator.rtsp.auth import Credentials, unknown_password
from simulator.rtsp.clip import Clip, ClipError, load_clip
from simulator.rtsp.faults.kinds import Drop, Fault, Password, Resolution, Restart, Stall
from simulator.rtsp.faults.schedule import Active
from simulator.rtsp.scaled import scaled_clip
from simulator.rtsp.timeline import Scheduled, Timeline

#: How a request is turned away: a status, a TCP reset, or no answer at all.
Refusal = int | Literal["reset", "silent"]
_REFUSALS: dict[str, Refusal] = {"reset": "reset", "silent": "silent", "refuse": 503, "missing": 404}

_F = TypeVar("_F", bound=Fault)


class Camera:
    """One camera. Whoever plays the script sets ``faults``; connections and sessions read what follows from them."""

    def __init__(self, camera_id: str, timeline: Timeline, credentials: Credentials | None) -> None:
        """Makes a camera that nothing is wrong with.

        Args:
            camera_id: Its name.
            timeline: What it plays; its t0 may be settled later.
            credentials: Asked of every client, or None.
        """
        self.camera_id = camera_id
        self.faults: tuple[Active, ...] = ()
        self.own_timeline = timeline
        self._own_credentials = credentials
        self._others: dict[Path | tuple[int, int], Timeline] = {}

    def prepare(self, resolutions: Iterable[Resolution], cache: Path | None = None) -> None:
        """Reads or encodes the clips that faults will play; takes seconds.

        Args:
            resolutions: Faults to prepare for.
            cache: Folder for encoded clips; the user's cache if None.

        Raises:
            ClipError: A clip cannot be made or does not fit.
        """
        own = self.own_timeline
        for fault in resolutions:
            key = self._key(fault)
            if key not in self._others:
                try:
                    clip = load_clip(key) if isinstance(key, Path) else scaled_clip(own.clip, key, cache)
                except ClipError as exc:
                    raise ClipError(f"camera {self.camera_id}: {exc}") from exc
                self._check(clip, key)
                self._others[key] = replace(own, clip=clip)

    def begin(self, t0_ns: int) -> None:
        """Settles the capture time of frame 0, UTC nanoseconds."""
        self.own_timeline = replace(self.own_timeline, t0_ns=t0_ns)
        self._others = {key: replace(other, t0_ns=t0_ns) for key, other in self._others.items()}

    @property
    def timeline(self) -> Timeline:
        """What newcomers are told and shown now."""
        fault = self._first(Resolution)
        return self.own_timeline if fault is None else self._others[self._key(fault)]

    @property
    def credentials(self) -> Credentials | None:
        """What clients must know now."""
        fault = self._first(Password)
        if fault is None:
            return self._own_credentials
        if fault.password is None:
            return unknown_password(fault.user)
        return Credentials(fault.user, fault.password.get_secret_value())

    @property
    def refusal(self) -> Refusal | None:
        """How requests are turned away now; None when they are answered."""
        if self._first(Restart):
            return "reset"
        fault = self._first(Drop)
        return _REFUSALS[fault.how] if fault else None

    @property
    def mute(self) -> bool:
        """Whether nothing is sent now to those who are connected."""
        return self.refusal is not None or self._first(Stall) is not None

    def pictures(self, position: int) -> Iterator[Scheduled]:
        """All pictures from a position on, in decoding order; changes to another clip at one of its keyframes."""
        playing = self.timeline
        while self.own_timeline.covers(position):
            wanted = self.timeline
            if wanted is not playing and wanted.at(position).unit.keyframe:
                playing = wanted
            yield playing.at(position)
            position += 1

    def _first(self, kind: type[_F]) -> _F | None:
        return next((active.fault for active in self.faults if isinstance(active.fault, kind)), None)

    def _key(self, fault: Resolution) -> Path | tuple[int, int]:
        clip = self.own_timeline.clip
        return fault.clip if fault.clip is not None else fault.size_of(clip.width, clip.height)

    def _check(self, clip: Clip, key: Path | tuple[int, int]) -> None:
        """A clip of another rate would number its frames otherwise."""
        own = self.own_timeline.clip
        name = key.name if isinstance(key, Path) else "scaled clip"
        if clip.fps != own.fps:
            rates = f"{float(clip.fps):g} frames/s, the camera's {float(own.fps):g}"
            raise ClipError(f"camera {self.camera_id}: {name} has {rates}")
