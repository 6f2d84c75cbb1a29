"""Owns the fault script: YAML checked against a city's cameras, one line for each mistake; never plays it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.clock import CameraClock, matching, merge
from simulator.errors import CityError
from simulator.rtsp.faults.kinds import AnyFault, Resolution
from simulator.rtsp.faults.schedule import FaultSchedule, RandomFaults


class ScriptError(CityError):
    """A fault script that cannot be used; one line that names file, entry and key."""


class ClockErrors(BaseModel):
    """How one camera's clock is wrong; see CameraClock."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    offset_s: float = Field(default=0.0, description="Ahead at t0; negative is behind.")
    drift_ppm: float = Field(default=0.0, gt=-1e5, lt=1e5, description="Faster than true time, parts per million.")
    steps: tuple[tuple[float, float], ...] = Field(default=(), description="Pairs: at_s, by_s.")

    def clock(self) -> CameraClock:
        """As the simulator's clock."""
        return CameraClock(self.offset_s, self.drift_ppm, self.steps)


class FaultScript(BaseModel):
    """A whole script."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    faults: tuple[AnyFault, ...] = ()
    random: RandomFaults | None = None
    clocks: dict[str, ClockErrors] = Field(default_factory=dict, description="By camera id or pattern.")
    delay_s: dict[str, float] = Field(default_factory=dict, description="How much later pictures come, by camera.")


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A script that fits a city.

    Attributes:
        schedule: Which faults hold when.
        clocks: Of the cameras whose clocks are wrong.
        delays_s: Of the cameras whose pictures come late.
    """

    schedule: FaultSchedule
    clocks: Mapping[str, CameraClock] = field(default_factory=dict)
    delays_s: Mapping[str, float] = field(default_factory=dict)


def load_script(path: Path) -> FaultScript:
    """Reads a script.

    Raises:
        ScriptError: It cannot be read, or something in it is no fault.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ScriptError(f"{path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise ScriptError(f"{path}: not UTF-8 text") from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ScriptError(f"{path}: line {line}: not valid YAML: {exc.problem}") from exc
    except yaml.YAMLError as exc:
        raise ScriptError(f"{path}: not valid YAML: {' '.join(str(exc).split())}") from exc
    script = parse_script({} if document is None else document, str(path))
    return script.model_copy(update={"faults": tuple(_beside(fault, path.parent) for fault in script.faults)})


def parse_script(document: Any, name: str = "script") -> FaultScript:
    """Checks a script that is already data.

    Args:
        document: As YAML gives it.
        name: Of the script, for messages.

    Raises:
        ScriptError: Something in it is no fault.
    """
    if not isinstance(document, dict):
        raise ScriptError(f"{name}: expected the keys {', '.join(FaultScript.model_fields)}")
    try:
        # JSON has lists where Python has tuples: a strict check takes them only from there.
        return FaultScript.model_validate_json(json.dumps(document, default=str))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ScriptError(f"{name}: {_where(first['loc'])}{_what(first)}") from exc
    except (TypeError, ValueError) as exc:
        raise ScriptError(f"{name}: {exc}") from exc


def plan_for(script: FaultScript, cameras: Sequence[str], name: str = "script") -> FaultPlan:
    """Fits a script to a city.

    Raises:
        ScriptError: It names a camera that the city lacks.
    """
    for number, fault in enumerate(script.faults, 1):
        _known(fault.camera, cameras, f"{name}: faults entry {number}: camera")
    if script.random is not None:
        _known(script.random.camera, cameras, f"{name}: random: camera")
    delays_s: dict[str, float] = {}
    for pattern, delay_s in script.delay_s.items():
        if delay_s < 0:
            raise ScriptError(f"{name}: delay_s: {pattern}: must not be negative, got {delay_s:g}")
        for camera in _known(pattern, cameras, f"{name}: delay_s"):
            delays_s[camera] = delay_s
    try:
        clocks = merge([(pattern, errors.clock()) for pattern, errors in script.clocks.items()], cameras)
    except CityError as exc:
        raise ScriptError(f"{name}: clocks: {exc}") from exc
    return FaultPlan(FaultSchedule(tuple(cameras), script.faults, script.random), clocks, delays_s)


def _known(pattern: str, cameras: Sequence[str], where: str) -> list[str]:
    try:
        return matching(pattern, cameras)
    except CityError as exc:
        raise ScriptError(f"{where}: {exc}") from exc


def _beside(fault: AnyFault, folder: Path) -> AnyFault:
    """A fault whose clip is sought beside the script."""
    if isinstance(fault, Resolution) and fault.clip is not None:
        return fault.model_copy(update={"clip": folder / fault.clip})
    return fault


def _where(location: tuple[int | str, ...]) -> str:
    """Where in the script: ``faults entry 2: for_s: ``; the kind that pydantic puts between them is left out."""
    parts = list(location)
    if parts[:1] == ["faults"] and len(parts) > 1:
        # Validation inserts the discriminator after the entry's number.
        parts = [f"faults entry {int(parts[1]) + 1}", *parts[3:]]
    return "".join(f"{part}: " for part in parts)


def _what(error: Any) -> str:
    message = str(error["msg"])
    if error["type"] == "union_tag_not_found":
        return "kind is missing"
    if error["type"] == "union_tag_invalid":
        return message.replace("Input tag", "kind").replace(" found using 'kind'", "")
    if error["type"] == "extra_forbidden":
        return "no such key"
    return message.removeprefix("Value error, ")
