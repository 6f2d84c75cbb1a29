"""Owns which faults hold for which camera at a time of the city: pure functions of a script; never acts on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.clock import matching
from simulator.rtsp.faults.kinds import EVERY_CAMERA, KINDS, Fault, Resolution

KindName = Literal["drop", "stall", "garbage", "resolution", "password", "slow", "loss", "restart"]
#: What a random fault of a kind needs beyond its defaults.
_RANDOM_DETAILS: dict[str, dict[str, float]] = {"slow": {"kbit_s": 200.0}, "loss": {"share": 0.05}}
_SEEDED = {"garbage", "slow", "loss"}


class RandomFaults(BaseModel):
    """One fault after the other, each of one camera, drawn by seed; without end."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seed: int = Field(ge=0)
    every_s: float = Field(gt=0, description="One fault begins in each span of this length.")
    for_s: float = Field(default=5.0, gt=0, description="How long each holds.")
    camera: str = Field(default=EVERY_CAMERA, min_length=1, description="Whom it may befall, id or pattern.")
    kinds: tuple[KindName, ...] = Field(default=("drop", "stall", "garbage", "restart"), min_length=1)
    at_s: float = Field(default=0.0, description="When the first span begins.")

    @model_validator(mode="after")
    def _check_span(self) -> RandomFaults:
        if self.for_s > self.every_s:
            raise ValueError("every_s must not be shorter than for_s")
        return self

    def draw(self, span: int, cameras: tuple[str, ...]) -> Fault:
        """The fault of one span (from 0), among these cameras; the same for the same seed."""
        rng = np.random.default_rng([self.seed, span])
        kind = str(rng.choice(self.kinds))
        details: dict[str, object] = {**_RANDOM_DETAILS.get(kind, {}), **({"seed": span} if kind in _SEEDED else {})}
        return KINDS[kind].model_validate(
            {
                **details,
                "camera": str(rng.choice(cameras)),
                "at_s": self.at_s + span * self.every_s + float(rng.uniform(0, self.every_s - self.for_s)),
                "for_s": self.for_s,
            }
        )


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that holds.

    Attributes:
        fault: What it is.
        entry: Which one: position in the script from 0, negative for what a script does not hold.
        number: Which repetition, from 0.
    """

    fault: Fault
    entry: int
    number: int

    @property
    def began_s(self) -> float:
        """When it began, seconds since t0."""
        return self.fault.begins_s(self.number)

    @property
    def ends_s(self) -> float:
        """When it will end, seconds since t0; infinity for never."""
        return self.fault.ends_s(self.number)


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """Everything that a script does to a city.

    Attributes:
        cameras: Ids of the city's cameras.
        faults: In the script's order.
        random: Faults drawn by seed, or None.
    """

    cameras: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    random: RandomFaults | None = None

    def active(self, camera: str, t_s: float) -> tuple[Active, ...]:
        """The faults that hold for a camera at a time, seconds since t0: in the script's order, random ones last."""
        found = []
        for entry, fault in enumerate(self.faults):
            number = fault.window(t_s)
            if number is not None and fnmatchcase(camera, fault.camera):
                found.append(Active(fault, entry, number))
        for span, fault in self._drawn(t_s):
            if fault.camera == camera and fault.window(t_s) is not None:
                found.append(Active(fault, -1 - span, 0))
        return tuple(found)

    def next_edge_s(self, t_s: float) -> float | None:
        """The first beginning or end of any fault after a time; None when nothing changes any more."""
        faults = [*self.faults, *(fault for _, fault in self._drawn(t_s))]
        edges = [edge for fault in faults if (edge := fault.next_edge_s(t_s)) is not None]
        return min(edges) if edges else None

    def resolutions(self, camera: str) -> Iterator[Resolution]:
        """All changes of picture size that may befall a camera, to prepare for."""
        for fault in self.faults:
            if isinstance(fault, Resolution) and fnmatchcase(camera, fault.camera):
                yield fault
        if self.random and "resolution" in self.random.kinds and camera in matching(self.random.camera, self.cameras):
            yield Resolution()

    def _drawn(self, t_s: float) -> Iterator[tuple[int, Fault]]:
        """The random faults whose spans lie around a time."""
        if self.random is None:
            return
        here = math.floor((t_s - self.random.at_s) / self.random.every_s)
        cameras = tuple(matching(self.random.camera, self.cameras))
        for span in range(max(here - 1, 0), max(here + 2, 1)):
            yield span, self.random.draw(span, cameras)
