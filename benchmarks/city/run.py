"""Has small cities judged, one per place and light. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.city.detection import DetectionCount
from benchmarks.city.faces import face_shares
from benchmarks.city.judge import PublishedYolo, judge_city
from benchmarks.city.rendering import rendered_city
from simulator.script import RenderRequest, write_script

#: Lights that count as day; dusk, rain and fog are told apart, by name.
DAY = ("noon", "afternoon", "low_sun", "overcast")
NIGHT = ("night",)


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
        return RenderRequest(self.seed, place, place, seconds=self.seconds, fps=self.fps, light=light)


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
            city = rendered_city(request, bench.folder)
            cells[place, light] = _summed(list(judge_city(city, yolo).values()))
            faces.setdefault(place, face_shares(city, _poses(request)))
            progress(len(cells), total)
    return {"detector": _tables(cells), "faces": faces}


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
