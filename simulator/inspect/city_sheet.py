"""A contact sheet of a city's vehicles: each as every camera saw it best."""

from __future__ import annotations

from collections import defaultdict

from simulator.city import City, CityVehicle
from simulator.errors import CityError
from simulator.inspect.clips import read_clip
from simulator.inspect.drawing import Cell, Image, Layout, Row, draw_sheet
from simulator.truth import TruthBox, read_truth

_MARGIN = 0.04
_LEAST_VISIBLE = 0.6


def city_sheet(city: City, vehicles: int = 24) -> Image:
    """Vehicles in rows, cameras in columns, those seen by most cameras first.

    Args:
        city: Rendered.
        vehicles: Rows, at most.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        CityError: No vehicle is seen well, or a clip or the truth is damaged.
    """
    sizes = {camera.number: (camera.width, camera.height) for camera in city.cameras}
    best = best_boxes(read_truth(city.truth_path), sizes)
    cameras_of: dict[int, int] = defaultdict(int)
    for vehicle, _ in best:
        cameras_of[vehicle] += 1
    chosen = sorted(cameras_of, key=lambda number: (-cameras_of[number], number))[:vehicles]
    if not chosen:
        raise CityError(f"{city.name}: no camera sees a vehicle well enough for a sheet")
    cut = _cut({key: box for key, box in best.items() if key[0] in chosen}, city)
    known = {vehicle.id: vehicle for vehicle in city.vehicles}
    rows = [
        Row(_title(known[number]), tuple(cut.get((number, camera.number)) for camera in city.cameras))
        for number in chosen
    ]
    heading = f"{city.name}: {len(chosen)} of {len(city.vehicles)} vehicles, seed {city.seed}, place {city.place}"
    return draw_sheet(
        rows, Layout(heading=(heading,), columns=tuple(camera.id for camera in city.cameras), caption_lines=1)
    )


def best_boxes(truth: list[TruthBox], sizes: dict[int, tuple[int, int]]) -> dict[tuple[int, int], TruthBox]:
    """The largest well-visible box by vehicle and camera, whole ones before those that the picture's edge cuts.

    Args:
        truth: Of a city.
        sizes: Width and height of the picture by camera number, px.
    """
    best: dict[tuple[int, int], tuple[bool, int, TruthBox]] = {}
    for box in truth:
        width, height = sizes[box.camera]
        whole = box.left > 0 and box.top > 0 and box.left + box.width < width and box.top + box.height < height
        key, rated = (box.vehicle_id, box.camera), (whole, box.width * box.height)
        if box.visible >= _LEAST_VISIBLE and (key not in best or rated > best[key][:2]):
            best[key] = (*rated, box)
    return {key: box for key, (_, _, box) in best.items()}


def _cut(best: dict[tuple[int, int], TruthBox], city: City) -> dict[tuple[int, int], Cell]:
    """The pictures, read clip by clip."""
    wanted: dict[tuple[int, int], list[TruthBox]] = defaultdict(list)
    for box in best.values():
        wanted[box.camera, box.frame].append(box)
    cells: dict[tuple[int, int], Cell] = {}
    for camera in city.cameras:
        for number, image in read_clip(camera):
            for box in wanted.get((camera.number, number), ()):
                caption = (f"frame {number}  {box.visible:.0%}",)
                cells[box.vehicle_id, camera.number] = Cell(_around(image, box).copy(), caption)
    return cells


def _around(image: Image, box: TruthBox) -> Image:
    dx, dy = round(box.width * _MARGIN), round(box.height * _MARGIN)
    left, top = max(0, box.left - dx), max(0, box.top - dy)
    return image[top : box.top + box.height + dy, left : box.left + box.width + dx]


def _title(vehicle: CityVehicle) -> tuple[str, ...]:
    return (
        f"{vehicle.id} {vehicle.kind}",
        f"{vehicle.colour} {vehicle.model}",
        *(cue[:22] for cue in vehicle.cues[:5]),
    )
