"""A recording as a folder of text, written whole and read strictly. Knows nothing of traffic.

``recording.json`` is written last: a folder without it is not a recording.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from simulator.clock import CameraClock
from simulator.errors import CityDamaged, CityError
from simulator.recording.model import KINDS, Link, RecordedCamera, RecordedVehicle, Recording, Tracklets
from simulator.recording.watch import Sightings
from simulator.views import FACES, VIEWS

VERSION = 1
_CHUNK = 20_000
_TRACKLET_COLUMNS = (
    *("camera", "vehicle", "number", "start_s", "end_s"),
    *("entry_x", "entry_y", "exit_x", "exit_y", "width_px"),
    *("first_face", "last_face", "first_view", "last_view"),
)
_VEHICLE_COLUMNS = ("id", "class", "model", "colour", "kind")
_QUANTILES = ("p05", "p25", "p50", "p75", "p95")


def require_room(out: Path) -> None:
    """Passes where a recording can be written: a folder that is missing, empty, or holds a recording.

    Raises:
        CityError: It is a file, or the folder holds something else.
    """
    known = {"tracklets.csv", "vehicles.csv", "cameras.json", "links.json", "recording.json", "ground_truth.txt"}
    if out.exists() and not out.is_dir():
        raise CityError(f"{out} is no folder; name a new folder or an old recording")
    if out.is_dir() and any(entry.name not in known for entry in out.iterdir()):
        raise CityError(f"{out} holds other files; name a new folder or an old recording")


def write_recording(recording: Recording, out: Path) -> None:
    """Writes a folder; made if missing, a recording in it is replaced.

    Raises:
        CityError: As ``require_room``.
    """
    require_room(out)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("recording.json", "ground_truth.txt"):
        (out / name).unlink(missing_ok=True)
    _write_csv(out / "tracklets.csv", _TRACKLET_COLUMNS, _tracklet_lines(recording))
    vehicles = (f"{v.id},{v.vehicle_class},{v.model},{v.colour},{v.kind}" for v in recording.vehicles)
    _write_csv(out / "vehicles.csv", _VEHICLE_COLUMNS, vehicles)
    _write_json(out / "cameras.json", [_camera_json(camera) for camera in recording.cameras])
    _write_json(out / "links.json", [_link_json(link) for link in recording.links])
    about = {
        "version": VERSION,
        "seed": recording.seed,
        "place": recording.place,
        "span_s": list(recording.span_s),
        "vehicles": len(recording.vehicles),
        "tracklets": len(recording.tracklets),
    }
    _write_json(out / "recording.json", about)


def write_boxes(boxes: Sightings, fps: float, path: Path) -> None:
    """Writes CityFlow's text: camera vehicle frame left top width height -1 -1; cameras and frames from 1."""
    frame = np.round(boxes.time_s * fps).astype(np.int64) + 1
    left, top = np.floor(boxes.box[:, 0]), np.floor(boxes.box[:, 1])
    size = np.ceil(boxes.box[:, 2:]) - np.stack([left, top], axis=1)
    table = np.column_stack([boxes.camera + 1, boxes.vehicle + 1, frame, left, top, size]).astype(np.int64)
    rows = table[np.lexsort((table[:, 1], table[:, 2], table[:, 0]))].tolist()
    path.write_text("".join(" ".join(map(str, row)) + " -1 -1\n" for row in rows), encoding="ascii")


def read_recording(folder: Path) -> Recording:
    """Reads what write_recording wrote.

    Raises:
        CityDamaged: A file is missing, was written by another version, or does not hold what it must.
    """
    try:
        about = _read_json(folder / "recording.json")
        if about["version"] != VERSION:
            raise CityDamaged(f"{folder}: version {about['version']} is not {VERSION}; record it again")
        cameras = tuple(_camera_of(entry) for entry in _read_json(folder / "cameras.json"))
        names = [camera.id for camera in cameras]
        vehicles = tuple(
            RecordedVehicle(int(number), *rest)
            for number, *rest in _read_csv(folder / "vehicles.csv", _VEHICLE_COLUMNS)
        )
        recording = Recording(
            place=str(about["place"]),
            seed=int(about["seed"]),
            span_s=(float(about["span_s"][0]), float(about["span_s"][1])),
            cameras=cameras,
            vehicles=vehicles,
            tracklets=_tracklets_of(folder / "tracklets.csv", names),
            links=tuple(_link_of(entry) for entry in _read_json(folder / "links.json")),
        )
        _check(recording, about, folder)
    except (KeyError, TypeError, ValueError, IndexError) as exc:
        raise CityDamaged(
            f"{folder}: not a recording as written: {type(exc).__name__} {exc}".replace("\n", " ")
        ) from exc
    return recording


def _check(recording: Recording, about: dict[str, Any], folder: Path) -> None:
    for what, count in (("vehicles", len(recording.vehicles)), ("tracklets", len(recording.tracklets))):
        if about[what] != count:
            raise CityDamaged(f"{folder}/{what}.csv: {count} lines, recording.json says {about[what]}")
    known = np.array([vehicle.id for vehicle in recording.vehicles], np.int64)
    if not np.isin(recording.tracklets.vehicle, known).all():
        raise CityDamaged(f"{folder}/tracklets.csv names a vehicle that vehicles.csv lacks")
    if any(vehicle.kind not in KINDS for vehicle in recording.vehicles):
        raise CityDamaged(f"{folder}/vehicles.csv: kind must be one of {', '.join(KINDS)}")
    if (recording.tracklets.end_s < recording.tracklets.start_s - 86400).any():
        raise CityDamaged(f"{folder}/tracklets.csv: a tracklet ends a day before it starts")


def _tracklet_lines(recording: Recording) -> Iterator[str]:
    """Lines, made some thousands at a time: lists of numbers are many times larger than arrays."""
    names = [camera.id for camera in recording.cameras]
    for first in range(0, len(recording.tracklets), _CHUNK):
        yield from _lines_of(recording.tracklets, slice(first, first + _CHUNK), names)


def _lines_of(t: Tracklets, part: slice, names: list[str]) -> Iterator[str]:
    columns = (
        t.camera[part].tolist(),
        t.vehicle[part].tolist(),
        t.number[part].tolist(),
        t.start_s[part].tolist(),
        t.end_s[part].tolist(),
        np.concatenate([t.entry_xy[part], t.exit_xy[part]], axis=1).tolist(),
        t.width_px[part].tolist(),
        t.faces[part].tolist(),
        t.views[part].tolist(),
    )
    for camera, vehicle, number, start, end, (x0, y0, x1, y1), width, (f0, f1), (v0, v1) in zip(*columns, strict=True):
        where = f"{x0:.4f},{y0:.4f},{x1:.4f},{y1:.4f},{width:.0f}"
        seen = f"{FACES[f0]},{FACES[f1]},{VIEWS[v0]},{VIEWS[v1]}"
        yield f"{names[camera]},{vehicle},{number},{start:.3f},{end:.3f},{where},{seen}"


def _tracklets_of(path: Path, names: list[str]) -> Tracklets:
    rows = list(_read_csv(path, _TRACKLET_COLUMNS))
    columns: list[tuple[str, ...]] = list(zip(*rows, strict=True)) if rows else [()] * len(_TRACKLET_COLUMNS)
    number = {name: index for index, name in enumerate(names)}
    numbers = np.array(columns[3:10], np.float64).reshape(7, -1)
    faces = [[FACES.index(face) for face in columns[index]] for index in (10, 11)]
    views = [[VIEWS.index(view) for view in columns[index]] for index in (12, 13)]
    return Tracklets(
        camera=np.array([number[name] for name in columns[0]], np.int64),
        vehicle=np.array(columns[1], np.int64),
        number=np.array(columns[2], np.int64),
        start_s=numbers[0],
        end_s=numbers[1],
        entry_xy=numbers[2:4].T,
        exit_xy=numbers[4:6].T,
        width_px=numbers[6],
        faces=np.array(faces, np.int64).T,
        views=np.array(views, np.int64).T,
    )


def _camera_json(camera: RecordedCamera) -> dict[str, Any]:
    return {**asdict(camera), "size_px": list(camera.size_px)}


def _camera_of(entry: dict[str, Any]) -> RecordedCamera:
    clock = entry["clock"]
    steps = tuple((float(at_s), float(by_s)) for at_s, by_s in clock["steps"])
    (x, y, z), (tx, ty, tz), (width, height) = entry["eye_m"], entry["target_m"], entry["size_px"]
    return RecordedCamera(
        id=str(entry["id"]),
        eye_m=(float(x), float(y), float(z)),
        target_m=(float(tx), float(ty), float(tz)),
        fov_deg=float(entry["fov_deg"]),
        size_px=(int(width), int(height)),
        fps=float(entry["fps"]),
        clock=CameraClock(float(clock["offset_s"]), float(clock["drift_ppm"]), steps),
    )


def _link_json(link: Link) -> dict[str, Any]:
    travel = dict(zip(_QUANTILES, link.travel_s, strict=True))
    return {
        "from": link.source,
        "to": link.target,
        "transitions": link.transitions,
        "share": link.share,
        "travel_s": travel,
        "overlap": link.overlap,
    }


def _link_of(entry: dict[str, Any]) -> Link:
    p05, p25, p50, p75, p95 = (float(entry["travel_s"][name]) for name in _QUANTILES)
    travel = (p05, p25, p50, p75, p95)
    return Link(entry["from"], entry["to"], int(entry["transitions"]), float(entry["share"]), travel, entry["overlap"])


def _write_csv(path: Path, columns: tuple[str, ...], lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(columns) + "\n")
        file.writelines(f"{line}\n" for line in lines)


def _read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[list[str]]:
    if not path.is_file():
        raise CityDamaged(f"{path}: missing; record it again")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if tuple(next(reader, ())) != columns:
            raise CityDamaged(f"{path}: expected the columns {', '.join(columns)}")
        for number, row in enumerate(reader, 2):
            if len(row) != len(columns):
                raise CityDamaged(f"{path}:{number}: expected {len(columns)} columns, got {len(row)}")
            yield row


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise CityDamaged(f"{path}: missing; record it again")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as exc:
        raise CityDamaged(f"{path}: not JSON: {exc.msg} in line {exc.lineno}") from exc
