"""A rendered city on disk: its cameras, vehicles, clips and truth. Loads and checks; needs no renderer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.errors import CityDamaged

#: Name of the city that ships with the product.
DEMO = "demo"

_CITIES = Path(__file__).parent / "cities"
_SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class CityCamera:
    """One camera of a city.

    Attributes:
        id: Its name, e.g. ``north``.
        number: Its number in the truth file.
        path: Clip: H.264 in MP4, no B-frames.
        width: px.
        height: px.
        frames: Frames in the clip.
        pose: Lens position, point looked at, field of view.
    """

    id: str
    number: int
    path: Path
    width: int
    height: int
    frames: int
    pose: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CityVehicle:
    """One vehicle of a city.

    Attributes:
        id: Its number in the truth file.
        model: Body model.
        kind: Class: car, bus, truck or motorcycle.
        colour: Name of the body colour.
        cues: What tells it from its like.
        route: Nodes passed.
        twin_of: Number of the vehicle whose model and colour it shares; None if it is no twin.
        alike_from: Sides from which it cannot be told from that one.
    """

    id: int
    model: str
    kind: str
    colour: str
    cues: tuple[str, ...]
    route: tuple[str, ...]
    twin_of: int | None = None
    alike_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class City:
    """A city.

    Attributes:
        name: Its name.
        seed: What it was rendered from.
        place: Where it lies.
        fps: Frames per second of every clip.
        t0: Start of every clip, seconds of the city's own day.
        cameras: By number.
        vehicles: By id; all that any camera saw.
        truth_path: CityFlow text.
        folder: Where it lies on disk.
    """

    name: str
    seed: int
    place: str
    fps: float
    t0: float
    cameras: tuple[CityCamera, ...]
    vehicles: tuple[CityVehicle, ...]
    truth_path: Path
    folder: Path

    @property
    def duration_s(self) -> float:
        """Length of the longest clip."""
        return max(camera.frames for camera in self.cameras) / self.fps

    def camera(self, camera_id: str) -> CityCamera:
        """One camera by name.

        Raises:
            KeyError: No camera of that name.
        """
        for camera in self.cameras:
            if camera.id == camera_id:
                return camera
        raise KeyError(f"no camera {camera_id!r}; the city has {', '.join(c.id for c in self.cameras)}")


def load_city(path_or_name: str | Path = DEMO, *, verify: bool = True) -> City:
    """Loads a city.

    Args:
        path_or_name: A folder, or the name of a city that ships with the product.
        verify: Compare every file with its frozen hash.

    Raises:
        CityDamaged: There is no such city, or a file is missing or differs.
    """
    folder = Path(path_or_name)
    if not (folder / "city.json").is_file():
        folder = _CITIES / str(path_or_name)
    if not (folder / "city.json").is_file():
        known = ", ".join(sorted(child.name for child in _CITIES.glob("*") if (child / "city.json").exists()))
        raise CityDamaged(f"no city {str(path_or_name)!r}; known cities: {known or 'none'}")
    if verify:
        verify_city(folder)
    document = json.loads((folder / "city.json").read_text(encoding="utf-8"))
    cameras = tuple(
        CityCamera(**{**{k: v for k, v in camera.items() if k != "file"}, "path": folder / camera["file"]})
        for camera in document["cameras"]
    )
    vehicles = tuple(
        CityVehicle(
            vehicle["id"],
            vehicle["model"],
            vehicle["class"],
            vehicle["colour"],
            tuple(vehicle["cues"]),
            tuple(vehicle["route"]),
            vehicle.get("twin_of"),
            tuple(vehicle.get("alike_from", ())),
        )
        for vehicle in document["vehicles"]
    )
    return City(
        name=document["name"],
        seed=document["seed"],
        place=document["place"],
        fps=document["fps"],
        t0=document["t0"],
        cameras=cameras,
        vehicles=vehicles,
        truth_path=folder / "ground_truth.txt",
        folder=folder,
    )


def write_city(city: City) -> None:
    """Writes ``city.json`` beside clips and truth that are there already, then freezes all by hash."""
    cameras = []
    for camera in city.cameras:
        entry = {key: value for key, value in asdict(camera).items() if key != "path"}
        cameras.append({**entry, "file": camera.path.name})
    vehicles = []
    for vehicle in city.vehicles:
        entry = asdict(vehicle)
        entry["class"] = entry.pop("kind")
        vehicles.append(entry)
    document = {
        "name": city.name,
        "seed": city.seed,
        "place": city.place,
        "fps": city.fps,
        "t0": city.t0,
        "cameras": cameras,
        "vehicles": vehicles,
    }
    (city.folder / "city.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    freeze_city(city.folder)


def freeze_city(folder: Path) -> None:
    """Writes the hashes of all files of a city."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != _SUMS)
    (folder / _SUMS).write_text("".join(f"{_sha256(path)}  {path.name}\n" for path in files), encoding="ascii")


def verify_city(folder: Path) -> None:
    """Compares a city's files with their frozen hashes.

    Raises:
        CityDamaged: The list, or a file on it, is missing or differs.
    """
    sums = folder / _SUMS
    if not sums.is_file():
        raise CityDamaged(f"{folder.name}: {_SUMS} is missing")
    for line in sums.read_text(encoding="ascii").splitlines():
        expected, _, name = line.partition("  ")
        path = folder / name
        if not path.is_file():
            raise CityDamaged(f"{folder.name}: {name} is missing")
        if _sha256(path) != expected:
            raise CityDamaged(f"{folder.name}: {name} differs from its frozen hash: restore it from the repository")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
