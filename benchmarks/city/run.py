"""Renders small cities per place and light, each in a process of its own, and has them judged. Prints nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.city.detection import DetectionCount
from benchmarks.city.faces import face_shares
from benchmarks.city.judge import PublishedYolo, judge_city
from simulator.city import City, load_city
from simulator.errors import CityError
from simulator.script import RenderRequest, write_script

#: Lights that count as day; dusk, rain and fog are told apart, by name.
DAY = ("noon", "afternoon", "low_sun", "overcast")
NIGHT = ("night",)
_RENDER_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class CityBench:
    """What to render and judge.

    Attributes:
        places: Names of places.
        lights: Names of lights; each place is rendered in each.
        seed: Of fleet and traffic.
        seconds: Length of the clips.
        fps: Frames per second that are rendered and judged; 1 and 2 are enough for shares.
        folder: Where cities are kept; one that is there already is not rendered again.
    """

    places: tuple[str, ...]
    lights: tuple[str, ...]
    seed: int
    seconds: float
    fps: int
    folder: Path

    def request(self, place: str, light: str) -> RenderRequest:
        """The city of a place in a light."""
        name = f"{Path(place).stem}-{light}-{self.seed}-{self.seconds:g}s-{self.fps}fps"
        return RenderRequest(self.seed, place, name, seconds=self.seconds, fps=self.fps, light=light)


def judge_cities(bench: CityBench, weights: Path, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Tables of the published detector per light and place, and of the faces that passages show per place.

    Args:
        bench: What to render.
        weights: The published YOLO checkpoint.
        progress: Called with cities done and in all.

    Raises:
        CityError: A city cannot be rendered.
        ImportError: torch or ultralytics is not installed.
    """
    yolo = PublishedYolo(weights)
    cells: dict[tuple[str, str], DetectionCount] = {}
    faces: dict[str, Any] = {}
    total = len(bench.places) * len(bench.lights)
    for place in bench.places:
        for light in bench.lights:
            request = bench.request(place, light)
            city = _rendered(request, bench.folder / request.name)
            cells[place, light] = _summed(list(judge_city(city, yolo).values()))
            faces.setdefault(place, face_shares(city, _poses(request)))
            progress(len(cells), total)
    return {"detector": _tables(cells), "faces": faces}


def _rendered(request: RenderRequest, folder: Path) -> City:
    """The city, rendered by the product's own command where it is not there yet."""
    if not (folder / "city.json").is_file():
        arguments = ["--seed", request.seed, "--place", request.place, "--light", request.light, "--fps", request.fps]
        arguments += ["--seconds", request.seconds, "--out", folder]
        command = [sys.executable, "-m", "services.cli.main", "simulate", "render", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_RENDER_TIMEOUT_S, check=False)
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise CityError(f"{request.place} in {request.light}: {last[0].removeprefix('vreid: ')}")
    return load_city(folder)


def _poses(request: RenderRequest) -> dict[tuple[int, int], tuple[float, float, float]]:
    frames = write_script(request).frames
    return {
        (number, state.vehicle_id): (state.x_m, state.z_m, state.yaw_rad)
        for number, states in enumerate(frames, 1)
        for state in states
    }


def _summed(counts: list[DetectionCount]) -> DetectionCount:
    total = DetectionCount()
    for count in counts:
        total.add(count)
    return total


def _tables(cells: dict[tuple[str, str], DetectionCount]) -> dict[str, Any]:
    def over(chosen: Callable[[str, str], bool]) -> DetectionCount:
        return _summed([count for (place, light), count in cells.items() if chosen(place, light)])

    places, lights = (list(dict.fromkeys(key[axis] for key in cells)) for axis in (0, 1))
    everything = over(lambda *_: True)
    return {
        "day": over(lambda _, light: light in DAY).document(),
        "night": over(lambda _, light: light in NIGHT).document(),
        "by_light": {name: over(lambda _, light, n=name: light == n).document() for name in lights},  # type: ignore[misc]
        "by_place": {name: over(lambda place, _, n=name: place == n).document() for name in places},  # type: ignore[misc]
        "by_place_and_light": {f"{place} {light}": count.document() for (place, light), count in cells.items()},
        "classes": {f"{true} as {given}": n for (true, given), n in sorted(everything.classes.items())},
    }
