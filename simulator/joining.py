"""Makes one city of several that have nothing to do with each other, as one operator's sites. Renders nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulator.city import City, CityCamera, CityVehicle, load_city, write_city
from simulator.errors import CityError

_TRUTH = "ground_truth.txt"
_CREDITS = "ATTRIBUTION.md"


def join_cities(cities: Sequence[City], out: Path) -> City:
    """Writes a city whose cameras are those of all the given, and whose vehicles keep to where they are.

    Cameras are named ``s1-north``, ``s2-gate``, ...; cameras and vehicles are numbered anew, the first city's first.
    Clips are copied as they are.

    Args:
        cities: Two or more, of one frame rate.
        out: Folder; made if missing.

    Returns:
        The joined city; its seed is the first one's.

    Raises:
        CityError: Fewer than two, different frame rates, or the folder is not empty.
        OSError: The folder cannot be written.
    """
    if len(cities) < 2:
        raise CityError(f"joining takes two cities or more, got {len(cities)}")
    rates = sorted({city.fps for city in cities})
    if len(rates) > 1:
        raise CityError(f"cities have different frame rates: {', '.join(f'{rate:g}' for rate in rates)}")
    if out.exists() and any(out.iterdir()):
        raise CityError(f"{out} is not empty")
    out.mkdir(parents=True, exist_ok=True)
    cameras: list[CityCamera] = []
    vehicles: list[CityVehicle] = []
    lines: list[str] = []
    for site, city in enumerate(cities, 1):
        before, numbers = max((v.id for v in vehicles), default=0), {}
        for camera in city.cameras:
            path = out / f"s{site}-{camera.path.name}"
            shutil.copyfile(camera.path, path)
            numbers[camera.number] = len(cameras) + 1
            cameras.append(replace(camera, id=f"s{site}-{camera.id}", number=len(cameras) + 1, path=path))
        vehicles += [_moved(vehicle, before) for vehicle in city.vehicles]
        lines += _renumbered(city.truth_path, numbers, before)
    (out / _TRUTH).write_text("".join(lines), encoding="utf-8")
    _write_credits(cities, out / _CREDITS)
    first = cities[0]
    places = "+".join(city.place for city in cities)
    write_city(
        City(out.name, first.seed, places, first.fps, first.t0, tuple(cameras), tuple(vehicles), out / _TRUTH, out)
    )
    return load_city(out)


def _moved(vehicle: CityVehicle, by: int) -> CityVehicle:
    return replace(vehicle, id=vehicle.id + by, twin_of=None if vehicle.twin_of is None else vehicle.twin_of + by)


def _renumbered(truth: Path, cameras: dict[int, int], vehicles_by: int) -> list[str]:
    """Lines of a truth file with other cameras' and vehicles' numbers, the rest untouched."""
    lines = []
    for line in truth.read_text(encoding="utf-8").splitlines():
        camera, vehicle, rest = line.split(maxsplit=2)
        lines.append(f"{cameras[int(camera)]} {int(vehicle) + vehicles_by} {rest}\n")
    return lines


def _write_credits(cities: Sequence[City], path: Path) -> None:
    """The attributions of all, one after the other."""
    files = [city.folder / _CREDITS for city in cities]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    path.write_text("\n".join(dict.fromkeys(texts)), encoding="utf-8")
