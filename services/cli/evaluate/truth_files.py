"""Truth for judging association, read from CityFlow's text or from a traffic recording. Never judges anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.types import VEHICLE_CLASSES
from services.errors import InputError
from tracker.evaluation.truth import LARGEST_S, SECOND_NS, SceneClock, TruthTracklet, camera_name, tracklets_of
from tracker.metrics.cityflow import parse_cityflow

if TYPE_CHECKING:
    from simulator.clock import CameraClock
    from simulator.recording import Recording

#: A vehicle that never moves has one sighting, held for as long as it stands, and travels nowhere.
_LEFT_OUT = "parked"
_SLOWEST_FPS, _FASTEST_FPS = 0.1, 1000.0
_CLASS_NUMBERS = {name.name.lower(): number for number, name in enumerate(VEHICLE_CLASSES)}


@dataclass(frozen=True, slots=True)
class SceneOptions:
    """How to read CityFlow's text; as given, see the command's help."""

    offsets: tuple[Path, ...] = ()
    fps: tuple[str, ...] = ()


def read_truth(path: Path, options: SceneOptions) -> list[TruthTracklet]:
    """Truth tracklets by start, from a file of boxes or the folder of a recording.

    Raises:
        InputError: A file is missing or not what it should be, an option names a camera that is not there, or there is
            nothing to judge; one line.
    """
    if path.is_dir():
        if options.offsets or options.fps:
            raise InputError(f"{path} is a recording, which has its clocks: leave --offsets and --fps out")
        found = _of_recording(path)
    else:
        found = _of_boxes(path, options)
    return _some(path, found)


def read_lesson(path: Path, options: SceneOptions) -> list[TruthTracklet]:
    """Truth tracklets of other hours of the same cameras, by start.

    A file of boxes is read by the offsets and rates of the scene that is judged, whose cameras need not all be in it; a
    recording has its clocks.

    Raises:
        InputError: The file is missing or not what it should be, or there is nothing to learn from; one line.
    """
    return _some(path, _of_recording(path) if path.is_dir() else _of_boxes(path, options, all_cameras=False))


def _some(path: Path, found: list[TruthTracklet]) -> list[TruthTracklet]:
    if not found:
        raise InputError(f"{path}: no tracklets: there is nothing to judge")
    return found


# ---------------------------------------------------------------------- CityFlow


def _of_boxes(path: Path, options: SceneOptions, *, all_cameras: bool = True) -> list[TruthTracklet]:
    try:
        tracks = parse_cityflow(read_text(path), str(path))
    except ValueError as exc:
        raise InputError(str(exc)) from exc
    known = {int(camera) for camera in set(tracks.camera.tolist())}
    offsets_s: dict[int, float] = {}
    for file in options.offsets:
        for camera, offset_s in _offsets(file).items():
            if offsets_s.setdefault(camera, offset_s) != offset_s:
                raise InputError(f"{file}: camera {camera_name(camera)} has another offset in an earlier file")
    if offsets_s and not known & set(offsets_s):
        raise InputError(f"{path}: none of the cameras that --offsets names has a box here")
    fps = {}
    for text in options.fps:
        camera, value = _fps(text)
        if camera not in known and all_cameras:
            raise InputError(f"--fps {text}: {path} has no camera {camera_name(camera)}")
        fps[camera] = value
    try:
        return tracklets_of(tracks, SceneClock(offsets_s, fps))
    except ValueError as exc:
        raise InputError(f"{path}: {exc}") from exc


def _offsets(path: Path) -> dict[int, float]:
    found = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        columns = line.split()
        if not columns:
            continue
        try:
            camera, offset = columns
            found[camera_number(camera)] = _within(offset, -LARGEST_S, LARGEST_S)
        except ValueError as exc:
            raise InputError(
                f"{path}:{number}: expected a camera and its offset in s, such as c001 1.64, at most {LARGEST_S:g}"
            ) from exc
    if not found:
        raise InputError(f"{path}: no offsets")
    return found


def _fps(text: str) -> tuple[int, float]:
    camera, _, value = text.partition("=")
    try:
        return camera_number(camera), _within(value, _SLOWEST_FPS, _FASTEST_FPS)
    except ValueError as exc:
        bounds = f"from {_SLOWEST_FPS:g} to {_FASTEST_FPS:g}"
        raise InputError(f"--fps {text}: expected CAMERA=FRAMES_PER_SECOND, such as 15=8, {bounds}") from exc


def camera_number(name: str) -> int:
    """The number of a CityFlow camera, with or without its c.

    Raises:
        ValueError: It is none.

    >>> camera_number("c015"), camera_number("15")
    (15, 15)
    """
    return int(name.strip().removeprefix("c"))


def _within(text: str, least: float, most: float) -> float:
    value = float(text)
    if not least <= value <= most:
        raise ValueError(text)
    return value


def read_text(path: Path) -> str:
    """Text of a file that was named on the command line, with or without a byte order mark.

    Raises:
        InputError: It cannot be opened or is no text; one line.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InputError(f"{path}: not a text file") from exc
    except OSError as exc:
        raise InputError(f"{path}: {exc.strerror or exc}") from exc


# ---------------------------------------------------------------------- recordings


def _of_recording(folder: Path) -> list[TruthTracklet]:
    from simulator.errors import CityError
    from simulator.recording import read_recording

    try:
        return recorded_tracklets(read_recording(folder))
    except CityError as exc:
        raise InputError(str(exc)) from exc


def recorded_tracklets(recording: Recording) -> list[TruthTracklet]:
    """Truth tracklets of a recording, those of vehicles that never move left out; a box for every frame."""
    vehicles = {vehicle.id: vehicle for vehicle in recording.vehicles}
    looks: dict[tuple[str, str], int] = {}
    t = recording.tracklets
    found = []
    for row in range(len(t)):
        vehicle = vehicles[int(t.vehicle[row])]
        if vehicle.kind == _LEFT_OUT:
            continue
        camera = recording.cameras[int(t.camera[row])]
        start_s, end_s = (true_s(camera.clock, float(shown)) for shown in (t.start_s[row], t.end_s[row]))
        found.append(
            TruthTracklet(
                camera_id=camera.id,
                vehicle_id=vehicle.id,
                start_ns=round(start_s * SECOND_NS),
                end_ns=round(max(start_s, end_s) * SECOND_NS),
                boxes=1 + round(max(end_s - start_s, 0.0) * camera.fps),
                entry=(float(t.entry_xy[row, 0]), float(t.entry_xy[row, 1])),
                exit=(float(t.exit_xy[row, 0]), float(t.exit_xy[row, 1])),
                shift_ns=round(camera.clock.error_s(start_s) * SECOND_NS),
                side=int(t.faces[row, 0]),
                width_px=float(t.width_px[row]),
                vehicle_class=_CLASS_NUMBERS.get(vehicle.vehicle_class, 0),
                look=looks.setdefault((vehicle.model, vehicle.colour), len(looks)),
            )
        )
    return sorted(found, key=lambda x: (x.start_ns, x.camera_id, x.vehicle_id))


def true_s(clock: CameraClock, shown_s: float) -> float:
    """The true time at which a clock shows this; where a step makes two, the later."""
    latest = shown_s - clock.error_s(shown_s - clock.offset_s)
    for _ in range(4):
        latest = shown_s - clock.error_s(latest)
    return latest


def cameras_of(tracklets: Sequence[TruthTracklet]) -> list[str]:
    """All cameras, by name."""
    return sorted({t.camera_id for t in tracklets})
